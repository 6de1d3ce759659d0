"""Bursts of failed requests: failures of one kind and server within a second of each other are one row of the page."""

from __future__ import annotations

import dataclasses

from proxyctl.check.load.sample import Sample
from proxyctl.check.report import Report

GAP = 1.0  # seconds


@dataclasses.dataclass(slots=True)
class Burst:
    """A number of failures of one kind and server, by when they ended (seconds from the start).

    `events` are the places of the events near them in `Report.events`.
    """

    kind: str
    status: int | None
    server: str | None
    first: float
    last: float
    longest: float
    count: int
    events: set[int]


def bursts(report: Report) -> list[Burst]:
    """Return the failures that were kept, in bursts, by their beginning."""
    open_: dict[tuple[str, int | None, str | None], Burst] = {}
    found: list[Burst] = []
    for failure in sorted(report.failures, key=_end):
        end, kind = _end(failure), failure.error or ""
        key = kind, failure.status, failure.server
        burst = open_.get(key)
        if burst is None or end - burst.last > GAP:
            burst = open_[key] = Burst(*key, end, end, failure.latency, 0, set())
            found.append(burst)
        burst.count += 1
        burst.last = end
        burst.longest = max(burst.longest, failure.latency)
        burst.events.update(report.near(failure))
    return found


def _end(failure: Sample) -> float:
    return failure.at + failure.latency
