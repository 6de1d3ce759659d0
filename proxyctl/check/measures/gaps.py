"""Windows in which no request ended, and how many ended right after them: they show a proxy that stalls.

Ends are ticked off in slots of 10 ms, which merge between processes as bits do. `verdicts.stalls` judges.
"""

from __future__ import annotations

import re
from typing import Final

from proxyctl.check.verdicts.stalls import Gap

SLOT: Final = 0.01  # seconds
LONG: Final = 0.1  # seconds: shorter ones are not looked at

_MOST_SECONDS: Final = 86_400  # of a run: what comes later is not ticked off
_KEPT: Final = 20_000
_EMPTY: Final = re.compile(rb"\0{%d,}" % round(LONG / SLOT))


class Gaps:
    """Ends, ticked off; `slow` are ends and latencies of requests that took longer than a gap must."""

    def __init__(self) -> None:
        self._slots = bytearray()
        self._slow: list[tuple[float, float]] = []

    def add(self, end: float, latency: float) -> None:
        """Tick off one request; seconds from the start of the load."""
        slot = int(end * 100)
        if 0 <= slot < _MOST_SECONDS * 100:
            if slot >= len(self._slots):
                self._slots.extend(bytes(slot + 100 - len(self._slots)))
            self._slots[slot] = 1
        if latency >= LONG and len(self._slow) < _KEPT:
            self._slow.append((end, latency))

    def merge(self, other: Gaps) -> None:
        """Add the ends of another load."""
        size = max(len(self._slots), len(other._slots))
        both = int.from_bytes(self._slots, "little") | int.from_bytes(other._slots, "little")
        self._slots = bytearray(both.to_bytes(size, "little"))
        self._slow = sorted([*self._slow, *other._slow])[:_KEPT]

    def found(self) -> tuple[Gap, ...]:
        """Return the windows between the first and the last end in which nothing ended."""
        slots = bytes(self._slots)
        first, last = slots.find(1), slots.rfind(1)
        if first < 0:
            return ()
        return tuple(
            self._gap(match.start() * SLOT, match.end() * SLOT) for match in _EMPTY.finditer(slots, first, last)
        )

    def _gap(self, began: float, ended: float) -> Gap:
        length = ended - began
        held = sum(
            1 for end, latency in self._slow if ended - SLOT <= end <= ended + 5 * SLOT and latency >= length * 0.8
        )
        return Gap(round(began, 3), round(length, 3), held)
