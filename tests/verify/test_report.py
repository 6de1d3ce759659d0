"""Reports: the JSON that scripts rely on, the verdicts, the line that says what failed."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from proxyctl.core.verdict import parse_threshold
from proxyctl.edges.load.sample import Sample
from proxyctl.verify.expected import Expected
from proxyctl.verify.report import Report, failed_line

GOOD = Report(
    url="http://127.0.0.1:8080/",
    started_at=1_795_000_000.25,
    seconds=1.2,
    requests=3000,
    failed=0,
    errors={},
    latency_ms={"p50": 1.1, "p90": 2.0, "p99": 3.9, "p99.9": 5.0, "max": 8.0},
    servers={"web2": 1000, "web1": 2000},
)
WEIGHTS = Expected({"web1": 2, "web2": 1}, "the user")
BAD = dataclasses.replace(
    GOOD,
    failed=3,
    errors={"reset": 1, "http_500": 2},
    failures=(Sample(0.5, 0.1, "reset"), Sample(0.75, 0.1, "http_500", 500, "web1")),
)


def test_json() -> None:
    """The JSON has exactly these keys; scripts rely on them."""
    assert BAD.judged(WEIGHTS).to_json() == {
        "url": "http://127.0.0.1:8080/",
        "started_at": "2026-11-18T11:06:40.250000+00:00",
        "requests": 3000,
        "ok": 2997,
        "errors": {"refused": 0, "reset": 1, "timeout": 0, "http_502": 0, "http_503": 0, "http_504": 0, "http_500": 2},
        "unfinished": 0,
        "seconds": 1.2,
        "rate": 2500.0,
        "latency_ms": {"p50": 1.1, "p90": 2.0, "p99": 3.9, "p99.9": 5.0, "max": 8.0},
        "servers": {
            "web1": {"requests": 2000, "share": 0.6667, "expected": 0.6667},
            "web2": {"requests": 1000, "share": 0.3333, "expected": 0.3333},
        },
        "verdicts": [
            {"name": "errors", "ok": False, "value": 3, "expected": "== 0", "detail": "2 http_500, 1 reset"},
            {
                "name": "balance",
                "ok": True,
                "value": 1.0,
                "expected": "p > 1e-4",
                "detail": "as expected; with 3000 requests a share that is off by 3.3 points shows; by the user",
            },
        ],
        "notes": [],
        "failures": [
            {"at": 0.5, "kind": "reset", "status": None, "server": None},
            {"at": 0.75, "kind": "http_500", "status": 500, "server": "web1"},
        ],
    }
    assert json.loads(json.dumps(BAD.to_json())) == BAD.to_json()


def test_json_names_servers_that_served_nothing() -> None:
    """A server that was expected and not seen is listed with 0; one that was not expected, with null."""
    servers = GOOD.judged(Expected({"web1": 1, "web3": 1}, "x")).to_json()["servers"]
    assert servers["web2"]["expected"] is None
    assert servers["web3"] == {"requests": 0, "share": 0.0, "expected": 0.5}


def verdicts(report: Report, expected: Expected | None = None, *expect: str) -> dict[str, bool]:
    """Return what was judged, and how."""
    judged = report.judged(expected, map(parse_threshold, expect))
    return {verdict.name: verdict.ok for verdict in judged.verdicts}


def test_default_verdicts() -> None:
    """Without a word no error is allowed, and the balance must be right where it is known."""
    assert verdicts(GOOD, WEIGHTS) == {"errors": True, "balance": True}
    assert verdicts(BAD, Expected({"web1": 1, "web2": 1}, "x")) == {"errors": False, "balance": False}
    assert verdicts(GOOD) == {"errors": True}


def test_balance_is_not_guessed() -> None:
    """Where nobody says which shares are right, or who served, the report says so and judges nothing."""
    assert GOOD.judged().notes == ("balance not judged: no shares are expected",)
    assert GOOD.judged(Expected(None, "it is leastconn")).notes == ("balance not judged: it is leastconn",)
    unnamed = dataclasses.replace(GOOD, servers={})
    assert unnamed.judged(WEIGHTS).notes[0].startswith("servers not named: ")
    refused = dataclasses.replace(unnamed, failed=3000, errors={"refused": 3000})
    assert refused.judged(WEIGHTS).notes == ()


def test_judging_again_replaces_the_verdicts() -> None:
    """A second judgement takes the place of the first, notes included."""
    assert GOOD.judged().judged(WEIGHTS) == GOOD.judged(WEIGHTS)


def test_thresholds_replace_defaults() -> None:
    """A threshold on errors or balance takes the place of the one that is always there."""
    assert verdicts(BAD, WEIGHTS, "errors<=3") == {"balance": True, "errors": True}
    assert verdicts(GOOD, WEIGHTS, "balance.p>0.5") == {"errors": True, "balance.p": True}
    assert verdicts(GOOD, None, "balance.p>0.5") == {"errors": True, "balance.p": False}


@pytest.mark.parametrize(
    ("metric", "value"),
    [
        ("requests", 3000), ("ok", 2997), ("errors", 3), ("errors.reset", 1), ("errors.timeout", 0),
        ("error_rate", 0.001), ("rate", 2500.0), ("seconds", 1.2), ("servers", 2),
        ("p50", 1.1), ("p99.9", 5.0), ("max", 8.0),
        ("requests.web1", 2000), ("requests.web9", 0), ("share.web1", 2 / 3), ("share.web9", 0.0),
    ],
)  # fmt: skip
def test_figures(metric: str, value: float) -> None:
    """Every figure that a threshold can be about is the report's."""
    assert BAD.figure(metric) == pytest.approx(value)


@pytest.mark.parametrize("metric", ["share.web1", "error_rate", "p99"])
def test_figures_of_nothing(metric: str) -> None:
    """What was not measured is None, not 0."""
    nothing = dataclasses.replace(GOOD, requests=0, servers={}, latency_ms=dict.fromkeys(GOOD.latency_ms))
    assert nothing.figure(metric) is None


def test_nothing_sent_is_not_good() -> None:
    """A check in which no request ended proves nothing, and fails."""
    nothing = dataclasses.replace(GOOD, requests=0, seconds=0.0, servers={}, unfinished=2).judged()
    assert not nothing.ok
    assert nothing.rate == 0.0
    assert nothing.notes == ("requests cut off at the end: 2",)
    assert failed_line(nothing) == "errors is unknown, expected == 0 (no request ended)"


def test_failed_line() -> None:
    """The line says which thresholds failed and by how much, and no others."""
    report = BAD.judged(WEIGHTS, [parse_threshold("p99<2ms"), parse_threshold("rate>1"), parse_threshold("errors==0")])
    assert failed_line(report) == (
        "p99 is 3.9, expected < 2 ms (off by 1.9); errors is 3, expected == 0 (2 http_500, 1 reset)"
    )


def test_nothing_answers() -> None:
    """When every request was refused the line says just that."""
    changes: dict[str, Any] = {"requests": 30, "failed": 30, "errors": {"refused": 30}, "servers": {}}
    report = dataclasses.replace(GOOD, **changes).judged()
    assert not report.ok
    assert failed_line(report) == "nothing answers at http://127.0.0.1:8080/: all 30 requests were refused"
