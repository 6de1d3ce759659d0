"""Statuses of a `watch` by a few words, for the tests of what reads one."""

from __future__ import annotations

from proxyctl.core.model import Balance, Problem
from proxyctl.core.status import PoolStatus, RouteStatus, ServerState, ServerStatus, Status


def server(
    name: str,
    weight: int = 1,
    state: ServerState = "up",
    *,
    backup: bool = False,
    requests: int | None = None,
    reason: str = "",
) -> ServerStatus:
    """Return a server whose container has the id `id-NAME`."""
    return ServerStatus(name, f"id-{name}", "10.0.0.1:80", state, weight, backup, requests, reason)


def pool(
    name: str,
    *servers: ServerStatus,
    host: str | None = None,
    path: str = "/",
    listen: int = 80,
    balance: Balance = "roundrobin",
) -> PoolStatus:
    """Return a pool with one route; without servers it has `NAME1`."""
    routes = (RouteStatus(host, path, listen, strip_prefix=False),)
    return PoolStatus(
        name=name,
        protocol="http",
        balance=balance,
        sticky=None,
        maintenance=False,
        drain_seconds=30.0,
        routes=routes,
        servers=servers or (server(f"{name}1"),),
        refused=(),
    )


def status(*pools: PoolStatus, generation: int | None = 1, problems: tuple[Problem, ...] = ()) -> Status:
    """Return a fresh status of HAProxy on the network `web`."""
    return Status(
        network="web",
        engine="haproxy",
        version="3.2.26",
        revision=f"rev{generation}" if generation else None,
        generation=generation,
        synced_seconds_ago=0.5,
        events_connected=True,
        stale_reason=None,
        pools=pools,
        problems=problems,
    )
