"""Takes out servers whose address another running container has; pure, the last step of `decision`.

A server can outlive its container for a while: one that drains, that is missing from a listing, that left the network,
or that the proxy kept from an earlier state. Docker gives a free address to the next container at once, so without
this the next one would get requests that are not for it. The next one can be any container on a network of the
gateway, without labels too, and a gateway. Containers that share a network namespace share its addresses.
"""

from __future__ import annotations

import dataclasses

from proxyctl.core import codes
from proxyctl.core.decide.outcome import Outcome
from proxyctl.core.decide.world import World
from proxyctl.core.model import Desired, Pool, Server, Snapshot


def settle(outcome: Outcome, world: World) -> Outcome:
    """Return the outcome without the servers whose address is that of another container that runs."""
    owners = _Owners(world.survey.snapshot)
    desired, wanted = _without(outcome.desired, owners), _without(outcome.wanted, owners)
    if (desired, wanted) == (outcome.desired, outcome.wanted):
        return outcome
    stay = {s.container for p in desired.pools for s in p.servers}
    gone = {s.name for p in outcome.desired.pools for s in p.servers if s.container not in stay}
    problems = tuple(p for p in outcome.problems if p.code != codes.MISSING or p.container not in gone)
    retained = outcome.retained & stay
    return dataclasses.replace(outcome, desired=desired, wanted=wanted, problems=problems, retained=retained)


class _Owners:
    """Which network namespace each address on the gateway's networks belongs to, of the containers that run."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._namespaces = {c.id: c.namespace for c in snapshot.containers}
        up = (c for c in snapshot.containers if c.state in {"running", "paused"})
        addresses = ((c.address_on(n), c.namespace) for c in up for n in snapshot.networks)
        self._by_address = {address: namespace for address, namespace in addresses if address}

    def own(self, server: Server) -> bool:
        """Return whether no container but the server's own one is seen at its address."""
        namespace = self._namespaces.get(server.container, server.container)
        return self._by_address.get(server.address, namespace) == namespace


def _without(state: Desired, owners: _Owners) -> Desired:
    pools = tuple(_own(pool, owners) for pool in state.pools)
    return state if pools == state.pools else dataclasses.replace(state, pools=pools)


def _own(pool: Pool, owners: _Owners) -> Pool:
    stay = tuple(s for s in pool.servers if owners.own(s))
    return pool if len(stay) == len(pool.servers) else dataclasses.replace(pool, servers=stay)
