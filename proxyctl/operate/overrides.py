"""Drain, ready, weight, maintenance: an operator's override is kept first, then carried out, then confirmed.

Called by `api.server`. Next: `confirm`, which waits until the proxy does it.
"""

from __future__ import annotations

import dataclasses
import time
from typing import Unpack

from proxyctl.api.port import Changes, Maintained, Overridden
from proxyctl.core.model import Desired, Override, Server
from proxyctl.errors import ProxyctlError
from proxyctl.operate.confirm import Confirmation
from proxyctl.operate.port import KeptOverrides, Watched
from proxyctl.state.port import Generation


class Overriding:
    """Implements `api.port.Overriding` on one `watch`."""

    def __init__(self, watched: Watched, kept: KeptOverrides, confirmation: Confirmation) -> None:
        """Take the watch, the kept overrides, and the wait for confirmation."""
        self._watched, self._kept, self._confirmation = watched, kept, confirmation

    async def override(self, server: str, **changes: Unpack[Changes]) -> Overridden:
        """Keep a drain or a weight for the container of a server, until the container goes.

        Return the pools in which the proxy does it, and the pools that the container has not joined yet; for a drain
        once the server gets no new request. Raise ProxyctlError when no server has that name, or when the proxy does
        not do it.
        """
        began = time.monotonic()
        found = await self._named(server)
        container = next(iter(found.values()))
        before = self._kept.all().get(container, Override())
        self._kept.keep(container, dataclasses.replace(before, **changes))
        decided = self._watched.decided
        self._watched.wake("operator", at_once=True)
        does: dict[str, Server] = {}

        def reached(applied: Generation) -> bool:
            nonlocal does
            does = _in_pools(applied.desired, container)
            return self._watched.decided > decided and does == _in_pools(self._watched.desired, container)

        await self._confirmation.until(reached, "the decision is kept")
        if changes.get("drain") and does:
            await self._confirmation.quiet(began)
        draining = any(s.draining for s in does.values())
        return Overridden(server, tuple(does), tuple(sorted(found.keys() - does)), draining, changes)

    async def finished(self, server: str) -> bool:
        """Return whether nothing runs any more on a server that drains.

        Raise ProxyctlError when no server has that name, or when the proxy does not say.
        """
        return await self._watched.finished(next(iter((await self._named(server)).values())))

    async def _named(self, server: str) -> dict[str, str]:
        """Return the container of a server by pool; raise ProxyctlError when no server has that name."""
        pools = (await self._watched.status(figures=False)).pools
        servers = [(pool.name, s) for pool in pools for s in pool.servers]
        found = {pool: s.container for pool, s in servers if s.name == server}
        if not found:
            names = ", ".join(sorted({s.name for _, s in servers})) or "none"
            raise ProxyctlError(f"no server is named {server}; known are {names}")
        return found

    async def maintain(self, pool: str, *, on: bool) -> Maintained:
        """Put a pool in maintenance or take it out; raise ProxyctlError when there is no such pool."""
        status = await self._watched.status(figures=False)
        if status.pool(pool) is None:
            raise ProxyctlError(
                f"no pool is named {pool}; known are {', '.join(p.name for p in status.pools) or 'none'}"
            )
        self._kept.maintain(pool, on=on)
        self._watched.wake("operator", at_once=True)

        def reached(applied: Generation) -> bool:
            found = applied.desired.pool(pool)
            return found is not None and found.maintenance == on

        await self._confirmation.until(reached, "the wish is kept")
        return Maintained(pool, on)


def _in_pools(state: Desired, container: str) -> dict[str, Server]:
    return {p.name: s for p in state.pools for s in p.servers if s.container == container}
