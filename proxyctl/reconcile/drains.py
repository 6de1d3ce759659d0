"""How long each server has been leaving, so that it can be taken out when its pool's `drain` is over.

Counts from when it was first seen to leave; a restart of proxyctl starts anew. Knows no clock: `now` is handed in.
Next: `reconciler`, which wakes itself when the next drain ends.
"""

from __future__ import annotations

from collections.abc import Iterable

from proxyctl.core.decide.outcome import Leaving


class Drains:
    """The servers that leave by themselves; one that an operator drains is not among them."""

    def __init__(self) -> None:
        self._since: dict[tuple[str, str], float] = {}
        self._ends: dict[tuple[str, str], float] = {}

    def follow(self, leaving: Iterable[Leaving], now: float) -> None:
        """Replace the set of servers that leave; those that stay in it keep their time."""
        wanted = {(x.pool, x.container): x.drain_ms / 1000 for x in leaving}
        self._since = {key: self._since.get(key, now) for key in wanted}
        self._ends = {key: since + wanted[key] for key, since in self._since.items()}

    def over(self, now: float) -> frozenset[tuple[str, str]]:
        """Return the (pool, container id) of those that had their time."""
        return frozenset(key for key, end in self._ends.items() if end <= now)

    def next_end(self, now: float) -> float | None:
        """Return the seconds until the next one's time is over; None when nobody's runs."""
        return min((end - now for end in self._ends.values() if end > now), default=None)
