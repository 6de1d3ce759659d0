"""Servers that Docker's list does not have any more, although nothing was heard of their end; pure.

One may have gone unheard. Where most of a pool goes like that, the list may be wrong: an engine that has just started,
or something in between. Then they stay as they are until a listing one resync later says the same.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection

from proxyctl.core.decide.desired import Outcome, with_default_port
from proxyctl.core.decide.members import present, survey
from proxyctl.core.labels.declaration import Options
from proxyctl.core.model import Desired, Features, Listener, Pool, Problem, Route, Snapshot

_REASON = (
    "is not in Docker's list, as {n} of {all} servers of pool {pool}, and no event said so: it stays for one resync"
)


def hold(
    outcome: Outcome,
    snapshot: Snapshot,
    options: Options,
    features: Features,
    previous: Desired,
    held: Collection[str] = (),
) -> Outcome:
    """Return the outcome with those servers of `previous` kept that are more than half of their pool.

    Who is `held` already, by container id, stays so until it is there again or believed to be gone. Nobody is held
    where half as many newcomers are there for the pool: those came in their place.
    """
    if not snapshot.missing:
        return outcome
    members, _ = survey(snapshot, options, features)
    there = {(m.membership.pool.name, m.container.id) for m in members if present(m.container)}
    state, problems, kept_ids = outcome.desired, set(outcome.problems), set[str]()
    for pool in previous.pools:
        own = {s.container for s in pool.servers}
        gone = [s for s in pool.servers if s.container in snapshot.missing]
        newcomers = sum(name == pool.name and container not in own for name, container in there)
        if 2 * newcomers >= len(gone):
            continue
        most = 2 * len(gone) > len(own)
        now = state.pool(pool.name)
        names = {s.name for s in now.servers} if now else set()
        kept = tuple(s for s in gone if (most or s.container in held) and s.name not in names)
        if kept:
            state = _with(state, dataclasses.replace(pool, servers=kept), previous)
            reason = _REASON.format(n=len(gone), all=len(own), pool=pool.name)
            problems |= {Problem(s.name, "", reason, "warning") for s in kept}
            kept_ids |= {s.container for s in kept}
    return dataclasses.replace(outcome, desired=state, problems=tuple(sorted(problems)), kept=frozenset(kept_ids))


def _with(state: Desired, kept: Pool, previous: Desired) -> Desired:
    """Return the state with the servers of `kept`, and with its pool and routes where it has none of that name."""
    now = state.pool(kept.name)
    if now is not None:
        others = tuple(p for p in state.pools if p.name != kept.name)
        merged = dataclasses.replace(now, servers=(*now.servers, *kept.servers))
        return Desired(state.listeners, (*others, merged))
    listeners = {x.port: x for x in state.listeners if x.routes}
    for listener in previous.listeners:
        routes = tuple(r for r in listener.routes if r.pool == kept.name)
        if routes:
            listeners[listener.port] = _beside(
                listeners.get(listener.port), Listener(listener.port, listener.protocol, routes)
            )
    return Desired(with_default_port(tuple(sorted(listeners.values()))), (*state.pools, kept))


def _beside(now: Listener | None, before: Listener) -> Listener:
    """Return a listener of now with routes of before where nobody took their place."""
    if now is None:
        return before
    if "tcp" in {now.protocol, before.protocol}:
        return now
    taken = {(r.host, r.path) for r in now.routes}
    free: tuple[Route, ...] = tuple(r for r in before.routes if (r.host, r.path) not in taken)
    return Listener(now.port, "http", (*now.routes, *free))
