"""What HAProxy's printed form says: every decision that its templates only print."""

from __future__ import annotations

import dataclasses
import re

import pytest

from proxyctl.core.model import Balance, Desired, Features, HealthCheck, Listener, Pool, Protocol, Route, Server, Tuning
from proxyctl.engines import templates
from proxyctl.engines.haproxy import printed as printed_module
from proxyctl.engines.haproxy.printed import Backend, Check, PrintedRoute, printed
from tests.core.states import A

NEW, OLD = Features("haproxy", (3, 2, 26), maxconn=9900), Features("haproxy", (2, 6, 12), maxconn=9900)
UNDECIDED = "!{ var(txn.pool) -m found }"


def backend(pool: Pool, features: Features = NEW) -> Backend:
    """Return what is printed for one pool."""
    (found,) = printed(Desired((), (pool,)), features=features, tuning=Tuning(), token="").pools
    return found


def check(protocol: Protocol = "http", **health: object) -> Check:
    """Return what is printed for the health check of a pool."""
    found = backend(Pool("web", protocol=protocol, health=HealthCheck("/up", **health))).health  # type: ignore[arg-type]
    assert found
    return found


def test_nothing_is_made_that_no_template_prints() -> None:
    """Every field of every printed value stands in a template that ships."""
    text = " ".join(templates.load("haproxy", None).values())
    values = {
        v
        for m in (printed_module,)
        for v in vars(m).values()
        if isinstance(v, type) and dataclasses.is_dataclass(v) and v.__module__ == m.__name__
    }
    fields = {f.name for v in values for f in dataclasses.fields(v)} - {"settings"}  # asked for by label
    assert {f for f in fields if not re.search(rf"\b{f}\b", text)} == set()


@pytest.mark.parametrize(("wanted", "expected"), [(None, 9900), (100, 100), (50_000, 9900)])
def test_maxconn_never_exceeds_the_file_limit(wanted: int | None, expected: int) -> None:
    """An operator's maxconn counts up to what the gateway's open files allow."""
    assert printed(Desired(), features=NEW, tuning=Tuning(maxconn=wanted), token="").maxconn == expected


# ------------------------------------------------------------------ routes


def test_routes_are_tried_from_the_most_specific_host_and_the_longest_path() -> None:
    """The first that matches decides; the path is compared with a slash at its end."""
    routes = Route("", "/", "any"), Route("*.x", "/", "wild"), Route("a.x", "/api", "api", strip_prefix=True)
    state = Desired((Listener(80, routes=routes),), (Pool("any"), Pool("wild"), Pool("api")))
    (frontend,) = printed(state, features=NEW, tuning=Tuning(), token="").frontends
    exact, wild = " { var(txn.host) -m str a.x }", " { var(txn.host) -m end .x }"
    api, every = " { var(txn.path) -m beg /api/ }", " { var(txn.path) -m beg / }"
    assert [(h.name, h.routes) for h in frontend.hosts] == [
        ("a.x", (PrintedRoute(UNDECIDED + exact + api, "api", 5), PrintedRoute(UNDECIDED + exact + every, "wild", 0))),
        ("*.x", (PrintedRoute(UNDECIDED + wild + every, "wild", 0),)),
        ("", (PrintedRoute(UNDECIDED + every, "any", 0),)),
    ]


def test_nothing_is_stripped_of_the_route_of_every_path() -> None:
    """There is no prefix."""
    state = Desired((Listener(80, routes=(Route("", "/", "web", strip_prefix=True),)),), (Pool("web"),))
    (frontend,) = printed(state, features=NEW, tuning=Tuning(), token="").frontends
    assert [r.strip for h in frontend.hosts for r in h.routes] == [0]


def test_a_tcp_port_has_its_pool_and_no_hosts() -> None:
    """With the pool come its labels, as the client's timeout."""
    state = Desired((Listener(5432, "tcp", (Route("", "/", "db"),)),), (Pool("db", protocol="tcp"),))
    (frontend,) = printed(state, features=NEW, tuning=Tuning(), token="").frontends
    assert frontend.pool
    assert (frontend.port, frontend.pool.name, frontend.pool.mode, frontend.hosts) == (5432, "db", "tcp", ())


# ------------------------------------------------------------------ pools


@pytest.mark.parametrize(
    ("balance", "features", "hashed", "by_key"),
    [
        ("roundrobin", NEW, False, False),
        ("random", NEW, False, False),
        ("source", NEW, True, True),
        ("uri", NEW, True, True),
        ("uri", OLD, True, False),
    ],
)
def test_a_hash_goes_by_the_servers_own_address(
    balance: Balance, features: Features, hashed: bool, by_key: bool
) -> None:
    """From HAProxy 3.0 on, so that a server that joins or leaves moves its own share only."""
    made = backend(Pool("web", balance=balance), features)
    assert (made.hash_balanced, made.hash_key) == (hashed, by_key)


@pytest.mark.parametrize(
    ("server", "sticky", "weight", "disabled"),
    [
        (A, None, 1, False),
        (A, "SRV", 1, False),
        (dataclasses.replace(A, weight=0), None, 0, False),
        (dataclasses.replace(A, weight=0), "SRV", 0, True),
        (dataclasses.replace(A, draining=True), None, 0, False),
        (dataclasses.replace(A, draining=True), "SRV", 0, True),
    ],
)
def test_a_server_that_drains(server: Server, sticky: str | None, weight: int, disabled: bool) -> None:
    """It has no weight, and where cookies would still lead to it, it is in maintenance as well."""
    (made,) = backend(Pool("web", sticky=sticky, servers=(server,))).servers
    assert (made.weight, made.disabled) == (weight, disabled)


@pytest.mark.parametrize(
    ("protocol", "ssl", "h2"),
    [("http", False, False), ("https", True, False), ("h2c", False, True), ("tcp", False, False)],
)
def test_what_servers_speak(protocol: Protocol, ssl: bool, h2: bool) -> None:
    """TLS or HTTP/2, from the pool's protocol."""
    made = backend(Pool("web", protocol=protocol))
    assert (made.ssl, made.h2) == (ssl, h2)


def test_labels_of_a_pool_are_asked_for_by_name() -> None:
    """Defaults are filled in; there is nothing under a name that no label has."""
    made = backend(Pool("web", settings=(("timeout.connect", 300),)))
    assert (made["timeout.connect"], made["retry.unsafe"]) == (300, False)
    with pytest.raises(KeyError):
        made["timeout.conect"]


# ------------------------------------------------------------------ health checks


@pytest.mark.parametrize(
    ("status", "expected"),
    [("2xx,3xx", "200-299,300-399"), ("200,204", "200,204"), ("1xx,404,5xx", "100-199,404,500-599")],
)
def test_the_status_of_a_check_in_ranges(status: str, expected: str) -> None:
    """A class of statuses is a range for HAProxy."""
    assert check(status=status).status == expected


@pytest.mark.parametrize(("interval", "fast"), [(2000, 500), (200, 200)])
def test_a_server_that_changes_is_checked_faster(interval: int, fast: int) -> None:
    """Every half second, or as often as always."""
    assert check(interval_ms=interval).fast_ms == fast


@pytest.mark.parametrize(
    ("protocol", "port", "ssl", "proto"),
    [
        ("http", None, False, ""),
        ("https", None, True, ""),
        ("https", 8080, False, ""),
        ("h2c", None, False, "h2"),
        ("h2c", 8080, False, "h1"),
    ],
)
def test_what_a_check_speaks(protocol: Protocol, port: int | None, ssl: bool, proto: str) -> None:
    """What the requests speak; on a port of its own plain HTTP/1."""
    made = check(protocol, port=port)
    assert (made.port, made.ssl, made.proto) == (port, ssl, proto)
