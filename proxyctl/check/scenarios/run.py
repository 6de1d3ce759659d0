"""Plays scenarios one after the other, and says how each went."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterable
from typing import Literal

from proxyctl.check.report import Report
from proxyctl.check.reports.xml import Case, Suite, to_xml
from proxyctl.check.scenarios.events import SCENARIOS, Scenario
from proxyctl.check.scenarios.stage import Stage, Unfit, Unmet
from proxyctl.errors import ProxyctlError, UsageError

_SHOWN = 3  # failures that are listed in a result


@dataclasses.dataclass(frozen=True, slots=True)
class Result:
    """How one scenario went; `seen` is what happened, or why it failed or was skipped."""

    name: str
    status: Literal["ok", "failed", "skipped"]
    expected: str
    seen: str
    requests: int = 0
    failed: int = 0
    seconds: float = 0.0


def chosen(names: Iterable[str], *, ephemeral: bool) -> tuple[Scenario, ...]:
    """Return the scenarios of these names, `all` being every one that leaves a pool as it was; raise UsageError."""
    known = {s.name: s for s in SCENARIOS}
    found: list[Scenario] = []
    for name in names:
        if name == "all":
            found += [s for s in SCENARIOS if ephemeral or not s.lasting]
        elif name in known:
            found.append(known[name])
        else:
            raise UsageError(f"there is no scenario {name}; there are {', '.join(known)} and all")
    return tuple(dict.fromkeys(found))


def play(scenario: Scenario, stage: Stage) -> Result:
    """Play one scenario and take back what it changed."""
    begun = time.monotonic()
    status: Literal["ok", "failed", "skipped"] = "ok"
    try:
        with stage.playing():
            seen = scenario.play(stage)
    except Unfit as exc:
        return Result(scenario.name, "skipped", scenario.expected, str(exc))
    except (Unmet, ProxyctlError) as exc:
        status, seen = "failed", str(exc)
    report = stage.report()
    if report.failed:
        status, seen = "failed", f"{_lost(report)}; {seen}"
    if stage.leftovers:
        status, seen = "failed", f"{seen}; not taken back: {'; '.join(stage.leftovers)}"
    seconds = round(time.monotonic() - begun, 1)
    return Result(scenario.name, status, scenario.expected, seen, report.requests, report.failed, seconds)


def _lost(report: Report) -> str:
    shown = [f"{f.error} at {f.at:.2f} s{f' by {f.server}' if f.server else ''}" for f in report.failures[:_SHOWN]]
    more = f" and {report.failed - len(shown)} more" if report.failed > len(shown) else ""
    return f"{report.failed} of {report.requests} requests failed: {', '.join(shown)}{more}"


def to_junit(results: Iterable[Result], begun: float) -> str:
    """Return a JUnit file with a case for each scenario; `begun` is Unix time."""
    cases = tuple(
        Case(
            r.name,
            "proxyctl.check.scenario",
            r.seconds,
            failure=r.seen if r.status == "failed" else None,
            skipped=r.seen if r.status == "skipped" else None,
            output=r.seen if r.status == "ok" else "",
        )
        for r in results
    )
    suite = Suite("scenario", cases, sum(c.seconds for c in cases), begun)
    return to_xml("proxyctl check scenario", [suite])
