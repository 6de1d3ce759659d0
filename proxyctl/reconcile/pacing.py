"""When the next reload may come: at once after quiet, further and further apart while changes keep coming.

Pure; the reconciler tells the time. Every reload of a proxy leaves old workers that finish what they have, and
takes 100 ms or more: a storm of a hundred starts is to make a handful of them.
"""

from __future__ import annotations

import dataclasses

GROWTH = 4
LONGEST = 5.0
"""Seconds to which the gap grows: what joins in the middle of a storm waits for this long."""


@dataclasses.dataclass(frozen=True, slots=True)
class Spacing:
    """The last reload, in seconds of any clock, and the gap that has to follow it.

    The gap grows with each reload for which more was wanted while it waited, and shrinks with each that had not to
    wait: servers that come one by one are none the worse for a storm before them. A wait ends early when nothing
    new was wanted for a quarter of the gap, for then the storm may be over.
    """

    first: float
    gap: float = 0.0
    at: float = float("-inf")
    wanted: str = ""
    since: float = 0.0
    more: bool = False

    def wanting(self, revision: str, now: float) -> Spacing:
        """Return this with a reload for that revision waiting."""
        if revision == self.wanted:
            return self
        return dataclasses.replace(self, wanted=revision, since=now, more=self.wanted != "")

    def wait(self, now: float) -> float:
        """Return for how many seconds what is wanted has to wait."""
        over = max(self.at + self.first, self.since + self.gap / GROWTH)
        return max(0.0, min(self.at + self.gap, over) - now)

    def reloaded(self, now: float, took: float) -> Spacing:
        """Return what follows a reload that ended at `now` and took so long; it is followed by twice that at least."""
        factor = GROWTH if self.more else 1 if self.wanted else 1 / GROWTH
        gap = max(factor * self.gap, 2 * took)
        return Spacing(self.first, max(self.first, min(gap, LONGEST)), now)
