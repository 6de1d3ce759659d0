"""How long each server has been leaving, so that it can be taken out when its pool's `drain` is over.

The time counts from the first pass that saw the server leave; a restart of proxyctl starts it anew. Knows no clock:
`now` is an argument. Called by `one_pass`, which sets a timer for the next end.
"""

from __future__ import annotations

from collections.abc import Iterable

from proxyctl.core.decide.outcome import Leaving


class Drains:
    """The servers that `Leaving` names; a server that drains only because an operator said so is not among them."""

    def __init__(self) -> None:
        self._since: dict[tuple[str, str], float] = {}
        self._ends: dict[tuple[str, str], float] = {}

    def follow(self, leaving: Iterable[Leaving], now: float) -> None:
        """Replace the servers that leave; the time of a server that was leaving already goes on."""
        seconds = {(x.pool, x.container): x.drain_ms / 1000 for x in leaving}
        self._since = {key: self._since.get(key, now) for key in seconds}
        self._ends = {key: since + seconds[key] for key, since in self._since.items()}

    def over(self, now: float) -> frozenset[tuple[str, str]]:
        """Return the (pool, container id) of every server whose drain is over."""
        return frozenset(key for key, end in self._ends.items() if end <= now)

    def next_end(self, now: float) -> float | None:
        """Return the seconds until the next drain is over; None while no drain runs."""
        return min((end - now for end in self._ends.values() if end > now), default=None)
