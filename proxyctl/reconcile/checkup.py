"""Asks, again and again, whether clients get in: do the published ports lead here, is there room for more.

Called by `reconciler`, read by `one_pass`. What Docker says of the gateway is `gateway.lifecycle`'s to tell.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Collection

import structlog

from proxyctl.core.model import Problem
from proxyctl.core.usage import near
from proxyctl.engines.port import Engine
from proxyctl.gateway.port import Road
from proxyctl.providers.port import Wake

log = structlog.get_logger()

EVERY = 15.0  # seconds between two rounds, each a request to every published port and one look at the processes
AGAIN = 2.0
"""Seconds between two rounds while there is a problem: whoever mends it wants to see that."""


class Checkup:
    """The problems that the last round found."""

    def __init__(self, road: Road, engine: Engine, wake: Wake) -> None:
        """Take what to ask, and what to call when the problems change."""
        self._road, self._engine, self._wake = road, engine, wake
        self._now = asyncio.Event()
        self.problems: tuple[Problem, ...] = ()

    def soon(self) -> None:
        """Make the next round now: the gateway or its ports have changed."""
        self._now.set()

    async def run(self, listens: Callable[[], Collection[int]]) -> None:
        """Make rounds for ever; `listens` returns the gateway's HTTP ports, none before it has loaded any."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(AGAIN if self.problems else EVERY):
                    await self._now.wait()
            self._now.clear()
            try:
                await self.look(listens())
            except Exception:  # a mistake of ours in reading an answer
                log.exception("asking for the gateway's ports and limits failed by a mistake of proxyctl")

    async def look(self, listens: Collection[int]) -> None:
        """Make one round."""
        found = (*await self._road.look(listens), *near(await self._engine.usage()))
        if found != self.problems:
            self.problems = found
            self._wake("the gateway's ports and limits")
