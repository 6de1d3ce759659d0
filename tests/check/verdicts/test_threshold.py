"""Thresholds as people write them."""

from __future__ import annotations

import pytest

from proxyctl.check.verdicts.threshold import Threshold, parse_threshold, per_server
from proxyctl.errors import UsageError


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
        ("ttfb.p99<1s", Threshold("ttfb.p99", "<", 1000)),
        ("server.web-1.a.p99.9<5ms", Threshold("server.web-1.a.p99.9", "<", 5)),
        ("server.web1.ttfb.max<5", Threshold("server.web1.ttfb.max", "<", 5)),
        ("server.web1.errors<=3", Threshold("server.web1.errors", "<=", 3)),
        ("stalls==0", Threshold("stalls", "==", 0)),
        ("faulty_server.p>1e-6", Threshold("faulty_server.p", ">", 1e-6)),
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
        ("server.web1.p98<5", "is about none of"),
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
    [
        ("p99<50ms", "< 50 ms"),
        ("server.a.ttfb.p50<2", "< 2 ms"),
        ("seconds<2", "< 2 s"),
        ("errors==0", "== 0"),
        ("balance.p>1e-4", "> 1e-4"),
    ],
)
def test_expected(text: str, expected: str) -> None:
    """The limit is written with its unit."""
    assert parse_threshold(text).expected == expected


@pytest.mark.parametrize(
    ("metric", "found"),
    [
        ("server.web1.p99", ("web1", "p99")),
        ("server.a.b.p99.9", ("a.b", "p99.9")),
        ("server.web1.ttfb.p50", ("web1", "ttfb.p50")),
        ("server.p99", None),
        ("p99", None),
    ],
)
def test_per_server(metric: str, found: tuple[str, str] | None) -> None:
    """A server's name may have dots in it; the figure is what comes last."""
    assert per_server(metric) == found
