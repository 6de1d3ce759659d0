"""Statistics against published tables, and thresholds as people write them."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxyctl.core.verdict import (
    Threshold,
    balance,
    chi_squared_p,
    goodness_of_fit,
    number,
    parse_threshold,
    parse_weights,
    shares,
    smallest_visible,
)
from proxyctl.errors import UsageError

# NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.4, upper critical values
NIST = [
    (1, 0.10, 2.706), (1, 0.05, 3.841), (1, 0.001, 10.828),
    (2, 0.05, 5.991), (2, 0.01, 9.210), (2, 0.001, 13.816),
    (5, 0.10, 9.236), (5, 0.025, 12.833),
    (10, 0.05, 18.307), (10, 0.001, 29.588),
    (30, 0.05, 43.773), (30, 0.01, 50.892),
    (100, 0.05, 124.342), (100, 0.001, 149.449),
]  # fmt: skip


@pytest.mark.parametrize(("degrees", "p", "critical"), NIST)
def test_chi_squared_table(degrees: int, p: float, critical: float) -> None:
    """The p-value of each critical value in the table is the table's."""
    assert chi_squared_p(critical, degrees) == pytest.approx(p, rel=1e-3)


@pytest.mark.parametrize("statistic", [0.01, 0.5, 2.0, 3.9, 4.1, 10.0, 100.0, 1000.0])
def test_chi_squared_closed_forms(statistic: float) -> None:
    """One and two degrees of freedom have closed forms, and both ways of computing meet them."""
    assert chi_squared_p(statistic, 2) == pytest.approx(math.exp(-statistic / 2), rel=1e-12)
    assert chi_squared_p(statistic, 1) == pytest.approx(math.erfc(math.sqrt(statistic / 2)), rel=1e-12)


def test_chi_squared_ends() -> None:
    """No deviation has p-value 1, an absurd one has 0, and neither overflows."""
    assert chi_squared_p(0.0, 3) == 1.0
    assert chi_squared_p(1e5, 3) == 0.0


@given(st.floats(0.01, 500), st.floats(0.01, 500), st.integers(1, 200))
def test_chi_squared_falls(one: float, other: float, degrees: int) -> None:
    """A larger deviation never has a larger p-value, across the seam of the two ways of computing."""
    low, high = sorted((one, other))
    assert 0 <= chi_squared_p(high, degrees) <= chi_squared_p(low, degrees) * (1 + 1e-9) <= 1 + 1e-9


def test_shares() -> None:
    """Weights become shares; nothing at all becomes zeros."""
    assert shares({"b": 1, "a": 3}) == {"a": 0.75, "b": 0.25}
    assert shares({"a": 0}) == {"a": 0.0}


@pytest.mark.parametrize(
    ("counts", "weights", "least", "most"),
    [
        pytest.param({"a": 1000, "b": 1000, "c": 1000}, {"a": 1, "b": 1, "c": 1}, 1, 1, id="round robin"),
        pytest.param({"a": 2, "b": 1, "c": 1}, {"a": 1, "b": 1, "c": 1}, 0.5, 1, id="round robin, small"),
        pytest.param({"a": 750, "b": 250}, {"a": 3, "b": 1}, 1, 1, id="weights"),
        pytest.param({"a": 250, "b": 750}, {"a": 3, "b": 1}, 0, 1e-90, id="weights swapped"),
        pytest.param({"a": 100}, {"a": 1, "b": 1}, 0, 1e-20, id="one starved"),
        pytest.param({"a": 100, "b": 1}, {"a": 1, "b": 0}, 0, 0, id="one served by share 0"),
        pytest.param({"a": 100, "x": 1}, {"a": 1}, 0, 0, id="a stranger"),
        pytest.param({"a": 100, "b": 0}, {"a": 1, "b": 0}, 1, 1, id="only one may serve"),
        pytest.param({}, {"a": 1, "b": 1}, 1, 1, id="nothing was served"),
        # alone, Pearson's statistic makes 17 of the next: three requests where 0.4 were due
        pytest.param({"a": 97, "b": 3}, {"a": 255, "b": 1}, 1e-3, 1, id="few due"),
        # and the likelihood ratio 16 of this one, which chance does 3 times in 10,000
        pytest.param({"a": 1000, "b": 0}, {"a": 992, "b": 8}, 1e-3, 1, id="few due, none came"),
    ],
)
def test_goodness_of_fit(counts: dict[str, int], weights: dict[str, float], least: float, most: float) -> None:
    """The p-value is high where the counts follow the weights, and vanishes where they do not."""
    assert least <= goodness_of_fit(counts, weights) <= most


@pytest.mark.parametrize("weights", [[1, 1, 1], [3, 1], [255, 1], [10, 5, 1]])
@pytest.mark.parametrize("total", [10, 100, 1000])
def test_false_alarms(weights: list[int], total: int) -> None:
    """A proxy that chooses at random by the weights is not accused, in 200 runs of a fixed seed."""
    chance = random.Random(4)
    wanted = {str(i): float(w) for i, w in enumerate(weights)}
    for _ in range(200):
        served = chance.choices(list(wanted), weights, k=total)
        assert goodness_of_fit({name: served.count(name) for name in wanted}, wanted) > 1e-4


def test_smallest_visible() -> None:
    """The deviation that is said to show is where the verdict turns, and shrinks with the requests."""
    weights = {"a": 1.0, "b": 1.0}
    visible = smallest_visible(10_000, weights)
    off = round(visible * 10_000)
    assert not balance({"a": 5000 + off + 5, "b": 5000 - off - 5}, weights).ok
    assert balance({"a": 5000 + off - 5, "b": 5000 - off + 5}, weights).ok
    assert smallest_visible(100, weights) == pytest.approx(10 * visible, rel=1e-3)
    assert smallest_visible(1, weights) == 1.0
    assert smallest_visible(0, weights) == 0.0
    assert smallest_visible(100, {"a": 1.0}) == 0.0


def test_balance_good() -> None:
    """A good balance says what was expected of it and how much the requests could have shown."""
    verdict = balance({"web1": 1000, "web2": 1000, "web3": 1000}, {"web1": 1, "web2": 1, "web3": 1})
    assert (verdict.name, verdict.ok, verdict.value, verdict.expected) == ("balance", True, 1.0, "p > 1e-4")
    assert verdict.detail == "as expected; with 3000 requests a share that is off by 3.7 points shows"


def test_balance_bad() -> None:
    """A bad balance names the server that is furthest off."""
    verdict = balance({"web1": 900, "web2": 100}, {"web1": 3, "web2": 1})
    assert not verdict.ok
    assert verdict.detail.startswith("web1 got 900 instead of 750; ")


def test_balance_strangers() -> None:
    """Servers that should get nothing are named with what they got."""
    verdict = balance({"web1": 9, "web8": 2, "web9": 1}, {"web1": 1, "web8": 0})
    assert (verdict.ok, verdict.value, verdict.detail) == (False, 0.0, "web8, web9 got 3 and should get nothing")


@pytest.mark.parametrize(
    ("text", "threshold"),
    [
        ("errors==0", Threshold("errors", "==", 0)),
        ("p99<50ms", Threshold("p99", "<", 50)),
        ("p99.9 <= 1.5s", Threshold("p99.9", "<=", 1500)),
        ("max<200us", Threshold("max", "<", 0.2)),
        ("p50<7", Threshold("p50", "<", 7)),
        (" rate > 1000/s ", Threshold("rate", ">", 1000)),
        ("seconds<500ms", Threshold("seconds", "<", 0.5)),
        ("error_rate<=0.1%", Threshold("error_rate", "<=", 0.001)),
        ("balance.p>1e-4", Threshold("balance.p", ">", 1e-4)),
        ("errors.http_503!=0", Threshold("errors.http_503", "!=", 0)),
        ("share.web-1.a>=30%", Threshold("share.web-1.a", ">=", 0.3)),
        ("requests.web1>10", Threshold("requests.web1", ">", 10)),
    ],
)
def test_parse_threshold(text: str, threshold: Threshold) -> None:
    """Thresholds are read as people write them."""
    parsed = parse_threshold(text)
    assert (parsed.metric, parsed.sign) == (threshold.metric, threshold.sign)
    assert parsed.limit == pytest.approx(threshold.limit)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("p99", "is not like"),
        ("p99<", "is not like"),
        ("p99<50 minutes", "is not like"),
        ("p98<5", "is about none of requests, ok"),
        ("errors.==0", "is about none of"),
        ("rate>5ms", "has the unit 'ms'; rate takes none or /s"),
        ("p99<1.2.3", "'1.2.3', which is not a number"),
    ],
)
def test_refused_thresholds(text: str, reason: str) -> None:
    """What is not a threshold is refused with what would be."""
    with pytest.raises(UsageError) as caught:
        parse_threshold(text)
    assert repr(text) in str(caught.value)
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("text", "value", "ok", "detail"),
    [
        ("p99<50ms", 49.9, True, ""),
        ("p99<50ms", 62.5, False, "off by 12.5"),
        ("p99<50ms", 50.0, False, ""),
        ("errors!=0", 0, False, ""),
        ("rate>=1000", 1000.0, True, ""),
        ("p99<50ms", None, False, "not measured"),
    ],
)
def test_judge(text: str, value: float | None, ok: bool, detail: str) -> None:
    """A figure beyond its limit fails by so much; one that was not measured fails too."""
    verdict = parse_threshold(text).judge(value)
    assert (verdict.ok, verdict.value, verdict.detail) == (ok, value, detail)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("p99<50ms", "< 50 ms"), ("seconds<2", "< 2 s"), ("errors==0", "== 0"), ("balance.p>1e-4", "> 1e-4")],
)
def test_expected(text: str, expected: str) -> None:
    """The limit is written with its unit."""
    assert parse_threshold(text).expected == expected


@pytest.mark.parametrize(
    ("text", "weights"), [("web1=3,web2=1", {"web1": 3, "web2": 1}), (" a=b = 0.5 ", {"a=b": 0.5})]
)
def test_parse_weights(text: str, weights: dict[str, float]) -> None:
    """Weights are read per server."""
    assert parse_weights(text) == weights


@pytest.mark.parametrize("text", ["", "web1", "web1=", "web1=x", "=1", "a=1,,b=1", "a=-1", "a=nan", "a=inf", "a=0,b=0"])
def test_refused_weights(text: str) -> None:
    """What is not a list of weights, or gives nothing to anyone, is refused."""
    with pytest.raises(UsageError, match="the weights"):
        parse_weights(text)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (1e-4, "1e-4"),
        (3.3e-67, "3.3e-67"),
        (0.05, "0.05"),
        (12.345, "12.35"),
        (1234.5, "1234"),
        (5e6, "5000000"),
    ],
)
def test_number(value: float, text: str) -> None:
    """Figures are written as people write them."""
    assert number(value) == text
