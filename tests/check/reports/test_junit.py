"""A check as CI sees it."""

from __future__ import annotations

import dataclasses

from proxyctl.check.expected import Expected
from proxyctl.check.judge import judge
from proxyctl.check.load.sample import Sample
from proxyctl.check.report import Report
from proxyctl.check.reports.junit import to_junit
from proxyctl.check.verdicts.threshold import parse_threshold
from proxyctl.core.status import Event
from tests.check.report_values import STARTED_AT, URL, served
from tests.junit_shape import validated

LOST = [Sample(0.5 + i / 1000, 0.01, "http_503", 503, "web2") for i in range(25)]


def crooked() -> Report:
    """Return a report in which everything is wrong, and which tells why."""
    report = served({"web1": 900, "web2": 75}, *LOST)
    report = report.with_events([Event(STARTED_AT + 0.4, "drain", "web2 drains")])
    thresholds = [parse_threshold(text) for text in ("errors==0", "p99<1ms", "rate>10")]
    return judge(report, Expected({"web1": 1, "web2": 1}, "the user"), thresholds)


def test_each_verdict_is_a_case() -> None:
    """One suite for the check, one case for each verdict; a failed one says which and by how much."""
    root = validated(to_junit(crooked()))
    (suite,) = root
    assert (suite.get("name"), suite.get("tests"), suite.get("failures")) == (URL, "6", "4")
    cases = {case.get("name"): case for case in suite.iter("testcase")}
    names = ["balance p > 1e-4", "faulty_server p > 1e-4", "stalls == 0", "errors == 0", "p99 < 1 ms", "rate > 10"]
    assert list(cases) == names
    assert {case.get("classname") for case in cases.values()} == {"check.127_0_0_1:8080"}
    messages = {name: f.get("message") for name, case in cases.items() if (f := case.find("failure")) is not None}
    assert messages["p99 < 1 ms"] == "p99 is 2, expected < 1 ms (off by 1)"
    assert messages["errors == 0"] == "errors is 25, expected == 0 (25 http_503)"
    assert "rate > 10" not in messages
    assert cases["rate > 10"].findtext("system-out") == "rate: 1000"


def test_errors_tell_what_was_lost() -> None:
    """The text of failed errors has the first lost requests, each with what proxyctl did within a second."""
    root = validated(to_junit(crooked()))
    lines = (root.findtext(".//testcase[@name='errors == 0']/failure") or "").splitlines()
    assert lines[1] == "http_503 at 0.500 s, web2 (drain at 0.400 s: web2 drains)"
    assert (len(lines), lines[-1]) == (22, "and 5 more")


def test_figures_are_properties() -> None:
    """The suite has the figures under the names that thresholds use."""
    root = validated(to_junit(crooked()))
    figures = {p.get("name"): p.get("value") for p in root.iter("property")}
    assert figures["requests"] == "1000"
    assert figures["errors.http_503"] == "25"
    assert figures["requests.web2"] == "100"
    assert figures["p99.ms"] == "2.000"
    assert figures["first_byte.p50.ms"] == "1.000"


def test_what_was_not_judged_is_skipped() -> None:
    """A verdict that could not be had is no success: it is a skipped case with the reason; other notes are none."""
    report = judge(dataclasses.replace(served({"web1": 10}), unfinished=3))
    assert len(report.notes) == 2
    root = validated(to_junit(report))
    (skipped,) = root.iter("skipped")
    assert skipped.get("message") == "balance not judged: no shares are expected"
    assert root.get("tests") == "2"
