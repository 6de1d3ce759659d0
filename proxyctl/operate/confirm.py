"""Waits until the running proxy does what an operator asked for, or raises why it does not.

Called by `overrides` and `rollback`, after they have kept the request and woken `watch`.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable

from proxyctl.core import codes
from proxyctl.errors import ProxyctlError
from proxyctl.operate.port import Watched
from proxyctl.reconcile.journal import Journal
from proxyctl.state.port import Generation

WITHIN = 6.0  # seconds until a request must be confirmed
ANSWERED = 15.0  # seconds until it is answered, also where a drain is not quiet yet; `api.client` waits longer


class Confirmation:
    """Checks what the proxy does at each ring of the journal."""

    def __init__(self, watched: Watched, journal: Journal) -> None:
        """Take the watch, and the journal, which rings after each pass."""
        self._watched, self._journal = watched, journal

    async def until(self, reached: Callable[[Generation], bool], otherwise: str) -> None:
        """Wait until the proxy does what `reached` asks for.

        Raise ProxyctlError when the proxy refuses it, or after `WITHIN` seconds with the present problems. Both
        messages contain `otherwise`: what becomes of the request.
        """
        earlier = self._watched.refused
        try:
            async with asyncio.timeout(WITHIN):
                async for _ in self._journal.rings():
                    if self._watched.applied is not None and reached(self._watched.applied):
                        return
                    if self._watched.refused not in {"", earlier}:
                        break
        except TimeoutError:
            problems = (await self._watched.status(figures=False)).problems
            own = (p.reason for p in problems if not p.container and p.code != codes.NOBODY)
            why = "; ".join(own) or "`proxyctl status` shows what it does"
            message = f"the proxy has not done it within {WITHIN:.0f} s, {otherwise}: {why}"
            raise ProxyctlError(message) from None
        raise ProxyctlError(f"the proxy does not do it, {otherwise}: {self._watched.refused}")

    async def quiet(self, began: float) -> None:
        """Return once servers that drain get no new request, in time for the answer to a request that `began`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(began + ANSWERED - time.monotonic()):
                await self._watched.quiet()
