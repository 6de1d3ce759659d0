"""Rollback: the gateway is pinned to a generation until the pin is released.

The pin is kept first, then carried out, then confirmed. Called by `api.server`. Next: `confirm`.
"""

from __future__ import annotations

import datetime as dt

from proxyctl.api.port import Pinned, Released
from proxyctl.errors import ProxyctlError
from proxyctl.operate.confirm import Confirmation
from proxyctl.operate.port import Archive, Pins, Watched
from proxyctl.state.history import differences, target
from proxyctl.state.port import PinnedGeneration


class Rollback:
    """Implements `api.port.Rollback` on one `watch`."""

    def __init__(self, watched: Watched, pins: Pins, archive: Archive, confirmation: Confirmation) -> None:
        """Take the watch, the kept pin, the generations, and the wait for confirmation."""
        self._watched, self._pins, self._archive, self._confirmation = watched, pins, archive, confirmation

    async def pin(self, asked: int | None) -> Pinned:
        """Pin the gateway to a generation (None: the one before the current) and return its number and since when.

        Raise ProxyctlError when the proxy refuses it; then the earlier pin is kept again.
        """
        before = self._pins.pin
        history = self._archive.history()
        number = target(history, asked, before.number if before else None)
        now = next((p.number for p in history if p.current), None)
        since = dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        pin = self._archive.pin(number, since)
        changes = self._changes(now, pin)
        self._keep(pin)
        try:
            await self._confirmation.until(lambda applied: applied.pinned == number, "so it is undone")
        except ProxyctlError:
            self._keep(before)
            raise
        return Pinned(number, since, changes)

    def _changes(self, now: int | None, then: PinnedGeneration) -> tuple[str, ...]:
        """Return what the rollback changes; nothing where the current generation does not say what it was made from."""
        try:
            return differences(self._archive.pin(now, ""), then) if now is not None else ()
        except ProxyctlError:
            return ()

    async def release(self) -> Released:
        """Release the pin and return its number; raise ProxyctlError when there is none."""
        before = self._pins.pin
        if before is None:
            raise ProxyctlError("the gateway is not held at a generation: there is nothing to release")
        self._keep(None)
        await self._confirmation.until(lambda applied: applied.pinned is None, "it goes on trying")
        return Released(before.number)

    def _keep(self, pin: PinnedGeneration | None) -> None:
        self._pins.keep(pin)
        self._watched.files_changed("operator", at_once=True)
