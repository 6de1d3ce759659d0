"""Finds the pools that have routes and nobody to serve them; pure, after all other steps of `decision`."""

from __future__ import annotations

from collections.abc import Iterator

from proxyctl.core import codes
from proxyctl.core.decide.outcome import Outcome
from proxyctl.core.decide.world import World
from proxyctl.core.effect import effective_weight
from proxyctl.core.model import Pool, Problem, Server

_MOST_NAMES = 4


def unserved(outcome: Outcome, world: World) -> Iterator[Problem]:
    """Yield a problem for each pool whose requests are answered with 503, unless somebody wants that or is coming."""
    routed = {route.pool for listener in outcome.desired.listeners for route in listener.routes}
    coming = {w.pool for w in outcome.waiting if not w.failed}
    for pool in outcome.desired.pools:
        if pool.name not in routed or pool.name in coming or pool.maintenance:
            continue
        if not served(pool, world):
            answer = "connections are closed" if pool.protocol == "tcp" else "requests are answered with 503"
            reason = f"pool {pool.name} has nobody to serve it, {answer}: {why(pool, outcome, world)}"
            yield Problem("", "", reason, code=codes.NOBODY)


def served(pool: Pool, world: World) -> bool:
    """Return whether some server of a pool takes new requests."""
    return any(effective_weight(s) and (pool.name, s.name) not in world.failing for s in pool.servers)


def why(pool: Pool, outcome: Outcome, world: World) -> str:
    """Return what keeps each container of a pool from serving, in a few words each."""
    words = {s.name: _of_server(s, failing=(pool.name, s.name) in world.failing) for s in pool.servers}
    words |= {w.name: "is not ready" for w in outcome.waiting if w.pool == pool.name}
    for member in world.survey.members:
        if member.membership.pool.name == pool.name:
            words.setdefault(member.container.name, f"is {member.container.state}")
    listed = [f"{name} {what}" for name, what in sorted(words.items())]
    more = f" and {len(listed) - _MOST_NAMES} more" * (len(listed) > _MOST_NAMES)
    return (", ".join(listed[:_MOST_NAMES]) + more) or "no container is left"


def _of_server(server: Server, *, failing: bool) -> str:
    if server.draining:
        return "drains"
    return "fails its health check" if failing else "has weight 0"
