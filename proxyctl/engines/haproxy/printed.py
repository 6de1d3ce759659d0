"""The values that HAProxy's templates print: every choice about its configuration is made here.

`printed` turns a `Desired` into these values; the fields of `Printed` are the variables of the templates, which hold
loops and ifs only. Pure. Next: `engines.render`.
"""

from __future__ import annotations

import dataclasses

from proxyctl.core import layout, road
from proxyctl.core.effect import effective_weight
from proxyctl.core.model import (
    BY_KEY,
    Balance,
    Desired,
    Features,
    HealthCheck,
    Listener,
    Pool,
    Route,
    Server,
    Setting,
    Tuning,
)
from proxyctl.core.routing import Site, sites
from proxyctl.engines.haproxy import paths
from proxyctl.engines.pool_settings import PoolSettings

HASH_KEY = (3, 0)  # the first HAProxy whose consistent hash goes by a server's address, not by its place in the file
FAST_MS = 500
"""Milliseconds between two checks while a server's state changes; `health.interval` where that is shorter."""

_RANGES = {f"{n}xx": f"{n}00-{n}99" for n in range(1, 6)}
_UNDECIDED = "!{ var(txn.pool) -m found }"


@dataclasses.dataclass(frozen=True, slots=True)
class PrintedServer:
    """One `server` line; `disabled` lets a draining server finish with the clients whose cookie names it."""

    name: str
    address: str
    port: int
    weight: int
    maxconn: int | None
    backup: bool
    disabled: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Check:
    """The health check of a backend; `status` in HAProxy's syntax of ranges, `port` None for the server's own port.

    `proto` is empty where the check speaks the same protocol as the requests.
    """

    path: str
    status: str
    timeout_ms: int
    interval_ms: int
    fast_ms: int
    rise: int
    fall: int
    port: int | None
    ssl: bool
    proto: str


@dataclasses.dataclass(frozen=True, slots=True)
class Backend:
    """One pool. `open_path` is the path that servers answer in maintenance; `ssl` and `h2` say what servers speak.

    `hash_balanced`: a hash of the request chooses the server; `hash_key`: servers are hashed by their address.
    """

    name: str
    mode: str
    balance: Balance
    hash_balanced: bool
    hash_key: bool
    sticky: str | None
    maintenance: bool
    open_path: str
    ssl: bool
    h2: bool
    health: Check | None
    servers: tuple[PrintedServer, ...]
    settings: PoolSettings

    def __getitem__(self, label: str) -> Setting:
        """Return the value of a label of the pool, as `pool["timeout.connect"]`; raise KeyError."""
        return self.settings[label]


@dataclasses.dataclass(frozen=True, slots=True)
class PrintedRoute:
    """One rule that sends requests to a pool: `match` is its condition, `strip` the bytes to cut from the path."""

    match: str
    pool: str
    strip: int


@dataclasses.dataclass(frozen=True, slots=True)
class Host:
    """One host pattern, empty for any, and its rules in the order in which they are tried."""

    name: str
    routes: tuple[PrintedRoute, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Frontend:
    """One port: a tcp port has a `pool`, an HTTP port has `hosts` and None."""

    port: int
    pool: Backend | None
    hosts: tuple[Host, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Printed:
    """All that haproxy.cfg says beside its own text; times in milliseconds, sockets and files as HAProxy sees them."""

    maxconn: int
    shutdown_ms: int
    client_timeout_ms: int
    keepalive_ms: int
    admin_socket: str
    status_socket: str
    state_file: str
    check_header: str
    server_header: str
    road_header: str
    token: str
    road_question: str
    road_answer: str
    frontends: tuple[Frontend, ...]
    pools: tuple[Backend, ...]


def printed(desired: Desired, *, features: Features, tuning: Tuning, token: str) -> Printed:
    """Return what the templates print for this state, on this HAProxy."""
    pools = {p.name: _backend(p, features) for p in desired.pools}
    return Printed(
        maxconn=min(tuning.maxconn or features.maxconn, features.maxconn),
        shutdown_ms=tuning.shutdown_ms,
        client_timeout_ms=tuning.client_timeout_ms,
        keepalive_ms=tuning.keepalive_ms,
        admin_socket=f"{layout.RUN}/{paths.ADMIN_SOCKET}",
        status_socket=f"{layout.RUN}/{paths.STATUS_SOCKET}",
        state_file=f"{layout.RUN}/{paths.STATE_FILE}",
        check_header=layout.CHECK_HEADER,
        server_header=layout.SERVER_HEADER,
        road_header=layout.ROAD_HEADER,
        token=token,
        road_question=road.question(token),
        road_answer=road.answer(token),
        frontends=tuple(_frontend(x, pools) for x in desired.listeners),
        pools=tuple(pools.values()),
    )


def _frontend(listener: Listener, pools: dict[str, Backend]) -> Frontend:
    if listener.protocol == "tcp":
        return Frontend(listener.port, pools[listener.routes[0].pool], ())
    return Frontend(listener.port, None, tuple(_host(s) for s in sites(listener)))


def _host(site: Site) -> Host:
    if site.host.startswith("*."):
        host = f" {{ var(txn.host) -m end {site.host[1:]} }}"
    else:
        host = f" {{ var(txn.host) -m str {site.host} }}" if site.host else ""
    return Host(site.host, tuple(_route(r, host) for r in site.routes))


def _route(route: Route, host: str) -> PrintedRoute:
    """Return the rule of a route; the first match wins, so each rule asks whether a pool was chosen already."""
    prefix = route.path.rstrip("/") + "/"
    match = f"{_UNDECIDED}{host} {{ var(txn.path) -m beg {prefix} }}"
    return PrintedRoute(match, route.pool, len(prefix) if route.strip_prefix and prefix != "/" else 0)


def _backend(pool: Pool, features: Features) -> Backend:
    hashed = pool.balance in BY_KEY
    return Backend(
        name=pool.name,
        mode="tcp" if pool.protocol == "tcp" else "http",
        balance=pool.balance,
        hash_balanced=hashed,
        hash_key=hashed and features.since(*HASH_KEY),
        sticky=pool.sticky,
        maintenance=pool.maintenance,
        open_path=pool.open_path,
        ssl=pool.protocol == "https",
        h2=pool.protocol == "h2c",
        health=_check(pool.health, pool) if pool.health else None,
        servers=tuple(_server(s, pool) for s in pool.servers),
        settings=PoolSettings.of(pool),
    )


def _check(health: HealthCheck, pool: Pool) -> Check:
    """Return the check of a pool; on a port of its own it speaks plain HTTP/1."""
    own = health.port is not None
    return Check(
        path=health.path,
        status=",".join(_RANGES.get(s, s) for s in health.status.split(",")),
        timeout_ms=health.timeout_ms,
        interval_ms=health.interval_ms,
        fast_ms=min(health.interval_ms, FAST_MS),
        rise=health.rise,
        fall=health.fall,
        port=health.port,
        ssl=pool.protocol == "https" and not own,
        proto=("h1" if own else "h2") if pool.protocol == "h2c" else "",
    )


def _server(server: Server, pool: Pool) -> PrintedServer:
    weight = effective_weight(server)
    return PrintedServer(
        name=server.name,
        address=server.address,
        port=server.port,
        weight=weight,
        maxconn=server.maxconn,
        backup=server.backup,
        disabled=pool.sticky is not None and weight == 0,
    )
