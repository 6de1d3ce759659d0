"""From a report to verdicts."""

from __future__ import annotations

import dataclasses

from proxyctl.core.threshold import parse_threshold
from proxyctl.edges.load.sample import Sample
from proxyctl.verify.expected import Expected
from proxyctl.verify.judge import judge
from proxyctl.verify.report import Report, failed_line
from tests.verify.reports import report_of, served

GOOD = served({"web1": 2000, "web2": 1000})
BAD = served({"web1": 1999, "web2": 1000}, Sample(0.5, 0.1, "reset"), Sample(0.75, 0.1, "http_500", 500, "web1"))
WEIGHTS = Expected({"web1": 2, "web2": 1}, "the user")


def verdicts(report: Report, expected: Expected | None = None, *expect: str) -> dict[str, bool]:
    """Return what was judged, and how."""
    judged = judge(report, expected, map(parse_threshold, expect))
    return {verdict.name: verdict.ok for verdict in judged.verdicts}


def test_default_verdicts() -> None:
    """Without a word no error is allowed, and the balance must be right where it is known."""
    assert verdicts(GOOD, WEIGHTS) == {"errors": True, "balance": True, "stalls": True}
    assert verdicts(BAD, Expected({"web1": 1, "web2": 1}, "x")) == {
        "errors": False,
        "balance": False,
        "faulty_server": True,
        "stalls": True,
    }
    assert verdicts(GOOD) == {"errors": True, "stalls": True}


def test_balance_is_not_guessed() -> None:
    """Where nobody says which shares are right, or who served, the report says so and judges nothing."""
    assert judge(GOOD).notes == ("balance not judged: no shares are expected",)
    assert judge(GOOD, Expected(None, "it is leastconn")).notes == ("balance not judged: it is leastconn",)
    assert judge(report_of([Sample(0.0, 0.1)]), WEIGHTS).notes[0].startswith("servers not named: ")
    assert judge(report_of([Sample(0.0, 0.1, "refused")]), WEIGHTS).notes == ()


def test_judging_again_replaces_the_verdicts() -> None:
    """A second judgement takes the place of the first, notes included."""
    assert judge(judge(GOOD), WEIGHTS) == judge(GOOD, WEIGHTS)


def test_thresholds_replace_defaults() -> None:
    """A threshold on errors or balance takes the place of the one that is always there."""
    assert verdicts(BAD, WEIGHTS, "errors<=2")["errors"]
    assert verdicts(GOOD, WEIGHTS, "balance.p>0.5") == {"errors": True, "stalls": True, "balance.p": True}
    assert verdicts(GOOD, None, "balance.p>0.5", "stalls<=2") == {"errors": True, "balance.p": False, "stalls": True}
    assert verdicts(GOOD, WEIGHTS, "faulty_server.p>1e-9")["faulty_server.p"]


def test_nothing_sent_is_not_good() -> None:
    """A check in which no request ended proves nothing, and fails."""
    nothing = judge(dataclasses.replace(report_of([]), unfinished=2))
    assert not nothing.ok
    assert nothing.rate == 0.0
    assert nothing.notes == ("requests cut off at the end: 2",)
    assert failed_line(nothing) == "errors is unknown, expected == 0 (no request ended)"
