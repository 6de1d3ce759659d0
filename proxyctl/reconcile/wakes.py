"""Wake-ups: they say only "look again". Timers, and how long to wait after a failure. Next: `reconciler`."""

from __future__ import annotations

import asyncio

import structlog

log = structlog.get_logger()

RETRY_FIRST, RETRY_LAST = 0.25, 5.0


class Wakes:
    """Gathers wake-ups until the next pass takes them."""

    def __init__(self) -> None:
        self._woken = asyncio.Event()
        self._at_once = False
        self._retry = RETRY_FIRST
        self._due = float("inf")

    def wake(self, reason: str, *, at_once: bool = False) -> None:
        """Ask for a pass; `at_once`: no reload of it is deferred."""
        log.debug("woken", reason=reason)
        self._at_once |= at_once
        self._woken.set()

    async def wait(self) -> None:
        """Return after a wake-up; those that come from now on are for the next pass."""
        await self._woken.wait()
        self._woken.clear()

    def take_at_once(self) -> bool:
        """Return whether some wake-up since the last call asked for no deferred reload."""
        at_once, self._at_once = self._at_once, False
        return at_once

    def back_off(self, reason: str) -> None:
        """Wake after a failure, later each time."""
        self._retry = min(self._retry * 2, RETRY_LAST)
        self.later(self._retry, reason)

    def calm(self) -> None:
        """Start the waits after failures anew: something went well."""
        self._retry = RETRY_FIRST

    def later(self, seconds: float, reason: str) -> None:
        """Wake after a while, unless a wake-up that comes earlier is on its way already."""
        loop = asyncio.get_running_loop()
        due = loop.time() + seconds
        if self._due <= due:
            return
        self._due = due
        loop.call_later(seconds, self._ring, reason)

    def _ring(self, reason: str) -> None:
        # Forgotten first: a timer may ring a moment early by the other clock, and is then set again.
        self._due = float("inf")
        self.wake(reason)
