"""When the next reload may come: at once after quiet, further and further apart while changes keep coming.

Pure; the reconciler tells the time. Every reload of a proxy leaves old workers that finish what they have, and
takes 100 ms or more: a storm of a hundred starts is to make a handful of them.
"""

from __future__ import annotations

import dataclasses

LONGEST = 2.0
"""Seconds to which the gap grows: what joins in the middle of a storm waits for this long."""


@dataclasses.dataclass(frozen=True, slots=True)
class Spacing:
    """The last reload, in seconds of any clock, and the gap that has to follow it.

    The gap doubles after each reload that had to wait for it. One that had not to wait shows that it is quiet.
    """

    first: float
    gap: float = 0.0
    at: float = float("-inf")
    held: bool = False

    def wait(self, now: float) -> float:
        """Return for how many seconds a reload has to wait."""
        return max(0.0, self.at + self.gap - now)

    def holding(self) -> Spacing:
        """Return this with a reload waiting."""
        return dataclasses.replace(self, held=True)

    def reloaded(self, now: float) -> Spacing:
        """Return what follows a reload at `now`."""
        gap = max(self.first, min(2 * self.gap, LONGEST)) if self.held else self.first
        return Spacing(self.first, gap, now)
