"""Adds samples up while they come, in a size that does not grow with their number; tallies of processes merge."""

from __future__ import annotations

import collections
import dataclasses
import time
from collections.abc import Iterable, Mapping
from typing import Final, Self

from proxyctl.check.load.sample import Sample
from proxyctl.check.measures.gaps import Gaps
from proxyctl.check.measures.histogram import Histogram
from proxyctl.check.measures.timeline import Timeline

KEPT_FAILURES: Final = 10_000


class Served:
    """What one server did; `requests` are all of them, `latency` and `first_byte` those of good ones."""

    __slots__ = ("errors", "first_byte", "latency", "requests")

    def __init__(self) -> None:
        self.requests = 0
        self.errors: collections.Counter[str] = collections.Counter()
        self.latency = Histogram()
        self.first_byte = Histogram()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Served) and all(getattr(self, n) == getattr(other, n) for n in self.__slots__)

    __hash__ = None  # type: ignore[assignment] # it is counted in

    @property
    def failed(self) -> int:
        """How many requests failed that it served."""
        return self.errors.total()

    def add(self, sample: Sample) -> None:
        """Count one request. Latency is that of good requests: a fast refusal must not improve it."""
        self.requests += 1
        if sample.error is not None:
            self.errors[sample.error] += 1
            return
        self.latency.add(sample.latency)
        if sample.first_byte is not None:
            self.first_byte.add(sample.first_byte)

    def merge(self, other: Served) -> None:
        """Add what another process counted for the same server."""
        self.requests += other.requests
        self.errors.update(other.errors)
        self.latency.merge(other.latency)
        self.first_byte.merge(other.first_byte)


@dataclasses.dataclass(frozen=True, slots=True)
class Progress:
    """The part of a tally that is shown while the load runs."""

    requests: int = 0
    failed: int = 0
    seconds: float = 0.0
    servers: Mapping[str, int] = dataclasses.field(default_factory=dict)

    @classmethod
    def of_all(cls, parts: Iterable[Progress]) -> Self:
        """Return the progress of several processes as one."""
        every = tuple(parts)
        servers: collections.Counter[str] = collections.Counter()
        for part in every:
            servers.update(part.servers)
        return cls(
            sum(p.requests for p in every),
            sum(p.failed for p in every),
            max((p.seconds for p in every), default=0.0),
            dict(servers),
        )


def _nothing() -> list[int]:
    return [0, 0]


class Tally:
    """The sums over all requests that have ended. `servers` counts each request whose server is known, failed or not.

    `keys` says for each key which servers served it how often (good requests alone), `targets` how many requests
    each URL had and how many of them failed.
    """

    def __init__(self, started_at: float | None = None) -> None:
        """Start at a Unix time, which is now where none is given."""
        self.started_at = time.time() if started_at is None else started_at
        self.seconds = 0.0  # from the start to the end of the last request so far
        self.all = Served()
        self.by_server: collections.defaultdict[str, Served] = collections.defaultdict(Served)
        self.failures: list[Sample] = []
        self.timeline = Timeline()
        self.gaps = Gaps()
        self.keys: dict[int, dict[str, int]] = {}
        self.targets: collections.defaultdict[int, list[int]] = collections.defaultdict(_nothing)

    @property
    def requests(self) -> int:
        """How many requests have ended."""
        return self.all.requests

    @property
    def failed(self) -> int:
        """How many of the requests failed."""
        return self.all.failed

    @property
    def errors(self) -> collections.Counter[str]:
        """How many requests failed in each way."""
        return self.all.errors

    @property
    def servers(self) -> dict[str, int]:
        """How many requests each server served."""
        return {name: served.requests for name, served in self.by_server.items()}

    def progress(self) -> Progress:
        """Return the progress so far."""
        return Progress(self.requests, self.failed, self.seconds, self.servers)

    def add(self, sample: Sample) -> None:
        """Count one request."""
        end = sample.at + sample.latency
        good = sample.error is None
        self.seconds = max(self.seconds, end)
        self.all.add(sample)
        self.timeline.add(end, sample.latency if good else None, sample.server)
        self.gaps.add(end, sample.latency)
        target = self.targets[sample.target]
        target[0] += 1
        target[1] += not good
        if sample.server is not None:
            self.by_server[sample.server].add(sample)
            if good and sample.key is not None:
                served = self.keys.setdefault(sample.key, {})
                served[sample.server] = served.get(sample.server, 0) + 1
        if not good and len(self.failures) < KEPT_FAILURES:
            self.failures.append(sample)

    def merge(self, other: Tally) -> None:
        """Add another tally with the same start; no key may be in both."""
        self.seconds = max(self.seconds, other.seconds)
        self.all.merge(other.all)
        self.timeline.merge(other.timeline)
        self.gaps.merge(other.gaps)
        self.keys.update(other.keys)
        for target, (requests, failed) in other.targets.items():
            ours = self.targets[target]
            ours[0] += requests
            ours[1] += failed
        for name, served in other.by_server.items():
            self.by_server[name].merge(served)
        both = sorted((*self.failures, *other.failures), key=lambda failure: failure.at + failure.latency)
        self.failures = both[:KEPT_FAILURES]
