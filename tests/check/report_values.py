"""Reports to order, made the way a check makes them: from samples."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from proxyctl.check.load.pulse import Pulse
from proxyctl.check.load.request import Pace, Request
from proxyctl.check.load.sample import Sample
from proxyctl.check.measures.tally import Tally
from proxyctl.check.plan import Plan
from proxyctl.check.report import Report, summarize
from proxyctl.check.workers import Outcome

URL = "http://127.0.0.1:8080/"
STARTED_AT = 1_795_000_000.25


def report_of(samples: Iterable[Sample], rate: float | None = None) -> Report:
    """Return the report of these samples."""
    tally = Tally(STARTED_AT)
    for sample in samples:
        tally.add(sample)
    plan = Plan((Request(URL),), Pace(1000, rate=rate))
    return summarize(plan, [Outcome(tally, 0, 0, Pulse())])


def served(counts: Mapping[str, int], *failures: Sample, latency: float = 0.002, seconds: float = 1.0) -> Report:
    """Return a report of so many good requests of each server, evenly over so many seconds, and of failures."""
    total = sum(counts.values())
    names = [name for name, count in counts.items() for _ in range(count)]
    good = (
        Sample(i * (seconds - latency) / max(1, total - 1), latency, None, 200, name, latency / 2)
        for i, name in enumerate(names)
    )
    return report_of((*good, *failures))
