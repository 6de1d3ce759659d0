"""Statistics against published tables."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxyctl.check.verdicts.balance import balance
from proxyctl.check.verdicts.statistics import (
    binomial_tail,
    chi_squared_p,
    effect_size,
    goodness_of_fit,
    smallest_visible,
)

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


@pytest.mark.parametrize(
    ("successes", "trials", "chance", "p"),
    [
        # NIST/SEMATECH e-Handbook, 1.3.6.6.18, and closed forms
        (0, 10, 0.5, 1.0), (10, 10, 0.5, 2**-10), (9, 10, 0.5, 11 * 2**-10), (1, 5, 0.1, 1 - 0.9**5),
        (3, 3, 1.0, 1.0), (1, 3, 0.0, 0.0), (4, 3, 0.5, 0.0),
    ],
)  # fmt: skip
def test_binomial_tail(successes: int, trials: int, chance: float, p: float) -> None:
    """The tail of the binomial distribution meets its closed forms."""
    assert binomial_tail(successes, trials, chance) == pytest.approx(p, rel=1e-9, abs=1e-300)


def test_effect_size() -> None:
    """Cohen's w is that of his definition, does not depend on how many there were, and is infinite for strangers."""
    weights = {"a": 1.0, "b": 1.0}
    assert effect_size({"a": 55, "b": 45}, weights) == pytest.approx(0.1)
    assert effect_size({"a": 5500, "b": 4500}, weights) == pytest.approx(0.1)
    assert effect_size({}, weights) == 0.0
    assert effect_size({"a": 1, "x": 1}, {"a": 1, "b": 0}) == math.inf
