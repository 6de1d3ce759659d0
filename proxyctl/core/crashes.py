"""When a container that crashes again and again may serve: not before it has run for longer than it did lately.

Each start of such a container that serves for a moment costs two reloads on Nginx, and the requests that it is given.
Docker's own pauses between its starts begin at 100 ms, and never grow for a container that runs for 10 s each time.
Pure; a provider hands in one start and one end after the other, in seconds of any one clock.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from proxyctl.core.model import Crashes

MANY, WITHIN = 3, 60.0
"""So many crashes within so many seconds are a loop, until the container has run for as long without one."""
LEAST = 10.0
"""Seconds that a looping container has to run at least. Docker, too, takes such a run for a start that went well."""
_LONGER = 2
"""So many times as long as its longest run of the loop it has to run."""


@dataclasses.dataclass(frozen=True, slots=True)
class Held:
    """A container, by name, that gets nothing for a `reason`, and the `seconds` until it may; None until it runs."""

    name: str
    reason: str
    seconds: float | None


def started(before: Crashes, now: float) -> Crashes:
    """Return what is known after a start."""
    return dataclasses.replace(before, started=now)


def ended(before: Crashes, now: float, exit_code: str) -> Crashes:
    """Return what is known after an end that nobody asked for."""
    ran = now - before.started if before.started is not None else 0.0
    if ran >= WITHIN:
        before, ran = Crashes(before.name), 0.0
    ends = (*before.ends, now)[-MANY:]
    return Crashes(
        before.name,
        ends,
        before.count + 1,
        max(before.longest, ran),
        before.looping or (len(ends) == MANY and now - ends[0] <= WITHIN),
        None,
        exit_code,
    )


def held(crashes: Iterable[Crashes], now: float) -> tuple[Held, ...]:
    """Return the containers that may not serve yet, and why."""
    return tuple(_held(c, now) for c in crashes if c.looping and (c.started is None or now - c.started < _needed(c)))


def _needed(crashes: Crashes) -> float:
    """Return the seconds that a looping container has to run before it may serve."""
    return min(max(LEAST, _LONGER * crashes.longest), WITHIN)


def _times(count: int) -> str:
    """Return a count in words, from ten on in round numbers: else a fast loop would be a line in the log each time."""
    unit = 10 ** (len(str(count)) - 1)
    return f"{count} times" if unit == 1 else f"at least {count // unit * unit} times"


def _held(crashes: Crashes, now: float) -> Held:
    needed = _needed(crashes)
    code = f" (exit code {crashes.exit_code})" if crashes.exit_code else ""
    reason = (
        f"crashed {_times(crashes.count)}{code} and never ran for a minute: it is taken in again once it has run for "
        f"{needed:.0f} s"
    )
    return Held(crashes.name, reason, None if crashes.started is None else crashes.started + needed - now)
