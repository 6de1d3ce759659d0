"""The journal of what happened, and a bell for whoever shows or awaits something.

`reconciler` and `telling` write and ring; the live display, `operate.confirm` and the API read and listen.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator

from proxyctl.core.status import Event

KEPT = 500


class Journal:
    """The last `KEPT` events. A slow listener misses rings, it never holds up the pass.

    An event's id is its number in this journal, from 1. A `watch` that starts anew begins a new journal: an id that is
    greater than the last one was given by an earlier `watch`.
    """

    def __init__(self) -> None:
        """Start with an empty log."""
        self._events: deque[Event] = deque(maxlen=KEPT)
        self._last = 0
        self._changed = asyncio.Event()

    def record(self, kind: str, text: str) -> None:
        """Add an event, and ring."""
        self._last += 1
        self._events.append(Event(time.time(), kind, text, self._last))
        self.ring()

    def after(self, last_id: int = 0) -> tuple[Event, ...]:
        """Return the events that came after that id, oldest first.

        All that are kept come for 0, and for an id of an earlier `watch`, whose reader has seen none of these.
        """
        if last_id > self._last:
            last_id = 0
        return tuple(e for e in self._events if e.id > last_id)

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
