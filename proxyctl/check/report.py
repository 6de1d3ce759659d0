"""What a check found, as one value: counts, shares, latency, what happened when, verdicts.

`judge` adds the verdicts, `document` is its JSON, both ways.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from proxyctl.check import events
from proxyctl.check.expected import Expected
from proxyctl.check.load.pulse import BUSY, LATE
from proxyctl.check.load.sample import REFUSED, Sample
from proxyctl.check.machine import here
from proxyctl.check.measures.histogram import Histogram
from proxyctl.check.measures.tally import Served
from proxyctl.check.measures.timeline import Block, Slice
from proxyctl.check.plan import Plan
from proxyctl.check.verdicts.balance import Work
from proxyctl.check.verdicts.stalls import Gap, is_excused, stalls
from proxyctl.check.verdicts.verdict import Verdict, number
from proxyctl.check.workers import Outcome
from proxyctl.core.status import Event


@dataclasses.dataclass(frozen=True, slots=True)
class Generator:
    """How near the generator came to its own limit; with several processes, the figures of the worst.

    `busy` is the share of a processor, `late` how late its loop was (99th percentile, seconds), `waited` how many
    requests had no free connection when they were due, `deaf` the windows in which a loop heard nothing.
    """

    workers: int = 1
    busy: float = 0.0
    late: float = 0.0
    waited: int = 0
    deaf: tuple[tuple[float, float], ...] = ()

    @property
    def was_the_limit(self) -> bool:
        """Whether the figures say more about the generator than about the proxy."""
        return self.busy >= BUSY or self.late >= LATE


@dataclasses.dataclass(frozen=True, slots=True)
class Report:
    """One check. Latency is that of good requests; `by_server` has the figures of each server.

    `by_url` are URL, requests and failures; `by_key` says which servers served a key how often.

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
    by_url: tuple[tuple[str, int, int], ...] = ()
    by_key: Mapping[int, Mapping[str, int]] = dataclasses.field(default_factory=dict)
    slice_seconds: float = 0.0
    timeline: tuple[Slice, ...] = ()
    blocks: tuple[Block, ...] = ()
    gaps: tuple[Gap, ...] = ()
    failures: tuple[Sample, ...] = ()
    events: tuple[Event, ...] = ()
    unfinished: int = 0
    generator: Generator = Generator()
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

    @property
    def work(self) -> dict[str, Work]:
        """What each server did, as least connections is judged by."""
        return {
            name: Work(served.requests, (served.latency.percentile_ms(50) or 0.0) / 1000, served.latency.total_seconds)
            for name, served in self.by_server.items()
        }

    @property
    def stalls(self) -> tuple[Gap, ...]:
        """The windows in which the proxy answered no request."""
        found = self._silent
        return () if is_excused(found, self.generator.deaf) else found

    @property
    def excused(self) -> tuple[Gap, ...]:
        """The stall that does not count, because this machine may have held up the proxy too; or nothing."""
        found = self._silent
        return found if is_excused(found, self.generator.deaf) else ()

    @property
    def _silent(self) -> tuple[Gap, ...]:
        closed = self.options.get("rate") is None
        return stalls(
            self.gaps,
            self.generator.deaf,
            rate=self.rate,
            typical=(self.latency.percentile_ms(50) or 0.0) / 1000,
            connections=self.options.get("concurrency", 1) if closed else None,
        )

    def with_events(self, journal: Iterable[Event]) -> Report:
        """Return the report with what proxyctl did meanwhile, from the journal of `watch`."""
        found = events.during(journal, self.started_at, self.started_at + self.seconds)
        return dataclasses.replace(self, events=found)

    def near(self, failure: Sample) -> tuple[int, ...]:
        """Return the places in `events` of the events within a second of a failed request."""
        began = self.started_at + failure.at
        return events.near(self.events, began, began + failure.latency)

    def figure(self, metric: str) -> float | None:
        """Return the figure that a threshold is about; None where it was not measured."""
        family, _, name = metric.partition(".")
        named = sum(self.servers.values())
        match family:
            case "errors" if name:
                return self.errors.get(name, 0)
            case "requests" if name:
                return self.servers.get(name, 0)
            case "share":
                return self.servers.get(name, 0) / named if named else None
            case _:
                pass
        figures = {
            "requests": self.requests,
            "ok": self.requests - self.failed,
            "errors": self.failed,
            "error_rate": self.failed / self.requests if self.requests else None,
            "rate": self.rate,
            "seconds": self.seconds,
            "servers": len(self.servers),
            **self.latency_ms,
            **{f"ttfb.{time}": value for time, value in self.first_byte_ms.items()},
        }
        return figures.get(metric)

    def server_figure(self, name: str, metric: str) -> float | None:
        """Return the figure of one server; None where it served nothing."""
        served = self.by_server.get(name)
        if served is None:
            return None
        if metric in {"requests", "errors"}:
            return served.requests if metric == "requests" else served.failed
        times = served.first_byte if metric.startswith("ttfb.") else served.latency
        return times.figures().get(metric.removeprefix("ttfb."))


def summarize(plan: Plan, outcomes: Sequence[Outcome]) -> Report:
    """Return what each worker has counted as one report, not judged yet."""
    tally, *others = (outcome.tally for outcome in outcomes)
    for other in others:
        tally.merge(other)
    pulses = [outcome.pulse for outcome in outcomes]
    return Report(
        url=plan.requests[0].shown,
        started_at=tally.started_at,
        seconds=tally.seconds,
        requests=tally.requests,
        errors=dict(tally.errors),
        latency=tally.all.latency,
        first_byte=tally.all.first_byte,
        by_server=dict(tally.by_server),
        by_url=tuple((r.shown, *tally.targets.get(i, (0, 0))) for i, r in enumerate(plan.requests)),
        by_key=dict(tally.keys),
        slice_seconds=tally.timeline.width,
        timeline=tally.timeline.closed(),
        blocks=tally.timeline.blocks(),
        gaps=tally.gaps.found(),
        failures=tuple(tally.failures),
        unfinished=sum(outcome.unfinished for outcome in outcomes),
        generator=Generator(
            len(outcomes),
            max(pulse.busy for pulse in pulses),
            max(pulse.late_p99 for pulse in pulses),
            sum(outcome.waited for outcome in outcomes),
            tuple(sorted(window for pulse in pulses for window in pulse.deaf)),
        ),
        options=plan.options(),
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
