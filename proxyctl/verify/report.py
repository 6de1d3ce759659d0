"""What a check found, as one value: counts, shares, latency, what happened when, verdicts.

`judge` adds the verdicts, `document` is its JSON, both ways.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from proxyctl.core.verdict import Verdict, number
from proxyctl.edges.load.sample import REFUSED, Sample
from proxyctl.verify import events
from proxyctl.verify.events import Event
from proxyctl.verify.expected import Expected
from proxyctl.verify.histogram import Histogram
from proxyctl.verify.machine import here
from proxyctl.verify.tally import Served, Tally
from proxyctl.verify.timeline import Block, Slice


@dataclasses.dataclass(frozen=True, slots=True)
class Report:
    """One check. Latency is that of good requests; `by_server` is by who served them.

    `started_at` is Unix time, all other times are seconds from then. `unfinished` requests were cut off when
    the check was ended early and count nowhere else. `options` are what it was run with, and `machine` on what.
    `notes` say what could not be judged and why.
    """

    url: str
    started_at: float
    seconds: float
    requests: int
    errors: Mapping[str, int] = dataclasses.field(default_factory=dict)
    latency: Histogram = dataclasses.field(default_factory=Histogram)
    first_byte: Histogram = dataclasses.field(default_factory=Histogram)
    by_server: Mapping[str, Served] = dataclasses.field(default_factory=dict)
    slice_seconds: float = 0.0
    timeline: tuple[Slice, ...] = ()
    blocks: tuple[Block, ...] = ()
    failures: tuple[Sample, ...] = ()
    events: tuple[Event, ...] = ()
    unfinished: int = 0
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    machine: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    expected: Expected | None = None
    verdicts: tuple[Verdict, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether every verdict is good."""
        return all(verdict.ok for verdict in self.verdicts)

    @property
    def failed(self) -> int:
        """How many requests failed."""
        return sum(self.errors.values())

    @property
    def rate(self) -> float:
        """Requests per second, failed ones too."""
        return self.requests / self.seconds if self.seconds > 0 else 0.0

    @property
    def servers(self) -> dict[str, int]:
        """How many requests each server served."""
        return {name: served.requests for name, served in self.by_server.items()}

    @property
    def latency_ms(self) -> dict[str, float | None]:
        """Percentiles and maximum of the latency; None without a good request."""
        return self.latency.figures()

    @property
    def first_byte_ms(self) -> dict[str, float | None]:
        """Percentiles and maximum of the time to the first byte of the answer."""
        return self.first_byte.figures()

    @property
    def nothing_answers(self) -> bool:
        """Whether every single request was refused."""
        return self.requests > 0 and self.errors.get(REFUSED) == self.requests

    def with_events(self, log: Iterable[Mapping[str, Any]]) -> Report:
        """Return it with what proxyctl did meanwhile, from the event log of `watch` (`/api/v1/events`)."""
        found = events.from_log(log, self.started_at, self.started_at + self.seconds)
        return dataclasses.replace(self, events=found)

    def near(self, failure: Sample) -> tuple[int, ...]:
        """Return the places in `events` of those within a second of a failed request."""
        began = self.started_at + failure.at
        return events.near(self.events, began, began + failure.latency)

    def figure(self, metric: str) -> float | None:
        """Return the figure that a threshold is about; None where it was not measured."""
        family, _, name = metric.partition(".")
        match family:
            case "errors" if name:
                return self.errors.get(name, 0)
            case "requests" if name:
                return self.servers.get(name, 0)
            case "share":
                named = sum(self.servers.values())
                return self.servers.get(name, 0) / named if named else None
            case "servers":
                return len(self.servers)
            case "error_rate":
                return self.failed / self.requests if self.requests else None
            case _:
                pass
        plain = {
            "requests": self.requests,
            "ok": self.requests - self.failed,
            "errors": self.failed,
            "rate": self.rate,
            "seconds": self.seconds,
        }
        return plain[metric] if metric in plain else self.latency_ms.get(metric)


def summarize(url: str, tally: Tally, unfinished: int = 0, options: Mapping[str, Any] | None = None) -> Report:
    """Return what was counted so far, not judged yet."""
    return Report(
        url=url,
        started_at=tally.started_at,
        seconds=tally.seconds,
        requests=tally.requests,
        errors=dict(tally.errors),
        latency=tally.all.latency,
        first_byte=tally.all.first_byte,
        by_server=dict(tally.by_server),
        slice_seconds=tally.timeline.width,
        timeline=tally.timeline.closed(),
        blocks=tally.timeline.blocks(),
        failures=tuple(tally.failures),
        unfinished=unfinished,
        options=options or {},
        machine=here(),
    )


def failed_line(report: Report) -> str:
    """Return one line that says which verdicts failed, and by how much."""
    if report.nothing_answers:
        return f"nothing answers at {report.url}: all {report.requests} requests were refused"
    return "; ".join(missed(verdict) for verdict in report.verdicts if not verdict.ok)


def missed(verdict: Verdict) -> str:
    """Return one line that says what a verdict was about, what was expected, and by how much it was missed."""
    value = "unknown" if verdict.value is None else number(verdict.value)
    return f"{verdict.name} is {value}, expected {verdict.expected}" + (
        f" ({verdict.detail})" if verdict.detail else ""
    )
