"""The log of what happened, and a bell for whoever shows or awaits something.

`reconciler` rings, the command line, `operators` and `web` listen.
"""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections import deque
from collections.abc import AsyncIterator

KEPT = 500


@dataclasses.dataclass(frozen=True, slots=True)
class Event:
    """One thing that an operator would want to read: Unix time, a kind such as `join`, and a sentence."""

    at: float
    kind: str
    text: str


class Journal:
    """A slow listener misses rings, it never holds up the pass."""

    def __init__(self) -> None:
        """Start with an empty log."""
        self.events: deque[Event] = deque(maxlen=KEPT)
        self._changed = asyncio.Event()

    def happened(self, kind: str, text: str) -> None:
        """Add to the event log."""
        self.events.append(Event(time.time(), kind, text))
        self.ring()

    def ring(self) -> None:
        """Wake whoever listens: something may be different."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def rings(self) -> AsyncIterator[None]:
        """Yield now, and after every ring since the last one was taken."""
        while True:
            changed = self._changed
            yield
            await changed.wait()
