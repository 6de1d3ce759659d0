"""Containers that a listing lacks although no event ended them. Asks nothing: `source` hands ids in."""

from __future__ import annotations

import time
from collections.abc import Set as AbstractSet


class Missing:
    """Container ids, for as long as listings that lack them are not believed: a listing can be wrong once."""

    def __init__(self, believed_after: float) -> None:
        """Take the seconds after which a container that is missing is believed to be gone."""
        self._believed_after = believed_after
        self._since: dict[str, float] = {}  # by id: the monotonic time of the first listing without it

    def __contains__(self, id_: str) -> bool:
        return id_ in self._since

    @property
    def ids(self) -> frozenset[str]:
        """The containers that are missing and not yet believed to be gone."""
        return frozenset(self._since)

    def note(self, known: AbstractSet[str], listed: AbstractSet[str]) -> None:
        """Take a listing, and the ids that were known before it."""
        now = time.monotonic()
        since = {id_: self._since.get(id_, now) for id_ in (known | self._since.keys()) - listed}
        self._since = {id_: first for id_, first in since.items() if now - first < self._believed_after}

    def forget(self, id_: str) -> bool:
        """Forget a container that was found again or has ended; return whether it was missing."""
        return self._since.pop(id_, None) is not None
