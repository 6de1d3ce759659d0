"""Reports: the figures that thresholds are about, and the line that says what failed."""

from __future__ import annotations

import dataclasses

import pytest

from proxyctl.check.expected import Expected
from proxyctl.check.judge import judge
from proxyctl.check.load.sample import Sample
from proxyctl.check.report import failed_line
from proxyctl.check.verdicts.threshold import parse_threshold
from proxyctl.core.status import Event
from tests.check.report_values import STARTED_AT, report_of, served

GOOD = served({"web1": 2000, "web2": 1000})
BAD = served(
    {"web1": 1999, "web2": 1000}, Sample(0.5, 0.1, "reset"), Sample(0.75, 0.1, "http_500", 500, "web1"), latency=0.004
)
WEIGHTS = Expected({"web1": 2, "web2": 1}, "the user")
NOTHING = report_of([])


@pytest.mark.parametrize(
    ("metric", "value"),
    [
        ("requests", 3001), ("ok", 2999), ("errors", 2), ("errors.reset", 1), ("errors.timeout", 0),
        ("error_rate", 2 / 3001), ("rate", 3001.0), ("seconds", 1.0), ("servers", 2),
        ("p50", 4.0), ("p99.9", 4.0), ("max", 4.0),
        ("requests.web1", 2000), ("requests.web9", 0), ("share.web1", 2 / 3), ("share.web9", 0.0),
    ],
)  # fmt: skip
def test_figures(metric: str, value: float) -> None:
    """Every figure that a threshold can be about is the report's."""
    assert BAD.figure(metric) == pytest.approx(value, rel=1e-3)


@pytest.mark.parametrize("metric", ["share.web1", "error_rate", "p99"])
def test_figures_of_nothing(metric: str) -> None:
    """What was not measured is None, not 0."""
    assert NOTHING.figure(metric) is None


def test_events_of_the_check() -> None:
    """Of the log of `watch` the report keeps what happened during the check and within a second of it."""
    log = [
        Event(STARTED_AT + 2.5, "late", ""),
        Event(STARTED_AT + 1.9, "after", ""),
        Event(STARTED_AT - 0.9, "before", "web3 joined"),
        Event(STARTED_AT - 1.5, "early", ""),
    ]
    report = GOOD.with_events(log)
    assert [e.kind for e in report.events] == ["before", "after"]
    assert report.events[0].text == "web3 joined"


@pytest.mark.parametrize(
    ("at", "latency", "near"), [(0.0, 0.1, []), (1.4, 0.1, []), (1.4, 0.7, [0]), (3.9, 0.1, [0]), (4.1, 0.1, [])]
)
def test_events_near_a_failure(at: float, latency: float, near: list[int]) -> None:
    """An event is near a failure when it is within a second of any moment at which the request was under way."""
    log = [Event(STARTED_AT + 3.0, "drain", "web1")]
    failure = Sample(at, latency, "reset")
    report = dataclasses.replace(report_of([failure]), seconds=5.0).with_events(log)
    assert list(report.near(failure)) == near


def test_failed_line() -> None:
    """The line says which thresholds failed and by how much, and no others."""
    report = judge(BAD, WEIGHTS, map(parse_threshold, ("p99<2ms", "rate>1", "errors==0")))
    assert failed_line(report) == (
        "p99 is 4, expected < 2 ms (off by 2); errors is 2, expected == 0 (1 http_500, 1 reset)"
    )


def test_nothing_answers() -> None:
    """When every request was refused the line says just that."""
    report = judge(report_of([Sample(0.0, 0.001, "refused")] * 30))
    assert not report.ok
    assert failed_line(report) == "nothing answers at http://127.0.0.1:8080/: all 30 requests were refused"
