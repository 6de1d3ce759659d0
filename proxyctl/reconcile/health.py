"""Asks the proxy, again and again, which servers fail the health checks that it makes itself.

Only HAProxy makes any; for nginx proxyctl asks the servers (`gateway.probe`). A server that has never passed has the
same grace there and here. Called by `reconciler`, read by `one_pass`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping

import structlog

from proxyctl.core.model import ServerCount
from proxyctl.engines.port import Engine
from proxyctl.providers.port import Wake

log = structlog.get_logger()

EVERY = 1.0  # seconds between two questions, which cost HAProxy 0.3 ms each

Place = tuple[str, str]
"""Pool and server, by name."""


class Health:
    """The servers that fail, with the reason of their first failure: later ones may differ from check to check."""

    def __init__(self, engine: Engine, wake: Wake, grace: float) -> None:
        """Take the engine to ask, what to call when a server begins to fail or passes again, and a grace in seconds.

        A server that never passed may fail for the grace from its first check on, until that is a problem.
        """
        self._engine, self._wake, self._grace = engine, wake, grace
        self._proven: set[Place] = set()
        self._since: dict[Place, tuple[float, str]] = {}
        self.failing: Mapping[Place, str] = {}

    async def run(self, wanted: Callable[[], bool]) -> None:
        """Ask for ever, while `wanted` says that there is something to ask; no answer leaves what is known."""
        while True:
            await asyncio.sleep(EVERY)
            asked = wanted()
            try:
                counts = await self._engine.counts() if asked else ()
            except Exception:  # a mistake of ours in reading the answer
                log.exception("asking the proxy for the health of servers failed by a mistake of proxyctl")
                continue
            if counts or not asked:
                self.take(counts, asyncio.get_running_loop().time())

    def take(self, counts: Iterable[ServerCount], now: float) -> None:
        """Take what the proxy says at a monotonic time."""
        seen = {(c.pool, c.server): c for c in counts}
        self._proven = {p for p, c in seen.items() if c.up or p in self._proven}
        self._since = {p: self._since.get(p, (now, c.reason)) for p, c in seen.items() if c.fails}
        late = {p: reason for p, (at, reason) in self._since.items() if p in self._proven or now - at >= self._grace}
        if late != self.failing:
            self.failing = late
            self._wake("the health of servers")
