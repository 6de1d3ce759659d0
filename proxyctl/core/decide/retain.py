"""Retains servers whose containers are missing from one listing although no event reported their end; pure.

A missing container usually has ended, and its event was lost. But where more than half of a pool is missing, the
listing itself may be wrong, as just after a start of Docker. Then the missing servers are retained until a listing one
resync later lacks them as well. Next: `exclude`, then `addresses`.
"""

from __future__ import annotations

import dataclasses

from proxyctl.core import codes
from proxyctl.core.decide.claims import with_default_port
from proxyctl.core.decide.members import present
from proxyctl.core.decide.outcome import Outcome
from proxyctl.core.decide.world import World
from proxyctl.core.model import Desired, Listener, Pool, Problem, Route

_REASON = (
    "is not in Docker's list, as {n} of {all} servers of pool {pool}, and no event said so: it stays for one resync"
)


def retain(outcome: Outcome, world: World) -> Outcome:
    """Return the outcome with the missing servers added to each pool where more than half of the servers are missing.

    A server that the last outcome retained stays retained, even where fewer are missing now, until its container is
    listed again or is missing for one resync. A pool whose missing servers have replacements for at least half of them
    retains none.
    """
    missing = world.survey.snapshot.missing
    if not missing:
        return outcome
    there = {(m.membership.pool.name, m.container.id) for m in world.survey.members if present(m.container)}
    state, problems, retained = outcome.desired, set(outcome.problems), set[str]()
    for pool in world.previous.pools:
        own = {s.container for s in pool.servers}
        gone = [s for s in pool.servers if s.container in missing]
        newcomers = sum(name == pool.name and container not in own for name, container in there)
        if 2 * newcomers >= len(gone):
            continue
        most = 2 * len(gone) > len(own)
        now = state.pool(pool.name)
        names = {s.name for s in now.servers} if now else set()
        stay = tuple(s for s in gone if (most or s.container in world.retained) and s.name not in names)
        if stay:
            state = _with(state, dataclasses.replace(pool, servers=stay), world.previous)
            reason = _REASON.format(n=len(gone), all=len(own), pool=pool.name)
            problems |= {Problem(s.name, "", reason, "warning", code=codes.MISSING) for s in stay}
            retained |= {s.container for s in stay}
    return dataclasses.replace(
        outcome, desired=state, wanted=state, problems=tuple(sorted(problems)), retained=frozenset(retained)
    )


def _with(state: Desired, retained: Pool, previous: Desired) -> Desired:
    """Return the state with the servers of `retained`; where its pool is gone, with pool and previous routes."""
    now = state.pool(retained.name)
    if now is not None:
        others = tuple(p for p in state.pools if p.name != retained.name)
        merged = dataclasses.replace(now, servers=(*now.servers, *retained.servers))
        return Desired(state.listeners, (*others, merged))
    listeners = {x.port: x for x in state.listeners if x.routes}
    for listener in previous.listeners:
        routes = tuple(r for r in listener.routes if r.pool == retained.name)
        if routes:
            listeners[listener.port] = _beside(
                listeners.get(listener.port), Listener(listener.port, listener.protocol, routes)
            )
    return Desired(with_default_port(tuple(sorted(listeners.values()))), (*state.pools, retained))


def _beside(now: Listener | None, before: Listener) -> Listener:
    """Return the listener of now with the earlier routes whose place is free; a tcp port has no free place."""
    if now is None:
        return before
    if "tcp" in {now.protocol, before.protocol}:
        return now
    taken = {(r.host, r.path) for r in now.routes}
    free: tuple[Route, ...] = tuple(r for r in before.routes if (r.host, r.path) not in taken)
    return Listener(now.port, "http", (*now.routes, *free))
