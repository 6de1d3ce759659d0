"""When the next reload may come: at once after quiet, further and further apart while changes keep coming.

Pure: `now` is an argument. A reload takes 100 ms or more and leaves old workers that finish their requests, so a storm
of a hundred starts should cost a handful of reloads. Called by `reach`.
"""

from __future__ import annotations

import dataclasses

GROWTH = 4
LONGEST = 5.0
"""Seconds, the widest gap: a server that joins in the middle of a storm waits no longer."""


@dataclasses.dataclass(frozen=True, slots=True)
class Spacing:
    """When the last reload ended (`at`, in seconds of any clock), and the `gap` until the next may come.

    The gap grows after a reload that was deferred and for which further changes came meanwhile. It shrinks after a
    reload that was not deferred, so that a storm does not slow the joins after it. A reload comes before the gap is
    over when nothing further changed for a quarter of the gap: the storm may have ended. `deferred` is the revision
    that waits for its reload, `since` the time from which it waits, `more` whether it replaced another such revision.
    """

    first: float
    gap: float = 0.0
    at: float = float("-inf")
    deferred: str = ""
    since: float = 0.0
    more: bool = False

    def deferring(self, revision: str, now: float) -> Spacing:
        """Return the spacing with a reload to that revision deferred."""
        if revision == self.deferred:
            return self
        return dataclasses.replace(self, deferred=revision, since=now, more=self.deferred != "")

    def wait(self, now: float) -> float:
        """Return the seconds until the deferred reload may come."""
        over = max(self.at + self.first, self.since + self.gap / GROWTH)
        return max(0.0, min(self.at + self.gap, over) - now)

    def reloaded(self, now: float, took: float) -> Spacing:
        """Return the spacing after a reload that ended at `now`; the gap is at least twice the `took` seconds of it."""
        factor = GROWTH if self.more else 1 if self.deferred else 1 / GROWTH
        gap = max(factor * self.gap, 2 * took)
        return Spacing(self.first, max(self.first, min(gap, LONGEST)), now)
