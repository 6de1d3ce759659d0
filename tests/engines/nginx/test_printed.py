"""What nginx's printed form says: every decision that its templates only print."""

from __future__ import annotations

import dataclasses
import re

import pytest

from proxyctl.core.model import Balance, Desired, Features, HealthCheck, Listener, Pool, Route, Server, Tuning
from proxyctl.engines import templates
from proxyctl.engines.nginx import headers, upstreams
from proxyctl.engines.nginx import printed as printed_module
from proxyctl.engines.nginx.headers import RESPONSE_HEADERS, Header
from proxyctl.engines.nginx.printed import Keepalive, Location, Printed, closed_route, printed
from proxyctl.engines.nginx.upstreams import usable
from tests.core.states import A, B

NEW, OLD = Features("nginx", (1, 30, 6), "static", maxconn=9000), Features("nginx", (1, 22, 1), "/m.so", maxconn=500)
TCP = Listener(5432, "tcp", (Route("", "/", "web"),))


def form(pool: Pool, *routes: Route, features: Features = NEW, tuning: Tuning | None = None) -> Printed:
    """Return what is printed for one pool behind port 80."""
    state = Desired((Listener(80, routes=routes),), (pool,))
    return printed(state, features=features, tuning=tuning or Tuning(), token="secret")


def locations(pool: Pool, *routes: Route) -> tuple[Location, ...]:
    """Return the locations of the one server of port 80."""
    (port,) = form(pool, *routes).ports
    (server,) = port.servers
    return server.locations


def names(found: tuple[Header, ...]) -> list[str]:
    """Return the names alone."""
    return [h.name for h in found]


def test_nothing_is_made_that_no_template_prints() -> None:
    """Every field of every printed value stands in a template that ships."""
    text = " ".join(templates.load("nginx", None).values())
    values = {
        v
        for m in (headers, printed_module, upstreams)
        for v in vars(m).values()
        if isinstance(v, type) and dataclasses.is_dataclass(v) and v.__module__ == m.__name__
    }
    fields = {f.name for v in values for f in dataclasses.fields(v)} - {"settings"}  # asked for by label
    assert {f for f in fields if not re.search(rf"\b{f}\b", text)} == set()


@pytest.mark.parametrize(
    ("features", "tuning", "expected"),
    [
        (NEW, Tuning(), 2 * 8192 + 40),
        (OLD, Tuning(), 2 * 500 + 40),
        (NEW, Tuning(maxconn=100), 2 * 100 + 40),
        (OLD, Tuning(maxconn=5000), 2 * 500 + 40),
    ],
)
def test_a_proxied_connection_counts_twice_and_never_exceeds_the_file_limit(
    features: Features, tuning: Tuning, expected: int
) -> None:
    """The operator's maxconn counts up to what the gateway's open files allow."""
    assert form(Pool("web"), features=features, tuning=tuning).worker_connections == expected


def test_connections_are_kept_only_where_a_reload_loses_no_request_on_them() -> None:
    """From nginx 1.27.4 on, which has keepalive_min_timeout."""
    assert form(Pool("web"), features=OLD).keepalive is None
    tuning = Tuning(keepalive_ms=9, keepalive_min_ms=4)
    assert form(Pool("web"), tuning=tuning).keepalive == Keepalive(9, 4)


def test_a_module_is_loaded_only_where_there_is_a_file_to_load() -> None:
    """Not where it is built in, and not where it is missing."""
    assert form(Pool("web"), features=OLD).load_module == "/m.so"
    assert form(Pool("web")).load_module == ""
    assert form(Pool("web"), features=dataclasses.replace(NEW, stream_module="")).load_module == ""


# ------------------------------------------------------------------ headers


@pytest.mark.parametrize(
    ("pool", "own"),
    [
        (Pool("web", servers=(A,)), []),
        (Pool("web"), ["Retry-After", "X-Proxyctl-Server"]),
        (Pool("web", maintenance=True, servers=(A,)), ["Retry-After", "X-Proxyctl-Server"]),
        (Pool("web", maintenance=True, health=HealthCheck("/up"), servers=(A,)), []),
    ],
)
def test_a_location_with_an_answer_header_of_its_own_has_all_of_them(pool: Pool, own: list[str]) -> None:
    """`add_header` in a location switches off those above it, so X-Proxyctl-Server is there again."""
    (location,) = locations(pool, Route("", "/", "web"))
    assert names(location.response_headers) == own


def test_a_refusal_inside_a_location_has_all_answer_headers_too() -> None:
    """The `if` that keeps the health path open in maintenance is a level of its own."""
    pool = Pool("web", maintenance=True, health=HealthCheck("/up"), servers=(A,))
    (location,) = locations(pool, Route("", "/", "web"))
    assert location.closed_headers == (Header("Retry-After", "60"), *RESPONSE_HEADERS)
    (location,) = locations(dataclasses.replace(pool, servers=()), Route("", "/", "web"))
    assert (location.closed, location.closed_headers) == ("maintenance", ())  # the location has the same already


def test_a_new_answer_header_reaches_every_level(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever all answers have, a location with headers of its own has it as well."""
    monkeypatch.setattr(headers, "RESPONSE_HEADERS", (*RESPONSE_HEADERS, Header("X-More", "1")))
    (location,) = locations(Pool("web"), Route("", "/", "web"))
    assert names(location.response_headers) == ["Retry-After", "X-Proxyctl-Server", "X-More"]


def test_a_server_of_http_2_is_told_everything_but_the_upgrade() -> None:
    """Its location prints the whole list, without the two headers that HTTP/2 does not have; others inherit."""
    (location,) = locations(Pool("web", protocol="h2c", servers=(A,)), Route("", "/", "web"))
    above = names(form(Pool("web")).request_headers)
    assert names(location.request_headers) == [h for h in above if h not in {"Upgrade", "Connection"}]
    (location,) = locations(Pool("web", servers=(A,)), Route("", "/", "web"))
    assert location.request_headers == ()


# ------------------------------------------------------------------ routes


def test_a_route_is_its_path_alone_and_everything_below_it() -> None:
    """A prefix of nginx's would take /apix too; the route of every path needs one location."""
    pool = Pool("web", servers=(A,))
    found = locations(pool, Route("", "/api", "web"), Route("", "/", "web"))
    assert [(x.path, x.exact) for x in found] == [("/api", True), ("/api/", False), ("/", False)]


def test_what_is_stripped() -> None:
    """The variable with the rest is each route's own; nothing is stripped of `/`, nor where no server is asked."""
    routes = (Route("", "/b", "web", strip_prefix=True), Route("", "/a", "web", strip_prefix=True))
    whole = Route("", "/", "web", strip_prefix=True)
    (port,) = form(Pool("web", servers=(A,)), *routes, whole).ports
    (server,) = port.servers
    assert [(r.variable, r.prefix) for r in server.rests] == [
        ("$proxyctl_rest_80_1_1", "/a"),
        ("$proxyctl_rest_80_1_2", "/b"),
    ]
    assert [(x.path, x.strip, x.uri) for x in server.locations] == [
        ("/a", "/a", ""),
        ("/a/", "/a", "$proxyctl_rest_80_1_1"),
        ("/b", "/b", ""),
        ("/b/", "/b", "$proxyctl_rest_80_1_2"),
        ("/", "", ""),
    ]
    assert {x.strip for x in locations(Pool("web"), *routes)} == {""}


@pytest.mark.parametrize(
    ("pool", "expected"),
    [
        (Pool("web", servers=(A,)), True),
        (Pool("web", protocol="https", servers=(A,)), True),
        (Pool("web", protocol="h2c", servers=(A,)), False),
        (Pool("web"), False),
        (Pool("web", maintenance=True, servers=(A,)), False),
        (Pool("web", maintenance=True, health=HealthCheck("/api/up"), servers=(A,)), True),
    ],
)
def test_where_a_connection_can_be_upgraded(pool: Pool, expected: bool) -> None:
    """Where a server answers, by HTTP/1.1: the path alone and every path below it alike."""
    found = locations(pool, Route("", "/api", "web"))
    assert [(x.path, x.upgrades) for x in found] == [("/api", expected), ("/api/", expected)]


def test_what_no_route_takes_is_answered_by_nginx_itself() -> None:
    """A port whose last host is any host takes every host, a server whose last path is `/` every path."""
    (port,) = form(Pool("web"), Route("a.x", "/api", "web")).ports
    assert (port.whole, [s.whole for s in port.servers]) == (False, [False])
    (port,) = form(Pool("web"), Route("a.x", "/api", "web"), Route("", "/", "web")).ports
    assert (port.whole, [(s.host, s.whole) for s in port.servers]) == (True, [("a.x", True), ("", True)])
    (port,) = form(Pool("web")).ports
    assert (port.whole, port.servers) == (False, ())


# ------------------------------------------------------------------ pools


@pytest.mark.parametrize(
    ("connect", "server", "queue", "expected"),
    [(2000, 60_000, 10_000, 10_000), (2000, 3000, 10_000, 4000), (300, 5000, 10_000, 5000), (1, 1, 500, 2)],
)
def test_how_long_a_request_is_tried_again(connect: int, server: int, queue: int, expected: int) -> None:
    """Two connects that fail or one silence fit in, and never more than timeout.queue."""
    pool = Pool("web", settings=(("timeout.connect", connect), ("timeout.server", server), ("timeout.queue", queue)))
    assert form(pool).pools[0].again_ms == expected


def test_labels_of_a_pool_are_asked_for_by_name() -> None:
    """Defaults are filled in; there is nothing under a name that no label has."""
    (pool,) = form(Pool("web", settings=(("timeout.connect", 300),))).pools
    assert (pool["timeout.connect"], pool["retry.unsafe"]) == (300, False)
    with pytest.raises(KeyError):
        pool["timeout.conect"]


def test_a_pool_is_closed_on_tcp_as_on_http() -> None:
    """In maintenance and without servers the connection ends at once; without the module there is no port at all."""
    for pool, closed in (
        (Pool("web", protocol="tcp", servers=(A,)), ""),
        (Pool("web", protocol="tcp"), "empty"),
        (Pool("web", protocol="tcp", maintenance=True, servers=(A,)), "maintenance"),
    ):
        made = printed(Desired((TCP,), (pool,)), features=NEW, tuning=Tuning(), token="")
        assert made.stream
        assert [(p.number, p.closed) for p in made.stream.ports] == [(5432, closed)]
        assert (made.pools, made.ports, made.stream.missing) == ((), (), False)
    without = dataclasses.replace(NEW, stream_module="")
    missing = printed(Desired((TCP,), (pool,)), features=without, tuning=Tuning(), token="").stream
    assert missing
    assert missing.missing


@pytest.mark.parametrize(
    ("maintenance", "health", "servers", "expected"),
    [
        (False, None, (A,), ""),
        (False, None, (), "empty"),
        (True, None, (A,), "maintenance"),
        (True, HealthCheck("/up"), (A,), ""),
        (True, HealthCheck("/up"), (), "maintenance"),
    ],
)
def test_when_a_route_reaches_no_server(
    maintenance: bool, health: HealthCheck | None, servers: tuple[Server, ...], expected: str
) -> None:
    """Without servers, and in maintenance unless a path is open."""
    pool = Pool("p", health=health, maintenance=maintenance, servers=servers)
    assert closed_route(Route("", "/", "p"), pool) == expected


def test_which_servers_an_upstream_holds() -> None:
    """Without weight means not at all; backups stay backups only where nginx knows them and others are up."""

    def names(balance: Balance, *servers: Server) -> list[str]:
        held = usable(Pool("p", balance=balance, servers=servers))
        return [s.name + "*" * s.backup for s in held]

    spare = dataclasses.replace(B, backup=True)
    knows: tuple[Balance, ...] = ("roundrobin", "leastconn")
    knows_not: tuple[Balance, ...] = ("source", "uri", "random")
    for balance in knows:
        assert names(balance, A, spare) == ["a", "b*"]
    for balance in knows_not:
        assert names(balance, A, spare) == ["a"]
    for balance in knows + knows_not:
        assert names(balance, A, B) == ["a", "b"]
        assert names(balance, spare) == ["b"]
        assert names(balance, dataclasses.replace(A, weight=0), spare) == ["b"]
        assert names(balance, dataclasses.replace(A, draining=True), B) == ["b"]
        assert names(balance, dataclasses.replace(A, draining=True)) == []
        assert names(balance) == []
