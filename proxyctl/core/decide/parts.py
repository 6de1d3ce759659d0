"""What a wanted state is made of beside the accepted one, and the state that is made of some of it; pure.

The proxy refuses a configuration as a whole. To find out what it refuses, the changes are taken apart here: pool by
pool, and in a pool its new servers, its settings and its new routes. `proxyctl.reconcile.refusals` tries them.
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
    """A change that can be left out, by all that it is made of: a pool's settings, one server, one route.

    A pool's settings are the pool without its servers; for a new pool they stand for the pool itself.
    """

    pool: str
    change: Pool | Server | Place


def parts(accepted: Desired, wanted: Desired) -> dict[str, tuple[Part, ...]]:
    """Return the parts of each pool that changes, in the order in which they are tried: servers, settings, routes.

    What only goes has none: it is never refused.
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
    """Return the parts of one pool by kind: servers are tried with the old settings, routes with what is left."""
    return tuple(tuple(p for p in own if isinstance(p.change, kind)) for kind in (Server, Pool, Place))


def useless(accepted: Desired, own: Iterable[Part], refused: Mapping[Part, str]) -> str:
    """Return why a new pool is of no use where all of its routes are refused; else an empty string."""
    routes = [p for p in own if isinstance(p.change, Place)]
    new = routes and accepted.pool(routes[0].pool) is None
    return refused[routes[0]] if new and all(p in refused for p in routes) else ""


def build(accepted: Desired, wanted: Desired, admitted: Collection[Part]) -> Desired:
    """Return `wanted` without those of its parts that are not admitted.

    A pool that is accepted already keeps its settings, and the routes that nobody else wants, while new ones are
    left out. Its servers are always the current ones, and an operator's maintenance counts at once.
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
    """Return the state with these pools and their routes alone."""
    places = _places(state)
    kept = [p for name in pools for p in places.get(name, ())]
    return Desired(_listeners(kept), tuple(p for p in state.pools if p.name in pools))


def _bare(pool: Pool) -> Pool:
    """Return the settings that labels ask for: without servers, and without what an operator asked for."""
    return dataclasses.replace(pool, servers=(), maintenance=False)


def _plain(server: Server) -> Server:
    """Return the server as it is without what changes from hour to hour: drained or not, it is the same."""
    return dataclasses.replace(server, weight=1, draining=False)


def _places(state: Desired) -> dict[str, list[Place]]:
    """Return the places of each pool."""
    found: dict[str, list[Place]] = {}
    for listener in state.listeners:
        for route in listener.routes:
            found.setdefault(route.pool, []).append(Place(listener.port, listener.protocol == "tcp", route))
    return found


def _taken(place: Place, pool: str, wants: Mapping[str, Iterable[Place]]) -> bool:
    """Whether another pool wants this place; a port for tcp is one pool's alone."""
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
