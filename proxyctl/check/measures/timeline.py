"""What happened when: counts and latency per slice of time, in a size that does not grow with the run.

Slices start at 100 ms; whenever there are too many, each two become one. A request counts in the slice in which it
ended, so that a slice in which none ended is empty.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Final

from proxyctl.check.measures.histogram import percentile, rounded

FIRST_WIDTH: Final = 0.1  # seconds
MOST_SLICES: Final = 600
MOST_BLOCKS: Final = 48

_BITS: Final = 6  # of a latency: within 3 %, so that 600 slices stay small


@dataclasses.dataclass(frozen=True, slots=True)
class Slice:
    """What ended from `at` on, in seconds from the start; latency in milliseconds, of good requests."""

    at: float
    requests: int = 0
    errors: int = 0
    p50: float | None = None
    p99: float | None = None
    max: float | None = None
    servers: Mapping[str, int] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True)
class Block:
    """The latency of good requests in so many slices from `at` on: how often each time (us) was seen.

    Enough for `check compare` to know how much percentiles vary within a run.
    """

    at: float
    latency: Mapping[int, int]


class _Open:
    """A slice that is still counted in."""

    __slots__ = ("errors", "latency", "longest", "requests", "servers")

    def __init__(self) -> None:
        self.requests = self.errors = self.longest = 0
        self.latency: dict[int, int] = {}
        self.servers: dict[str, int] = {}

    def merge(self, other: _Open) -> None:
        self.requests += other.requests
        self.errors += other.errors
        self.longest = max(self.longest, other.longest)
        for key, count in other.latency.items():
            self.latency[key] = self.latency.get(key, 0) + count
        for name, count in other.servers.items():
            self.servers[name] = self.servers.get(name, 0) + count

    def closed(self, at: float) -> Slice:
        p50, p99 = (percentile(self.latency, p) for p in (50, 99))
        return Slice(
            at,
            self.requests,
            self.errors,
            None if p50 is None else p50 / 1000,
            None if p99 is None else p99 / 1000,
            self.longest / 1000 if self.latency else None,
            dict(sorted(self.servers.items())),
        )


class Timeline:
    """Slices of equal width, counted in."""

    def __init__(self) -> None:
        self.width = FIRST_WIDTH
        self._open: dict[int, _Open] = {}

    def add(self, end: float, latency: float | None, server: str | None) -> None:
        """Count a request that ended at `end`; `latency` is None where it failed. Seconds."""
        place = self._place(end)
        place.requests += 1
        if server is not None:
            place.servers[server] = place.servers.get(server, 0) + 1
        if latency is None:
            place.errors += 1
            return
        us = max(1, round(latency * 1e6))
        place.longest = max(place.longest, us)
        key = rounded(us, _BITS)
        place.latency[key] = place.latency.get(key, 0) + 1

    def merge(self, other: Timeline) -> None:
        """Add another time line, in the wider slices of the two."""
        while self.width < other.width:
            self._widen()
        for index, opened in other._open.items():
            self._place(index * other.width + other.width / 2).merge(opened)

    def closed(self) -> tuple[Slice, ...]:
        """Return all slices from the start to the last in which something ended, empty ones too."""
        count = max(self._open, default=-1) + 1
        nothing = _Open()
        return tuple(self._open.get(i, nothing).closed(round(i * self.width, 3)) for i in range(count))

    def blocks(self) -> tuple[Block, ...]:
        """Return the latency in at most MOST_BLOCKS blocks of equally many slices."""
        count = max(self._open, default=-1) + 1
        size = math.ceil(count / MOST_BLOCKS)
        found = []
        for first in range(0, count, size or 1):
            merged = _Open()
            for index in range(first, first + size):
                if index in self._open:
                    merged.merge(self._open[index])
            found.append(Block(round(first * self.width, 3), dict(sorted(merged.latency.items()))))
        return tuple(found)

    def _place(self, end: float) -> _Open:
        while (index := int(max(0.0, end) / self.width)) >= MOST_SLICES:
            self._widen()
        found = self._open.get(index)
        if found is None:
            found = self._open[index] = _Open()
        return found

    def _widen(self) -> None:
        narrow, self._open = self._open, {}
        self.width *= 2
        for index, opened in narrow.items():
            self._open.setdefault(index // 2, _Open()).merge(opened)
