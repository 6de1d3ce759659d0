"""A run as `compare` takes it: what ended in each block of it, and how long requests took."""

from __future__ import annotations

import bisect
import dataclasses
import itertools
import math
from collections.abc import Mapping
from typing import Self


@dataclasses.dataclass(frozen=True, slots=True)
class Times:
    """Times in microseconds, ascending, and for each how many times are not longer."""

    us: tuple[int, ...] = ()
    sums: tuple[int, ...] = ()

    @classmethod
    def of(cls, counts: Mapping[int, int]) -> Self:
        """Return the times of a histogram: how often each was seen."""
        us = tuple(sorted(counts))
        return cls(us, tuple(itertools.accumulate(counts[key] for key in us)))

    @property
    def total(self) -> int:
        """How many times there are."""
        return self.sums[-1] if self.sums else 0

    def from_on(self, us: float) -> int:
        """Return how many times are at least `us`."""
        place = bisect.bisect_left(self.us, us)
        return self.total - (self.sums[place - 1] if place else 0)

    def up_to(self, us: float) -> int | None:
        """Return the longest time that is at most `us`; None if there is none."""
        place = bisect.bisect_right(self.us, us)
        return self.us[place - 1] if place else None

    def after(self, us: float) -> int | None:
        """Return the shortest time above `us`; None if there is none."""
        place = bisect.bisect_right(self.us, us)
        return self.us[place] if place < len(self.us) else None

    def quantile(self, part: float) -> int | None:
        """Return the nearest-rank percentile; None of nothing."""
        return self.us[bisect.bisect_left(self.sums, math.ceil(self.total * part))] if self.us else None


@dataclasses.dataclass(frozen=True, slots=True)
class Block:
    """A piece of a run: what ended in it. `latency` is that of good requests."""

    seconds: float
    requests: int
    errors: int = 0
    servers: Mapping[str, int] = dataclasses.field(default_factory=dict)
    latency: Times = Times()


@dataclasses.dataclass(frozen=True, slots=True)
class Run:
    """One run. `latency` is finer than that of its blocks; `expected` are the weights of its servers, if known."""

    blocks: tuple[Block, ...]
    latency: Times
    longest_ms: float | None = None
    expected: Mapping[str, float] | None = None

    @property
    def seconds(self) -> float:
        """How many seconds the run took."""
        return math.fsum(block.seconds for block in self.blocks)

    @property
    def requests(self) -> int:
        """How many requests ended."""
        return sum(block.requests for block in self.blocks)

    @property
    def errors(self) -> int:
        """How many of the requests failed."""
        return sum(block.errors for block in self.blocks)

    @property
    def servers(self) -> dict[str, int]:
        """How many requests each server served."""
        names = sorted({name for block in self.blocks for name in block.servers})
        return {name: sum(block.servers.get(name, 0) for block in self.blocks) for name in names}
