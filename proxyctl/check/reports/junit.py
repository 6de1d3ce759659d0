"""A report as a JUnit suite: a case for each verdict, the figures as properties."""

from __future__ import annotations

from proxyctl.check.report import Report, missed
from proxyctl.check.reports import xml
from proxyctl.check.verdicts.verdict import Verdict, number

_FAILURES = 20


def to_junit(report: Report) -> str:
    """Return the JUnit file of a check."""
    return xml.to_xml("proxyctl check", [suite(report)])


def suite(report: Report) -> xml.Suite:
    """Return a check as a suite; what could not be judged is a skipped case, which says why."""
    judged = [_case(report, verdict) for verdict in report.verdicts]
    noted = [
        xml.Case(what, _classname(report), skipped=note)
        for note in report.notes
        if "not" in (what := note.partition(":")[0]).split()
    ]
    return xml.Suite(
        name=report.url,
        cases=(*judged, *noted),
        seconds=report.seconds,
        started_at=report.started_at,
        properties=figures(report),
    )


def figures(report: Report) -> dict[str, str]:
    """Return the figures under the names that thresholds use."""
    properties = {"requests": f"{report.requests}", "errors": f"{report.failed}", "rate": f"{report.rate:.1f}"}
    properties |= {f"errors.{kind}": f"{count}" for kind, count in sorted(report.errors.items())}
    properties |= {f"{name}.ms": f"{ms:.3f}" for name, ms in report.latency_ms.items() if ms is not None}
    properties |= {f"first_byte.{name}.ms": f"{ms:.3f}" for name, ms in report.first_byte_ms.items() if ms is not None}
    return properties | {f"requests.{name}": f"{count}" for name, count in sorted(report.servers.items())}


def _case(report: Report, verdict: Verdict) -> xml.Case:
    value = "unknown" if verdict.value is None else number(verdict.value)
    return xml.Case(
        name=f"{verdict.name} {verdict.expected}",
        classname=_classname(report),
        seconds=report.seconds if verdict is report.verdicts[0] else 0.0,  # all came from one run: counted once
        failure=None if verdict.ok else missed(verdict),
        detail="" if verdict.ok else "\n".join((missed(verdict), *_lost(report, verdict))),
        output=f"{verdict.name}: {value}" + (f"; {verdict.detail}" if verdict.detail else ""),
    )


def _classname(report: Report) -> str:
    """Return what groups the cases; dots would be taken for packages."""
    return "check." + report.url.partition("//")[2].rstrip("/").replace(".", "_")


def _lost(report: Report, verdict: Verdict) -> list[str]:
    """Return the first lost requests, each with what proxyctl did within a second, where errors failed."""
    if not verdict.name.startswith("error"):
        return []
    lines = []
    for failure in report.failures[:_FAILURES]:
        events = [report.events[place] for place in report.near(failure)]
        near = "; ".join(f"{e.kind} at {e.at - report.started_at:.3f} s: {e.text}" for e in events)
        who = failure.server or "server unknown"
        lines.append(f"{failure.error} at {failure.at:.3f} s, {who}" + (f" ({near})" if near else ""))
    if len(report.failures) > _FAILURES:
        lines.append(f"and {report.failed - _FAILURES} more")
    return lines
