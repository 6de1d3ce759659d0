"""What `status` shows, as the JSON-ready shape that LABELS.md promises. Pure; `reconciler` gathers the parts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from proxyctl.core.decide.outcome import Outcome, Waiting
from proxyctl.core.model import Desired, Pool, Problem, Server, ServerCount, Snapshot

MISSED_RESYNCS = 3


def pools(
    outcome: Outcome, applied: Desired, snapshot: Snapshot, counts: Iterable[ServerCount]
) -> list[dict[str, Any]]:
    """Describe each pool with its routes and servers; those that wait to join are listed as `starting`, or `down`.

    A pool that the proxy refuses is listed without routes; `refused` says what is left out of a pool, and why.
    """
    figures = {(c.pool, c.server): c for c in counts}
    states: dict[str, str] = dict.fromkeys(snapshot.missing, "running")
    states |= {c.id: c.state for c in snapshot.containers}
    result = []
    for pool in outcome.desired.pools:
        live = applied.pool(pool.name) or Pool(pool.name)
        names = {s.name for s in live.servers}
        servers = [_server(live, s, figures, states) for s in live.servers]
        servers += [_waiting(w) for w in outcome.waiting if w.pool == pool.name and w.name not in names]
        routes = [
            {"host": r.host or None, "path": r.path, "listen": x.port, "strip_prefix": r.strip_prefix}
            for x in outcome.desired.listeners
            for r in x.routes
            if r.pool == pool.name
        ]
        refused = [r.text for r in outcome.exclusions if r.pool == pool.name]
        result.append(_pool(pool, servers, refused, routes=routes, maintenance=live.maintenance))
    result += [_left_out(r.left_out, r.text, outcome.waiting) for r in outcome.exclusions if r.left_out]
    return sorted(result, key=lambda p: str(p["name"]))


def _left_out(pool: Pool, reason: str, waiting: Iterable[Waiting]) -> dict[str, Any]:
    own = [Waiting(s.container, s.name, pool.name, s.address, s.port, reason, failed=True) for s in pool.servers]
    servers = {*own, *(w for w in waiting if w.pool == pool.name)}
    return _pool(pool, [_waiting(s) for s in servers], [reason])


def _pool(
    pool: Pool,
    servers: list[dict[str, Any]],
    refused: list[str],
    *,
    routes: Iterable[dict[str, Any]] = (),
    maintenance: bool = False,
) -> dict[str, Any]:
    return {
        "name": pool.name,
        "protocol": pool.protocol,
        "balance": pool.balance,
        "sticky": pool.sticky or None,
        "maintenance": maintenance,
        "drain_seconds": pool.drain_ms / 1000,
        "routes": list(routes),
        "servers": sorted(servers, key=lambda s: str(s["name"])),
        "refused": refused,
    }


def _server(
    pool: Pool, server: Server, figures: Mapping[tuple[str, str], ServerCount], states: Mapping[str, str]
) -> dict[str, Any]:
    count = figures.get((pool.name, server.name))
    state = "maintenance" if pool.maintenance else "up"
    if server.draining:
        state = "draining"
    elif states.get(server.container) != "running" or (count is not None and count.up is False):
        state = "down"
    return {
        "name": server.name,
        "container": server.container,
        "address": f"{server.address}:{server.port}",
        "state": state,
        "weight": server.weight,
        "backup": server.backup,
        "requests": count.requests if count else None,
        "reason": "",
    }


def _waiting(server: Waiting) -> dict[str, Any]:
    return {
        "name": server.name,
        "container": server.container,
        "address": f"{server.address}:{server.port}",
        "state": "down" if server.failed else "starting",
        "weight": 0,
        "backup": False,
        "requests": None,
        "reason": server.reason,
    }


def staleness(age: float | None, *, resync: float, problem: str) -> str:
    """Return why what is shown may not be true any more, for a person; empty while it is fresh.

    `age` is how many seconds ago Docker was listed, None: never, and `resync` how often it should be; `problem` is
    what Docker fails with now. One listing that comes late is no news, three are; nor is a stream that is opened anew.
    """
    if problem:
        return problem
    if age is None:
        return "Docker has not been listed yet"
    if age <= MISSED_RESYNCS * resync:
        return ""
    return f"Docker was listed {age:.0f} s ago, and should be every {resync:g} s"


def problems(found: Iterable[Problem]) -> list[dict[str, Any]]:
    """Describe problems, errors first."""
    ordered = sorted(found, key=lambda p: (p.severity != "error", p))
    return [{"container": p.container, "label": p.label, "reason": p.reason, "severity": p.severity} for p in ordered]
