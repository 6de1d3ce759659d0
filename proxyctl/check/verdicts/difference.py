"""One figure of two runs: what it was in each, and whether the change is more than noise."""

from __future__ import annotations

import dataclasses
from typing import Literal

Word = Literal["real", "slight", "noise", "not judged"]


@dataclasses.dataclass(frozen=True, slots=True)
class Difference:
    """One figure of both runs. `p` is None where it was not judged, a figure None where there is none.

    `limit` is what `p` must be below. `visible` is the relative change that would have been called real (of errors
    the change of their share), None where it is not known. `worse` says whether a change this way is for the worse.
    """

    name: str
    a: float | None
    b: float | None
    p: float | None
    limit: float
    least: float
    worse: bool
    visible: float | None = None

    @property
    def change(self) -> float | None:
        """The difference, relative to the first run."""
        return None if self.a is None or self.b is None or not self.a else self.b / self.a - 1

    @property
    def word(self) -> Word:
        """How the change is called: real, slight (real, but small), noise, or not judged."""
        if self.p is None:
            return "not judged"
        if self.p >= self.limit:
            return "noise"
        small = self.change is not None and abs(self.change) < self.least
        return "slight" if small else "real"

    @property
    def is_worse(self) -> bool:
        """Whether it is a real change for the worse."""
        return self.worse and self.word == "real"
