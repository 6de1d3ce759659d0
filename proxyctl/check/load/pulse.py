"""The generator's own limit: how busy its thread was, and when its event loop came round too late.

Without it a slow generator looks like a slow proxy.
"""

from __future__ import annotations

import dataclasses
import time
from typing import Final

DEAF: Final = 0.03  # seconds that the loop may be late before nothing that it saw meanwhile is believed
PERIOD: Final = 0.02  # seconds between two beats
BUSY: Final = 0.9  # of one processor
LATE: Final = 0.02  # seconds, as the 99th percentile of how late the loop was
ENOUGH: Final = 0.5  # seconds, below which nothing is said

_BEATS: Final = 20
_KEPT: Final = 10_000


@dataclasses.dataclass(slots=True)
class Pulse:
    """`busy` is the share of a processor that was used, `late` how late each beat came, `deaf` from when to when."""

    busy: float = 0.0
    late: list[float] = dataclasses.field(default_factory=list)
    deaf: list[tuple[float, float]] = dataclasses.field(default_factory=list)
    _wall: float = 0.0
    _cpu: float = 0.0

    def begin(self) -> None:
        """Start the clocks, in the thread that sends."""
        self._wall, self._cpu = time.perf_counter(), time.thread_time()

    def beat(self, due: float, now: float) -> None:
        """Take one beat of the loop; seconds from the start of the load."""
        if len(self.late) < _KEPT:
            self.late.append(now - due)
        if now - due > DEAF and len(self.deaf) < _KEPT:
            self.deaf.append((due - PERIOD, now))  # since the last beat, at worst

    def end(self) -> None:
        """Stop the clocks."""
        wall = time.perf_counter() - self._wall
        if wall >= ENOUGH:
            self.busy = (time.thread_time() - self._cpu) / wall

    @property
    def late_p99(self) -> float:
        """The 99th percentile of how late the loop was, in seconds."""
        ordered = sorted(self.late)
        return ordered[(len(ordered) * 99 - 1) // 100] if len(ordered) >= _BEATS else 0.0
