"""Takes the changes of a wanted state apart, and builds the state with only some of them; pure.

The proxy refuses a configuration as a whole, and does not say for which change. So the changes are taken apart pool by
pool, and in a pool into its new servers, its settings and its new routes. `proxyctl.reconcile.search` tries them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Iterator, Mapping

from proxyctl.core.decide.claims import with_default_port
from proxyctl.core.model import Desired, Listener, Pool, Route, Server


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """A route and the port that it is on."""

    port: int
    tcp: bool
    route: Route


@dataclasses.dataclass(frozen=True, slots=True)
class Part:
    """A change that can be left out: a pool's settings, one new server or one new route.

    A pool's settings are the pool without its servers; for a new pool they stand for the pool itself. Parts are equal
    when the changes are, so a refused part is recognized until its label or container changes.
    """

    pool: str
    change: Pool | Server | Place


def parts(accepted: Desired, wanted: Desired) -> dict[str, tuple[Part, ...]]:
    """Return the parts of each pool that changes, in the order in which they are tried: servers, settings, routes.

    A pool, server or route that only goes makes no part: the proxy never refuses that.
    """
    had, wants = _places(accepted), _places(wanted)
    found = {}
    for pool in wanted.pools:
        name = pool.name
        changes = _changes(accepted.pool(name), pool, had.get(name, ()), wants.get(name, ()))
        if own := tuple(Part(name, change) for change in changes):
            found[name] = own
    return found


def _changes(
    before: Pool | None, pool: Pool, had: Collection[Place], wants: Iterable[Place]
) -> Iterator[Pool | Server | Place]:
    if before is not None:
        there = {(s.name, s.address, s.port) for s in before.servers}
        yield from (_plain(s) for s in pool.servers if (s.name, s.address, s.port) not in there)
    if before is None or _bare(before) != _bare(pool):
        yield _bare(pool)
    yield from (place for place in wants if before is None or place not in had)


def stages(own: Iterable[Part]) -> tuple[tuple[Part, ...], ...]:
    """Return the parts of one pool by kind: servers are tried with the old settings, routes with the accepted parts."""
    return tuple(tuple(p for p in own if isinstance(p.change, kind)) for kind in (Server, Pool, Place))


def useless(accepted: Desired, own: Iterable[Part], refused: Mapping[Part, str]) -> str:
    """Return the refusal of a new pool's routes where all of them are refused; else an empty string."""
    routes = [p for p in own if isinstance(p.change, Place)]
    new = routes and accepted.pool(routes[0].pool) is None
    return refused[routes[0]] if new and all(p in refused for p in routes) else ""


def build(accepted: Desired, wanted: Desired, admitted: Collection[Part]) -> Desired:
    """Return `wanted` with only the admitted ones of its parts.

    Where settings or routes are left out, an accepted pool keeps its old settings, and the old routes that no other
    pool claims. Servers that go always go, and an operator's maintenance always counts.
    """
    had, wants = _places(accepted), _places(wanted)
    everything, admitted = parts(accepted, wanted), frozenset(admitted)
    pools: list[Pool] = []
    routes: dict[tuple[int, str, str], Place] = {}
    for pool in wanted.pools:
        before = accepted.pool(pool.name)
        missing = {p.change for p in everything.get(pool.name, ()) if p not in admitted}
        settled = _bare(pool) not in missing
        if before is None and not settled:
            continue
        servers = tuple(s for s in pool.servers if _plain(s) not in missing)
        settings = pool if settled or before is None else before
        made = dataclasses.replace(settings, servers=servers, maintenance=pool.maintenance)
        pools.append(made)
        places = [p for p in wants.get(pool.name, ()) if settled and p not in missing]
        if any(isinstance(change, Pool | Place) for change in missing):
            places += [p for p in had.get(pool.name, ()) if not _taken(p, pool.name, wants)]
        for place in places:
            if place.tcp == (made.protocol == "tcp"):
                routes.setdefault((place.port, place.route.host, place.route.path), place)
    return Desired(_listeners(routes.values()), tuple(pools))


def only(state: Desired, pools: Collection[str]) -> Desired:
    """Return the state with only these pools and their routes."""
    places = _places(state)
    kept = [p for name in pools for p in places.get(name, ())]
    return Desired(_listeners(kept), tuple(p for p in state.pools if p.name in pools))


def _bare(pool: Pool) -> Pool:
    """Return the pool's settings by its labels: without servers, and without an operator's maintenance."""
    return dataclasses.replace(pool, servers=(), maintenance=False)


def _plain(server: Server) -> Server:
    """Return the server without its draining: whether it drains makes no difference to a refusal."""
    return dataclasses.replace(server, weight=1, draining=False)


def _places(state: Desired) -> dict[str, list[Place]]:
    """Return the routes of each pool with their ports."""
    found: dict[str, list[Place]] = {}
    for listener in state.listeners:
        for route in listener.routes:
            found.setdefault(route.pool, []).append(Place(listener.port, listener.protocol == "tcp", route))
    return found


def _taken(place: Place, pool: str, wants: Mapping[str, Iterable[Place]]) -> bool:
    """Return whether another pool wants this route; a tcp port takes one pool only."""
    for other in (p for name, places in wants.items() if name != pool for p in places):
        same = (other.route.host, other.route.path) == (place.route.host, place.route.path)
        if other.port == place.port and (other.tcp or place.tcp or same):
            return True
    return False


def _listeners(places: Iterable[Place]) -> tuple[Listener, ...]:
    ports: dict[tuple[int, bool], list[Route]] = {}
    for place in places:
        ports.setdefault((place.port, place.tcp), []).append(place.route)
    made = (Listener(port, "tcp" if tcp else "http", tuple(routes)) for (port, tcp), routes in ports.items())
    return with_default_port(tuple(sorted(made)))
