"""How long each server has been leaving, so that it can be taken out when its pool's `drain` is over.

The time counts from the first pass that saw the server leave; a restart of proxyctl starts it anew. Knows no clock:
`now` is an argument. Next: `one_pass`, which sets a timer for the next end.
"""

from __future__ import annotations

from collections.abc import Iterable

from proxyctl.core.decide.outcome import Leaving


class Drains:
    """The servers that leave because of their container; a server that an operator drains is not among them."""

    def __init__(self) -> None:
        self._since: dict[tuple[str, str], float] = {}
        self._ends: dict[tuple[str, str], float] = {}

    def follow(self, leaving: Iterable[Leaving], now: float) -> None:
        """Replace the set of servers that leave; a server that was in it already keeps its start."""
        wanted = {(x.pool, x.container): x.drain_ms / 1000 for x in leaving}
        self._since = {key: self._since.get(key, now) for key in wanted}
        self._ends = {key: since + wanted[key] for key, since in self._since.items()}

    def over(self, now: float) -> frozenset[tuple[str, str]]:
        """Return the (pool, container id) of every server whose drain is over."""
        return frozenset(key for key, end in self._ends.items() if end <= now)

    def next_end(self, now: float) -> float | None:
        """Return the seconds until the next drain is over; None while no drain runs."""
        return min((end - now for end in self._ends.values() if end > now), default=None)
