"""Latest-value broadcast of the status, and the log of what happened, for whoever shows them.

Holds values only; `reconciler` publishes, the command line and `web` read.
"""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections import deque
from collections.abc import AsyncIterator
from typing import Any

KEPT = 500


@dataclasses.dataclass(frozen=True, slots=True)
class Happened:
    """One thing that an operator would want to read: Unix time, a kind such as `join`, and a sentence."""

    at: float
    kind: str
    text: str


class Feed:
    """Readers always get the newest status; a slow one skips values, it never holds up the pass."""

    def __init__(self) -> None:
        """Start with an empty status."""
        self.status: dict[str, Any] = {}
        self.events: deque[Happened] = deque(maxlen=KEPT)
        self._changed = asyncio.Event()

    def publish(self, status: dict[str, Any]) -> None:
        """Replace the status and wake the readers."""
        self.status = status
        self._notify()

    def happened(self, kind: str, text: str) -> None:
        """Add to the event log."""
        self.events.append(Happened(time.time(), kind, text))
        self._notify()

    def _notify(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def updates(self) -> AsyncIterator[dict[str, Any]]:
        """Yield the status now and after every change, newest only."""
        while True:
            changed = self._changed
            yield self.status
            await changed.wait()
