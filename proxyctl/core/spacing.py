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

    The gap grows with each reload that had to wait for it, and is forgotten after twice its time without any: an
    engine that is busy starts containers in waves. A wait ends early when nothing new was wanted for as long as the
    gap before was: then the storm may be over.
    """

    first: float
    gap: float = 0.0
    at: float = float("-inf")
    wanted: str = ""
    since: float = 0.0

    def wanting(self, revision: str, now: float) -> Spacing:
        """Return this with a reload for that revision waiting."""
        return self if revision == self.wanted else dataclasses.replace(self, wanted=revision, since=now)

    def wait(self, now: float) -> float:
        """Return for how many seconds what is wanted has to wait."""
        over = max(self.at + self.first, self.since + self.gap / GROWTH)
        return max(0.0, min(self.at + self.gap, over) - now)

    def reloaded(self, now: float) -> Spacing:
        """Return what follows a reload at `now`."""
        if self.wanted:
            gap = max(self.first, min(GROWTH * self.gap, LONGEST))
        else:
            gap = self.gap if now < self.at + 2 * self.gap else self.first
        return Spacing(self.first, gap, now)
