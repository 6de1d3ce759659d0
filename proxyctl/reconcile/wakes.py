"""Wake-ups, which say only "look again", timers, and how long to wait after a failure. Next: `reconciler`."""

from __future__ import annotations

import asyncio

import structlog

log = structlog.get_logger()

RETRY_FIRST, RETRY_LAST = 0.25, 5.0
"""Seconds until the first retry after a failure, and the most that doubling makes of them."""


class Wakes:
    """Gathers all wake-ups until the next pass into one."""

    def __init__(self) -> None:
        self._woken = asyncio.Event()
        self._at_once = False
        self._retry = RETRY_FIRST
        self._due = float("inf")

    def wake(self, reason: str, *, at_once: bool = False) -> None:
        """Ask for a pass; with `at_once` no reload of it is deferred."""
        log.debug("woken", reason=reason)
        self._at_once |= at_once
        self._woken.set()

    async def wait(self) -> None:
        """Return after a wake-up; later wake-ups count for the next pass."""
        await self._woken.wait()
        self._woken.clear()

    def take_at_once(self) -> bool:
        """Return whether some wake-up since the last call was `at_once`."""
        at_once, self._at_once = self._at_once, False
        return at_once

    def back_off(self, reason: str) -> None:
        """Set a timer after a failure, a longer one each time."""
        self._retry = min(self._retry * 2, RETRY_LAST)
        self.later(self._retry, reason)

    def calm(self) -> None:
        """Reset the wait after a failure: a pass went well."""
        self._retry = RETRY_FIRST

    def later(self, seconds: float, reason: str) -> None:
        """Set a timer, unless an earlier one is set already."""
        loop = asyncio.get_running_loop()
        due = loop.time() + seconds
        if self._due <= due:
            return
        self._due = due
        loop.call_later(seconds, self._ring, reason)

    def _ring(self, reason: str) -> None:
        # Reset first: by the clock of the pass a timer may ring a moment early, and the pass then sets it again.
        self._due = float("inf")
        self.wake(reason)
