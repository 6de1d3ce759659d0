"""The values that nginx's templates print: every choice about its configuration is made here.

`printed` turns a `Desired` into these values; the fields of `Printed` are the variables of the templates, which hold
loops and ifs only. Pure. Next: `upstreams`, `headers`; then `engines.render`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from proxyctl.core import layout, road
from proxyctl.core.model import Desired, Features, Listener, Pool, Route, Tuning
from proxyctl.core.routing import Site, open_path, sites
from proxyctl.engines.nginx import paths
from proxyctl.engines.nginx.headers import Closed, Header, request_headers, response_headers, unless_inherited
from proxyctl.engines.nginx.upstreams import Upstream, upstream, usable

KEEPALIVE_MIN = (1, 27, 4)  # the first nginx with keepalive_min_timeout
CONNECTIONS = 8192
"""Client connections of a worker, unless the settings or the file limit allow fewer."""
SPARE_CONNECTIONS = 40  # further connections of a worker: listeners, proxyctl's own


@dataclasses.dataclass(frozen=True, slots=True)
class Keepalive:
    """How long idle connections of clients stay open, and how long at least while nginx reloads."""

    timeout_ms: int
    least_ms: int


@dataclasses.dataclass(frozen=True, slots=True)
class Location:
    """One `location`: requests for `path` and below it, with `exact` for `path` alone, go to `pool`.

    `open_path` is the path that servers still answer while the pool is in maintenance. `strip` is the prefix that the
    server does not see; `uri` is the variable with the rest of the path as the client wrote it. `upgrades` says that a
    server can upgrade a connection here, as to a WebSocket. An empty list of headers is inherited; `closed_headers`
    belong to the 503 in maintenance, inside the location's `if`.
    """

    path: str
    exact: bool
    pool: Upstream
    closed: Closed
    open_path: str
    strip: str
    uri: str
    upgrades: bool
    request_headers: tuple[Header, ...]
    response_headers: tuple[Header, ...]
    closed_headers: tuple[Header, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Rest:
    """A variable with the rest of the path after `prefix`, as the client wrote it."""

    variable: str
    prefix: str


@dataclasses.dataclass(frozen=True, slots=True)
class VirtualServer:
    """One `server` of an HTTP port; an empty `host` means any; `whole`: its locations take every path."""

    host: str
    rests: tuple[Rest, ...]
    locations: tuple[Location, ...]
    whole: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Port:
    """One HTTP port and its `server` blocks; `whole`: they take every host."""

    number: int
    servers: tuple[VirtualServer, ...]
    whole: bool


@dataclasses.dataclass(frozen=True, slots=True)
class StreamPort:
    """One tcp port and its pool."""

    number: int
    pool: Upstream
    closed: Closed


@dataclasses.dataclass(frozen=True, slots=True)
class Stream:
    """All tcp ports; `missing`: this nginx has no stream module, as after a change of image under a pin."""

    missing: bool
    pools: tuple[Upstream, ...]
    ports: tuple[StreamPort, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Printed:
    """All that nginx.conf says beside its own text; times in milliseconds, sockets and files as nginx sees them.

    `keepalive` is None where a reload would cost a request on each idle connection. `check_variable` is the variable
    with a client's header of `proxyctl check`, `server_header` the header of the answer that names the server;
    `road_variable` holds the header that asks for this gateway, which answers it itself.
    """

    version: str
    load_module: str
    run: str
    status_socket: str
    worker_connections: int
    shutdown_ms: int
    client_timeout_ms: int
    keepalive: Keepalive | None
    request_headers: tuple[Header, ...]
    response_headers: tuple[Header, ...]
    check_variable: str
    server_header: str
    token: str
    road_variable: str
    road_question: str
    road_answer: str
    pools: tuple[Upstream, ...]
    ports: tuple[Port, ...]
    stream: Stream | None


def printed(desired: Desired, *, features: Features, tuning: Tuning, token: str) -> Printed:
    """Return what the templates print for this state, on this nginx."""
    pools = {p.name: p for p in desired.pools}
    upstreams = {p.name: upstream(p) for p in desired.pools}
    stream = _stream(desired, pools, upstreams, missing=not features.stream_module)
    keepalive = Keepalive(tuning.keepalive_ms, tuning.keepalive_min_ms) if features.since(*KEEPALIVE_MIN) else None
    return Printed(
        version=features.version_text,
        load_module="" if features.stream_module == "static" else features.stream_module,
        run=layout.RUN,
        status_socket=f"{layout.RUN}/{paths.STATUS_SOCKET}",
        worker_connections=2 * min(tuning.maxconn or CONNECTIONS, features.maxconn) + SPARE_CONNECTIONS,
        shutdown_ms=tuning.shutdown_ms,
        client_timeout_ms=tuning.client_timeout_ms,
        keepalive=keepalive,
        request_headers=request_headers(h2=False),
        response_headers=response_headers(""),
        check_variable=_of_header(layout.CHECK_HEADER),
        server_header=layout.SERVER_HEADER,
        token=token,
        road_variable=_of_header(layout.ROAD_HEADER),
        road_question=road.question(token),
        road_answer=road.answer(token),
        pools=tuple(upstreams[p.name] for p in desired.pools if p.protocol != "tcp"),
        ports=tuple(_port(x, pools, upstreams) for x in desired.listeners if x.protocol == "http"),
        stream=stream,
    )


# ------------------------------------------------------------------ HTTP ports


def _port(listener: Listener, pools: dict[str, Pool], upstreams: dict[str, Upstream]) -> Port:
    found = sites(listener)
    servers = tuple(_server(listener.port, n, s, pools, upstreams) for n, s in enumerate(found, 1))
    return Port(listener.port, servers, whole=bool(found) and found[-1].host == "")


def _server(
    port: int, number: int, site: Site, pools: dict[str, Pool], upstreams: dict[str, Upstream]
) -> VirtualServer:
    """Return the `server` of one host; each variable name is unique in the whole configuration."""
    stripping = [r for r in site.routes if r.strip_prefix and r.path != "/"]
    rests = {r: Rest(f"$proxyctl_rest_{port}_{number}_{n}", r.path) for n, r in enumerate(stripping, 1)}
    locations = tuple(
        location
        for route in site.routes
        for location in _locations(route, pools[route.pool], upstreams[route.pool], rests.get(route))
    )
    whole = bool(site.routes) and site.routes[-1].path == "/"
    return VirtualServer(site.host, tuple(rests.values()), locations, whole)


def _locations(route: Route, pool: Pool, printed_pool: Upstream, rest: Rest | None) -> Iterator[Location]:
    """Yield the locations of one route: for its path alone, and for every path below it."""
    closed = closed_route(route, pool)
    spared = open_path(route, pool) if pool.maintenance else ""
    response = unless_inherited(response_headers(closed), response_headers(""))
    below = Location(
        path=f"{route.path.rstrip('/')}/",
        exact=False,
        pool=printed_pool,
        closed=closed,
        open_path=spared,
        strip=rest.prefix if rest and not closed else "",
        uri=rest.variable if rest else "",
        upgrades=not (closed or printed_pool.h2),  # HTTP/2 has no upgrade
        request_headers=unless_inherited(request_headers(h2=printed_pool.h2), request_headers(h2=False)),
        response_headers=response,
        closed_headers=unless_inherited(response_headers("maintenance"), response or response_headers(""))
        if spared
        else (),
    )
    if route.path != "/":
        yield dataclasses.replace(below, path=route.path, exact=True, uri="")
    yield below


def closed_route(route: Route, pool: Pool) -> Closed:
    """Return why no request on this route reaches a server, so that nginx answers 503 itself; empty where it does."""
    if usable(pool) and not (pool.maintenance and not open_path(route, pool)):
        return ""
    return "maintenance" if pool.maintenance else "empty"


def _of_header(name: str) -> str:
    """Return the variable that holds a header of the client's request."""
    return f"$http_{name.lower().replace('-', '_')}"


# ------------------------------------------------------------------ tcp ports


def _stream(
    desired: Desired, pools: dict[str, Pool], upstreams: dict[str, Upstream], *, missing: bool
) -> Stream | None:
    listeners = [x for x in desired.listeners if x.protocol == "tcp"]
    if not listeners:
        return None
    ports = []
    for listener in listeners:
        pool = pools[listener.routes[0].pool]
        closed: Closed = "maintenance" if pool.maintenance else "" if usable(pool) else "empty"
        ports.append(StreamPort(listener.port, upstreams[pool.name], closed))
    return Stream(missing, tuple(upstreams[p.name] for p in desired.pools if p.protocol == "tcp"), tuple(ports))
