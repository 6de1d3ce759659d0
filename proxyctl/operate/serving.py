"""Which servers serve in which pools, by a status of `watch`; pure. Called by `rollout`."""

from __future__ import annotations

from collections.abc import Mapping

from proxyctl.core.status import Status
from proxyctl.errors import ProxyctlError

_SERVES = {"up", "maintenance"}

Pools = Mapping[str, frozenset[str]]
"""Names of pools by the name of a server."""


def serves_in(status: Status) -> Pools:
    """Return the pools in which each server gets requests."""
    found: dict[str, set[str]] = {}
    for pool in status.pools:
        for server in pool.servers:
            if server.state in _SERVES:
                found.setdefault(server.name, set()).add(pool.name)
    return {name: frozenset(pools) for name, pools in found.items()}


def draining(status: Status) -> set[str]:
    """Return the names of the servers that drain in any pool."""
    return {s.name for p in status.pools for s in p.servers if s.state == "draining"}


def sharing(status: Status, pool: str) -> set[str]:
    """Return a pool and those that have containers of it: they would lose these, too."""
    found = status.pool(pool)
    if found is None:
        raise unknown(status, pool)
    own = {s.container for s in found.servers}
    return {pool} | {p.name for p in status.pools if any(s.container in own for s in p.servers)}


def unknown(status: Status, pool: str) -> ProxyctlError:
    """Return the error for a pool that is not in a status."""
    known = ", ".join(p.name for p in status.pools)
    return ProxyctlError(f"no pool is named {pool}; known are {known or 'none'}")
