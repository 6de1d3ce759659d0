"""Containers that a listing lacks although no event reported their end. Asks nothing: `source` hands in the ids."""

from __future__ import annotations

import time
from collections.abc import Set as AbstractSet


class Missing:
    """The ids of missing containers, until listings have lacked them long enough: one listing can be wrong."""

    def __init__(self, believed_after: float) -> None:
        """Take the seconds after which a missing container is believed to be gone."""
        self._believed_after = believed_after
        self._since: dict[str, float] = {}  # by id: the monotonic time of the first listing without it

    def __contains__(self, id_: str) -> bool:
        return id_ in self._since

    @property
    def ids(self) -> frozenset[str]:
        """The ids of containers that are missing and not yet believed to be gone."""
        return frozenset(self._since)

    def note(self, before: AbstractSet[str], listed: AbstractSet[str]) -> None:
        """Take the ids of the snapshot `before` a listing, and the `listed` ids."""
        now = time.monotonic()
        since = {id_: self._since.get(id_, now) for id_ in (before | self._since.keys()) - listed}
        self._since = {id_: first for id_, first in since.items() if now - first < self._believed_after}

    def forget(self, id_: str) -> bool:
        """Forget a container that was found again or has ended; return whether it was missing."""
        return self._since.pop(id_, None) is not None
