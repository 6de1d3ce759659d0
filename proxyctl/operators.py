"""What operators ask of a running `watch` beyond single servers: kept first, then acted on, then confirmed.

Told through control.sock. A request is answered when the running proxy does what was asked, or with why it does not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

from proxyctl.errors import ProxyctlError
from proxyctl.feed import Feed
from proxyctl.ports import Generation, Wake

CONFIRM = 6.0  # seconds until a wish must be confirmed; the client of control.sock waits for 10


class Wishes(Protocol):
    """Where operators' wishes are kept."""

    def maintain(self, pool: str, *, on: bool) -> None:
        """Put a pool in maintenance or take it out."""


class Watched(Protocol):
    """The running `watch`, as far as its operators see it."""

    @property
    def applied(self) -> Generation | None:
        """What the running proxy was last confirmed to do."""

    @property
    def wake(self) -> Wake:
        """Asks for a pass."""

    async def status(self) -> dict[str, Any]:
        """Return the shape that LABELS.md promises for `status --json`."""


class Operators:
    """Carries out wishes on one `watch`."""

    def __init__(self, watched: Watched, wishes: Wishes, feed: Feed) -> None:
        """Take the watch, where wishes are kept, and the feed that tells of each pass."""
        self._watched, self._wishes, self._feed = watched, wishes, feed

    async def maintain(self, pool: str, *, on: bool) -> dict[str, Any]:
        """Put a pool in maintenance or take it out; raise ProxyctlError when there is no such pool."""
        known = [p["name"] for p in (await self._watched.status())["pools"]]
        if pool not in known:
            raise ProxyctlError(f"no pool is named {pool}; known are {', '.join(known) or 'none'}")
        self._wishes.maintain(pool, on=on)
        self._watched.wake("operator")

        def reached(applied: Generation) -> bool:
            found = applied.desired.pool(pool)
            return found is not None and found.maintenance == on

        await self._confirm(reached, "the wish is kept")
        return {"pool": pool, "maintenance": on}

    async def _confirm(self, reached: Callable[[Generation], bool], otherwise: str) -> None:
        """Wait until the proxy does it; raise ProxyctlError with the problems of now when it does not."""
        try:
            async with asyncio.timeout(CONFIRM):
                async for _ in self._feed.updates():
                    if self._watched.applied is not None and reached(self._watched.applied):
                        return
        except TimeoutError:
            problems = [p["reason"] for p in (await self._watched.status())["problems"] if not p["container"]]
            why = "; ".join(problems) or "`proxyctl status` shows what it does"
            message = f"the proxy has not done it within {CONFIRM:.0f} s, {otherwise}: {why}"
            raise ProxyctlError(message) from None
