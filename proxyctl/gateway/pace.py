"""How long a server that is not ready yet is left alone until it is asked again. Pure.

A server that is asked once per 5 ms serves within a few milliseconds of its first listening, however long its start
took. What all waiting servers together may cost is bounded: they share a number of attempts per second. Called by
`probe`.
"""

from __future__ import annotations

import dataclasses

LONG = 60.0
"""Seconds after which a server has most likely a fault and not a slow start."""
SELDOM = 0.5
"""Seconds between attempts from then on."""

_FIRST = 0.1
"""Seconds in which attempts are not shared out: a server is often there within 10 ms of its start event."""
_GROWTH = 0.25
"""Each pause is this part of the wait so far, until it is the usual one."""


@dataclasses.dataclass(frozen=True, slots=True)
class Way:
    """A way to ask: the seconds of its first and of its usual pause, and the attempts per second of all servers."""

    first: float
    usual: float
    per_second: float


CONNECT = Way(0.001, 0.005, 300)
"""A refused attempt costs 0.3 ms on a busy machine: at 400 a second, 200 servers that wait took 12 % of a core."""
CHECK = Way(0.005, 0.1, 100)
"""A request to a server that listens and does not pass yet: it has other things to do."""
COMMAND = Way(0.2, 0.5, 10)
"""A command in the gateway takes 60 ms."""


def pause(way: Way, waited: float, waiting: int, seldom: float = SELDOM) -> float:
    """Return the seconds until the next attempt at a server.

    `waited` are the seconds since the first attempt, `waiting` the number of servers that share the attempts. `seldom`
    are the seconds between attempts after a `LONG` wait, as long as there is an attempt for each.
    """
    usual = min(way.usual, seldom)
    own = min(max(way.first, waited * _GROWTH), usual) if waited < LONG else max(usual, seldom)
    return own if waited < _FIRST else max(own, waiting / way.per_second)
