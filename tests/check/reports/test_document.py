"""The JSON that scripts rely on, and the way back from it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from proxyctl.check.expected import Expected
from proxyctl.check.judge import judge
from proxyctl.check.load.sample import Sample
from proxyctl.check.measures.histogram import Histogram
from proxyctl.check.reports.document import from_json, to_json
from proxyctl.core.status import Event
from proxyctl.errors import UsageError
from tests.check.report_values import STARTED_AT, report_of, served

WEIGHTS = Expected({"web1": 2, "web2": 1}, "the user")
SAMPLES = [
    Sample(0.00, 0.002, None, 200, "web1", 0.001, 3),
    Sample(0.10, 0.002, None, 200, "web1", 0.001, 4),
    Sample(0.15, 0.1, "http_500", 500, "web1", 0.1),
    Sample(0.40, 0.004, None, 200, "web2", 0.002),
    Sample(0.42, 0.1, "reset"),
]
LOG = [Event(STARTED_AT + 0.25, "leave", "web3 left")]


def document() -> dict[str, Any]:
    """Return a report with something in each of its parts, as it is written."""
    report: dict[str, Any] = json.loads(json.dumps(to_json(judge(report_of(SAMPLES).with_events(LOG), WEIGHTS))))
    return report


def test_json() -> None:
    """The JSON has exactly these keys; scripts rely on them."""
    report = document()
    encoded = report.pop("histogram")
    assert Histogram.decode(encoded["latency"]).total == Histogram.decode(encoded["first_byte"]).total == 3
    assert [Histogram.decode(report["servers"][n].pop("histogram")["latency"]).total for n in ("web1", "web2")] == [
        2,
        1,
    ]
    assert report.pop("machine")["cpus"] >= 1
    two, four = ({"p50": ms, "p90": ms, "p99": ms, "p99.9": ms, "max": ms} for ms in (2.0, 4.0))
    half = {name: ms / 2 for name, ms in two.items()}
    nothing: dict[str, Any] = {"requests": 0, "errors": 0, "p50": None, "p99": None, "max": None, "servers": {}}
    one = nothing | {"requests": 1, "p50": 1.984, "p99": 1.984, "max": 2.0, "servers": {"web1": 1}}
    assert report == {
        "schema": 1,
        "url": "http://127.0.0.1:8080/",
        "started_at": "2026-11-18T11:06:40.250000+00:00",
        "requests": 5,
        "ok": 3,
        "errors": {"refused": 0, "reset": 1, "timeout": 0, "http_502": 0, "http_503": 0, "http_504": 0, "http_500": 1},
        "unfinished": 0,
        "seconds": 0.52,
        "rate": 9.6,
        "latency_ms": {"p50": 2.0, "p90": 4.0, "p99": 4.0, "p99.9": 4.0, "max": 4.0},
        "first_byte_ms": {"p50": 1.0, "p90": 2.0, "p99": 2.0, "p99.9": 2.0, "max": 2.0},
        "servers": {
            "web1": {
                "requests": 3,
                "share": 0.75,
                "expected": 0.6667,
                "errors": {"http_500": 1},
                "latency_ms": two,
                "first_byte_ms": half,
            },
            "web2": {
                "requests": 1,
                "share": 0.25,
                "expected": 0.3333,
                "errors": {},
                "latency_ms": four,
                "first_byte_ms": two,
            },
        },
        "verdicts": [
            {"name": "errors", "ok": False, "value": 2, "expected": "== 0", "detail": "1 http_500, 1 reset"},
            *report["verdicts"][1:],
        ],
        "notes": ["spread over servers not judged: it takes --keys, 20 for each server"],
        "failures": [
            {
                "at": 0.15,
                "time": "2026-11-18T11:06:40.400000+00:00",
                "seconds": 0.1,
                "kind": "http_500",
                "status": 500,
                "server": "web1",
                "url": "http://127.0.0.1:8080/",
                "events": [0],
            },
            {
                "at": 0.42,
                "time": "2026-11-18T11:06:40.670000+00:00",
                "seconds": 0.1,
                "kind": "reset",
                "status": None,
                "server": None,
                "url": "http://127.0.0.1:8080/",
                "events": [0],
            },
        ],
        "events": [{"at": "2026-11-18T11:06:40.500000+00:00", "kind": "leave", "text": "web3 left"}],
        "expected": {
            "weights": {"web1": 2, "web2": 1},
            "source": "the user",
            "balance": None,
            "backups": [],
            "cycles": None,
            "engine": None,
            "pool": "",
        },
        "options": report["options"],
        "urls": [{"url": "http://127.0.0.1:8080/", "requests": 5, "errors": 2}],
        "keys": {"3": {"web1": 1}, "4": {"web1": 1}},
        "generator": {
            "workers": 1,
            "busy": 0.0,
            "late": 0.0,
            "waited": 0,
            "deaf": [],
            "was_the_limit": False,
        },
        "gaps": [
            {"at": 0.11, "seconds": 0.14, "held": 0},
            {"at": 0.26, "seconds": 0.14, "held": 0},
            {"at": 0.41, "seconds": 0.11, "held": 1},
        ],
        "timeline": {
            "slice_seconds": 0.1,
            "slices": [
                {"at": 0.0, **one},
                {"at": 0.1, **one},
                {"at": 0.2, **nothing, "requests": 1, "errors": 1, "servers": {"web1": 1}},
                {"at": 0.3, **nothing},
                {"at": 0.4, **nothing, "requests": 1, "p50": 3.968, "p99": 3.968, "max": 4.0, "servers": {"web2": 1}},
                {"at": 0.5, **nothing, "requests": 1, "errors": 1},
            ],
            "blocks": [
                {"at": 0.0, "latency_us": {"1984": 1}},
                {"at": 0.1, "latency_us": {"1984": 1}},
                {"at": 0.2, "latency_us": {}},
                {"at": 0.3, "latency_us": {}},
                {"at": 0.4, "latency_us": {"3968": 1}},
                {"at": 0.5, "latency_us": {}},
            ],
        },
    }
    assert [verdict["name"] for verdict in report["verdicts"]] == ["errors", "consistent", "faulty_server"]


def test_there_and_back() -> None:
    """A report that was written and read says the same again."""
    report = from_json(document())
    assert to_json(report) == document()
    assert report.expected == WEIGHTS
    assert report.near(report.failures[0]) == (0,)


def test_servers_that_served_nothing() -> None:
    """A server that was expected and not seen is listed with 0; one that was not expected, with null."""
    report = judge(served({"web1": 200, "web2": 100}), Expected({"web1": 1, "web3": 1}, "x"))
    servers = to_json(report)["servers"]
    assert servers["web2"]["expected"] is None
    assert [servers["web3"][key] for key in ("requests", "share", "expected")] == [0, 0.0, 0.5]
    assert servers["web3"]["latency_ms"]["p50"] is None
    assert from_json(to_json(report)).servers == {"web1": 200, "web2": 100}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"schema": 2}, "its schema is 2; this proxyctl reads 1"),
        ({"servers": 5}, "not a report"),
        ({"started_at": "yesterday"}, "not a report"),
        ({"histogram": {"latency": "abc"}}, "not an encoded HDR histogram"),
        ({"timeline": {"slice_seconds": 1, "slices": [{"when": 1}]}}, "not a report"),
    ],
)
def test_what_is_no_report(change: dict[str, Any], reason: str) -> None:
    """Other JSON, and that of another schema, is refused in one line."""
    with pytest.raises(UsageError, match=reason):
        from_json(document() | change)
    with pytest.raises(UsageError, match="not a report"):
        from_json({})
