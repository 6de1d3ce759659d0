"""Takes out servers whose address another running container has; pure, the last step of `decision`.

A server can outlive its container for a while: one that drains, that is missing from a listing, that left the network,
or that the proxy kept from an earlier state. Docker gives a free address to the next container at once, so without
this the next one would get requests that are not for it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from proxyctl.core import codes
from proxyctl.core.decide.outcome import Outcome
from proxyctl.core.decide.world import World
from proxyctl.core.model import Desired, Pool, Snapshot


def settle(outcome: Outcome, world: World) -> Outcome:
    """Return the outcome without the servers whose address is that of another container that runs."""
    owners = _owners(world.survey.snapshot)
    desired, wanted = _without(outcome.desired, owners), _without(outcome.wanted, owners)
    if (desired, wanted) == (outcome.desired, outcome.wanted):
        return outcome
    stay = {s.container for p in desired.pools for s in p.servers}
    gone = {s.name for p in outcome.desired.pools for s in p.servers if s.container not in stay}
    problems = tuple(p for p in outcome.problems if p.code != codes.MISSING or p.container not in gone)
    retained = outcome.retained & stay
    return dataclasses.replace(outcome, desired=desired, wanted=wanted, problems=problems, retained=retained)


def _owners(snapshot: Snapshot) -> Mapping[str, str]:
    """Return address → container id of all containers that run on the watched network."""
    up = (c for c in snapshot.containers if c.state in {"running", "paused"})
    return {address: c.id for c in up if (address := c.address_on(snapshot.network))}


def _without(state: Desired, owners: Mapping[str, str]) -> Desired:
    pools = tuple(_own(pool, owners) for pool in state.pools)
    return state if pools == state.pools else dataclasses.replace(state, pools=pools)


def _own(pool: Pool, owners: Mapping[str, str]) -> Pool:
    stay = tuple(s for s in pool.servers if owners.get(s.address, s.container) == s.container)
    return pool if len(stay) == len(pool.servers) else dataclasses.replace(pool, servers=stay)
