"""What changed from one run to another, figure by figure, and whether that is noise.

The tests are in `significance`. Noise is called real in less than one of 1/`level` comparisons,
all figures taken together (Bonferroni). A real change below `least` is called slight: with enough requests,
everything differs.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Final

from proxyctl.check.verdicts.difference import Difference
from proxyctl.check.verdicts.runs import Run
from proxyctl.check.verdicts.significance import (
    FEWEST_BLOCKS,
    Spread,
    same_rate,
    same_share,
    same_shares,
    spread,
    spread_of_rate,
)
from proxyctl.check.verdicts.verdict import shares

DEFAULT_LEVEL: Final = 1e-3
DEFAULT_LEAST: Final = 0.05
PERCENTILES: Final = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p99.9": 0.999}


def compare(
    a: Run, b: Run, *, level: float = DEFAULT_LEVEL, least: float = DEFAULT_LEAST, visible: bool = False
) -> tuple[Difference, ...]:
    """Return one difference for each figure; `visible` also finds what change would have shown, and takes longer."""
    found = [_rate(a, b), *(_percentile(a, b, name) for name in PERCENTILES), _longest(a, b), _errors(a, b)]
    if any(a.servers.values()) and any(b.servers.values()):
        found.append(_shares(a, b))
    limit = level / max(1, sum(one.p is not None for one in found))
    judged = [dataclasses.replace(one, limit=limit, least=0.0 if one.name == "errors" else least) for one in found]
    return tuple(dataclasses.replace(one, visible=_visible(a, b, one)) if visible else one for one in judged)


def too_short(run: Run) -> bool:
    """Return whether a run has too few blocks to say how its rate and latency vary."""
    return len(run.blocks) < FEWEST_BLOCKS


def _difference(name: str, a: float | None, b: float | None, p: float | None, *, worse: bool) -> Difference:
    return Difference(name, a, b, p, 0.0, 0.0, worse)


# ------------------------------------------------------------------ rate


def _rate(a: Run, b: Run) -> Difference:
    one, other = (run.requests / run.seconds if run.seconds else None for run in (a, b))
    varies = _rate_spread(a, b)
    p = same_rate(a.requests, a.seconds, b.requests, b.seconds, varies) if varies else None
    return _difference("rate", one, other, p, worse=(other or 0) < (one or 0))


def _rate_spread(a: Run, b: Run) -> Spread | None:
    one, other = ([(block.requests, block.seconds) for block in run.blocks] for run in (a, b))
    return spread_of_rate(one, other)


# ------------------------------------------------------------------ latency


@dataclasses.dataclass(frozen=True, slots=True)
class _Split:
    """Good requests of both runs as slow and not slow, by a limit between their two percentiles."""

    slow: tuple[int, int]
    of: tuple[int, int]
    varies: Spread | None

    @property
    def p(self) -> float | None:
        """The p-value of both runs having the same share of slow ones."""
        return None if self.varies is None else self.with_slow(self.slow[1])

    def with_slow(self, count: int) -> float:
        """Return the p-value, had the second run had so many slow ones."""
        return same_share(self.slow[0], self.of[0], count, self.of[1], self.varies)


def _percentile(a: Run, b: Run, name: str) -> Difference:
    part = PERCENTILES[name]
    values = [run.latency.quantile(part) for run in (a, b)]
    one, other = (None if us is None else us / 1000 for us in values)
    if one is None or other is None:
        return _difference(name, one, other, None, worse=False)
    return _difference(name, one, other, _split(a, b, part, math.sqrt(one * other) * 1000).p, worse=other > one)


def _split(a: Run, b: Run, part: float, limit: float) -> _Split:
    """Split at one of the two bounds between which the limit is, in the coarse steps of the blocks' times.

    That is the one at which the share of slow requests in both runs is nearer to the percentile's.
    """
    runs = [[block.latency for block in run.blocks if block.latency.total] for run in (a, b)]
    of = sum(times.total for times in runs[0]), sum(times.total for times in runs[1])
    below = [us for run in runs for times in run if (us := times.up_to(limit)) is not None]
    above = [us for run in runs for times in run if (us := times.after(limit)) is not None]
    bounds = (max(below, default=0), min(above, default=math.inf))

    def off(bound: float) -> float:
        return abs(sum(times.from_on(bound) for run in runs for times in run) / max(1, sum(of)) - (1 - part))

    bound = min(bounds, key=off)
    one, other = ([(slow := times.from_on(bound), times.total - slow) for times in run] for run in runs)
    return _Split((sum(s for s, _ in one), sum(s for s, _ in other)), of, spread(one, other))


def _longest(a: Run, b: Run) -> Difference:
    """Tell the maximum, of which nothing can be said: it is one request."""
    return _difference("max", a.longest_ms, b.longest_ms, None, worse=False)


# ------------------------------------------------------------------ errors and shares


def _errors(a: Run, b: Run) -> Difference:
    one, other = (run.errors / run.requests if run.requests else None for run in (a, b))
    p = (
        same_share(a.errors, a.requests, b.errors, b.requests, _error_spread(a, b))
        if a.requests and b.requests
        else None
    )
    return _difference("errors", one, other, p, worse=(other or 0) > (one or 0))


def _error_spread(a: Run, b: Run) -> Spread | None:
    one, other = ([(block.errors, block.requests - block.errors) for block in run.blocks] for run in (a, b))
    return spread(one, other)


def _shares(a: Run, b: Run) -> Difference:
    """Compare who served; the figures are those of the server whose share changed most.

    For the worse is what leads away from the weights that both runs had to follow; without them, no change is.
    """
    one, other = (shares(run.servers) for run in (a, b))
    names = sorted({*one, *other})
    moved = max(names, key=lambda name: abs(other.get(name, 0) - one.get(name, 0)))
    rows_a, rows_b = ([[block.servers.get(name, 0) for name in names] for block in run.blocks] for run in (a, b))
    sums_a, sums_b = ([run.servers.get(name, 0) for name in names] for run in (a, b))
    p = same_shares(sums_a, sums_b, spread(rows_a, rows_b))
    worse = False
    if a.expected and b.expected and shares(a.expected) == (due_shares := shares(b.expected)):
        off = [sum(abs(seen.get(name, 0) - due_shares.get(name, 0)) for name in names) for seen in (one, other)]
        worse = off[1] > off[0]
    return _difference(f"share {moved}", one.get(moved, 0.0), other.get(moved, 0.0), p, worse=worse)


# ------------------------------------------------------------------ what would have been seen


def _visible(a: Run, b: Run, one: Difference) -> float | None:
    """Return the change for the worse that would have been called real, had it been there."""
    if one.p is None:
        return None
    if one.name == "rate":
        varies = _rate_spread(a, b)
        assert varies  # noqa: S101 - or else it was not judged
        least = _first(
            a.requests, lambda n: same_rate(a.requests, a.seconds, max(0, a.requests - n), a.seconds, varies), one
        )
        return least / a.requests if least is not None else None
    if one.name == "errors":
        varies_too = _error_spread(a, b)
        scaled = round(one.a * b.requests) if one.a else 0
        least = _first(
            b.requests - scaled,
            lambda n: same_share(a.errors, a.requests, scaled + n, b.requests, varies_too),
            one,
        )
        return least / b.requests if least is not None else None
    if one.name in PERCENTILES and one.a and one.b:
        return _visible_latency(a, b, one)
    return None


def _visible_latency(a: Run, b: Run, one: Difference) -> float | None:
    """Return by how much slower everything must be for so many more slow requests that the test sees them."""
    part = PERCENTILES[one.name]
    split = _split(a, b, part, math.sqrt((one.a or 0) * (one.b or 0)) * 1000)
    base = round(split.slow[0] / split.of[0] * split.of[1])
    more = _first(split.of[1] - base, lambda n: split.with_slow(base + n), one)
    if more is None:
        return None
    reach = part - more / split.of[1]
    low = a.latency.quantile(reach) if reach > 0 else None
    return (a.latency.quantile(part) or 0) / low - 1 if low else None


def _first(most: int, p: Callable[[int], float], one: Difference) -> int | None:
    """Return the least count at which `p` is below the limit, None where `most` is not enough."""
    low, high = 0, most
    if most <= 0 or p(most) >= one.limit:
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if p(middle) < one.limit else (middle, high)
    return high
