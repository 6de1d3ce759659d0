"""Windows in which a proxy answered no request, told from slow servers and from a generator that did not listen.

At a constant rate a window in which many requests were due and none ended is a stall. In a closed loop all
connections can be waiting for slow servers at the same time by chance; then they do not end together, as they do
after a stall.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Final

from proxyctl.check.verdicts.verdict import Verdict

LEAST: Final = 0.15  # seconds
DUE: Final = 20  # requests that should have ended: by chance none does once in e^20
_TOGETHER: Final = 0.6  # of the connections that were held and ended within 50 ms after it
_SLACK: Final = 0.03  # seconds between listening again and having seen all that had come
_HELD_UP: Final = 3.0  # times as long as the generator, at worst
_LISTED: Final = 5


@dataclasses.dataclass(frozen=True, slots=True)
class Gap:
    """Nothing ended from `at` on for `seconds`; `held` requests, most of that long under way, ended right after."""

    at: float
    seconds: float
    held: int = 0


def stalls(
    gaps: Iterable[Gap],
    deaf: Iterable[tuple[float, float]],
    *,
    rate: float,
    typical: float,
    connections: int | None,
) -> tuple[Gap, ...]:
    """Return the gaps that are the proxy's doing.

    `deaf` are windows in which the generator was not listening itself, `rate` is requests per second, `typical` the
    median latency in seconds; `connections` is how many there were in a closed loop, None in an open one.
    """
    not_heard = tuple(deaf)
    return tuple(
        gap
        for gap in gaps
        if (seen := _heard(gap, not_heard)) >= LEAST + 3 * typical
        and rate * seen >= DUE
        and (connections is None or gap.held >= _TOGETHER * connections)
    )


def is_excused(found: tuple[Gap, ...], deaf: Iterable[tuple[float, float]]) -> bool:
    """Whether a single stall is no longer than what this machine does to its processes.

    Where the generator was held up, a proxy beside it may have been, and once is no pattern. (Of 91 runs on a machine
    with five times as much work as processors, one had such a window, of 240 ms.)
    """
    longest = max((end - begin for begin, end in deaf), default=0.0)
    return len(found) == 1 and found[0].seconds < LEAST + _HELD_UP * longest


def stalls_verdict(found: tuple[Gap, ...]) -> Verdict:
    """Judge that the proxy did not stall."""
    if not found:
        return Verdict("stalls", ok=True, value=0, expected="== 0")
    listed = ", ".join(f"{gap.seconds * 1000:.0f} ms at {gap.at:.2f} s" for gap in found[:_LISTED])
    more = f" and {len(found) - _LISTED} more" if len(found) > _LISTED else ""
    return Verdict("stalls", ok=False, value=len(found), expected="== 0", detail=f"nothing ended for {listed}{more}")


def _heard(gap: Gap, deaf: tuple[tuple[float, float], ...]) -> float:
    """Return how long nothing ended for certain.

    What ends while the generator is deaf is seen when it listens again. So a deaf window counts only where the gap
    ends with it: from its beginning on, something may have ended.
    """
    end = gap.at + gap.seconds
    hidden = [begin for begin, until in deaf if begin < end and end - _SLACK <= until <= end + _SLACK]
    return max(0.0, min([end, *hidden]) - gap.at)
