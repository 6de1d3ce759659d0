"""What a server's values come to in the running proxy, the same on both engines."""

from __future__ import annotations

from proxyctl.core.model import Desired, Server


def same_servers(running: tuple[tuple[str, Server], ...], desired: Desired) -> bool:
    """Return whether a proxy's own list of (pool, server) has the same effect as `desired`."""

    def effect(pool: str, server: Server) -> tuple[str, str, str, int, int]:
        return pool, server.name, server.address, server.port, effective_weight(server)

    due = {effect(pool.name, server) for pool in desired.pools for server in pool.servers}
    return due == {effect(pool, server) for pool, server in running}


def effective_weight(server: Server) -> int:
    """Return the weight in effect: a draining server has none, on both engines."""
    return 0 if server.draining else server.weight
