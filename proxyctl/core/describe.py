"""A plan in sentences, for the log, the live display and `proxyctl plan`. Pure."""

from __future__ import annotations

import dataclasses
from typing import assert_never

from proxyctl.core.changes import (
    Change,
    ListenerAdded,
    ListenerChanged,
    ListenerRemoved,
    PoolAdded,
    PoolChanged,
    PoolRemoved,
    ServerAdded,
    ServerChanged,
    ServerRemoved,
)
from proxyctl.core.model import Listener, Pool, Server
from proxyctl.core.plan import Plan


def describe(plan: Plan) -> list[tuple[str, str]]:
    """Return (kind, sentence) for each change of a plan; kinds: join, leave, drain, change, pool, route."""
    return [_describe(change) for change in plan.changes]


def _describe(change: Change) -> tuple[str, str]:
    match change:
        case ServerAdded(pool, server):
            return "join", f"{server.name} joined pool {pool} at {server.address}:{server.port}"
        case ServerRemoved(pool, server):
            return "leave", f"{server.name} left pool {pool}"
        case ServerChanged(pool, before, after):
            return _changed(pool, before, after)
        case PoolAdded() | PoolRemoved() | PoolChanged():
            return "pool", _pool(change)
        case ListenerAdded() | ListenerRemoved() | ListenerChanged():
            return "route", _listener(change)
        case _:
            assert_never(change)


def _changed(pool: str, before: Server, after: Server) -> tuple[str, str]:
    if after.draining and not before.draining:
        return "drain", f"{after.name} drains in pool {pool}"
    if before.draining and not after.draining:
        return "join", f"{after.name} is back in pool {pool} at {after.address}:{after.port}"
    names = [f.name for f in dataclasses.fields(Server) if f.name != "container"]
    moved = [n for n in names if getattr(before, n) != getattr(after, n)]
    moves = ", ".join(f"{n} {getattr(before, n)} → {getattr(after, n)}" for n in moved)
    return "change", f"{after.name} in pool {pool}: {moves or 'a new container of the same name'}"


def _pool(change: PoolAdded | PoolRemoved | PoolChanged) -> str:
    match change:
        case PoolAdded(pool):
            return f"pool {pool.name} added ({_servers(pool)})"
        case PoolRemoved(pool):
            return f"pool {pool.name} removed"
        case PoolChanged(before, pool) if before.maintenance != pool.maintenance:
            return f"pool {pool.name} is {'now' if pool.maintenance else 'no longer'} in maintenance"
        case PoolChanged(_, pool):
            return f"pool {pool.name}: settings changed"
        case _:
            assert_never(change)


def _servers(pool: Pool) -> str:
    return ", ".join(server.name for server in pool.servers) or "no server yet"


def _listener(change: ListenerAdded | ListenerRemoved | ListenerChanged) -> str:
    match change:
        case ListenerAdded(listener):
            return f"port {listener.port} opened{_routes(' for ', listener)}"
        case ListenerRemoved(listener):
            return f"port {listener.port} closed"
        case ListenerChanged(_, listener):
            return f"port {listener.port} now routes {_routes('', listener) or 'nothing'}"
        case _:
            assert_never(change)


def _routes(before: str, listener: Listener) -> str:
    routes = ", ".join(f"{r.host or '*'}{r.path} → {r.pool}" for r in listener.routes)
    return before + routes if routes else ""
