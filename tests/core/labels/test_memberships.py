"""Which port of a container is in which pool, with what settings, and what further routes take from it."""

from __future__ import annotations

import pytest

from proxyctl.core.labels.declaration import Claim, Membership
from proxyctl.core.labels.origin import PROJECT, SERVICE
from proxyctl.core.labels.reading import parse
from proxyctl.core.model import Pool
from tests.core.labels.read import one, places
from tests.core.worlds import container, wrong_labels


@pytest.mark.parametrize(
    ("name", "service", "pool"),
    [
        ("web1", None, "web1"),
        ("Web1", None, "web1"),
        ("shop-web-1", "web", "shop-web"),
        ("web1", "My Web!", "shop-my-web-"),
        ("web1", "a" * 80, f"shop-{'a' * 58}"),
        ("_", None, "pool"),
    ],
)
def test_the_default_pool(name: str, service: str | None, pool: str) -> None:
    """The pool is named after compose project and service, else the container, in the characters of a pool."""
    raw = {} if service is None else {PROJECT: "shop", SERVICE: service}
    assert one(parse(container(name, raw=raw))).pool.name == pool


@pytest.mark.parametrize("raw", [{SERVICE: "web"}, {PROJECT: "shop"}, {PROJECT: "_", SERVICE: "_"}])
def test_half_of_compose_s_labels_name_no_pool(raw: dict[str, str]) -> None:
    """Neither a service without a project, nor names of which no letter is left."""
    assert one(parse(container("web1", raw=raw))).pool.name == "web1"


@pytest.mark.parametrize(
    ("exposed", "port"),
    [
        ((22, 8080), 8080),
        ((8080, 80), 80),
        ((8888, 5000, 3000, 8000), 8000),
        ((9001, 9000), 9000),
        ((22, *range(10_000, 20_000)), 22),
    ],
)
def test_of_several_exposed_ports_the_usual_one_is_taken_and_told(exposed: tuple[int, ...], port: int) -> None:
    """The contract's order, else the lowest; a warning names the choice, and a label ends it."""
    read = parse(container("web", ports=exposed))
    assert [m.port for m in read.memberships] == [port]
    (warning,) = read.problems
    assert (warning.label, warning.severity) == ("proxyctl.port", "warning")
    assert f", {port} is taken" in warning.reason
    assert len(warning.reason) < 200
    assert parse(container("web", {"port": str(port)}, ports=exposed)).problems == ()


def test_no_exposed_port_is_a_problem() -> None:
    """Without an exposed port or a label there is nothing to connect to, and the reason says what to add."""
    read = parse(container("web", ports=()))
    assert wrong_labels(read.problems) == [("web", "proxyctl.port")]
    assert "EXPOSE" in read.problems[0].reason
    assert one(parse(container("web", {"port": "90"}, ports=()))).port == 90


def test_a_route_with_routing_keys_alone_joins_the_main_pool() -> None:
    """What says only where requests come from is one more route to the same server."""
    labels = {"host": "a.example", "route.x.path": "/x", "route.y.host": "b.example", "route.y.listen": "81"}
    assert places(one(parse(container("web", labels)))) == ["80 a.example/", "80 a.example/x", "81 b.example/"]


def test_a_route_that_names_the_main_pool_joins_it() -> None:
    """Naming the main pool is no difference from it."""
    labels = {"pool": "p", "route.x.pool": "p", "route.x.path": "/x", "balance": "source"}
    assert places(one(parse(container("web", labels)))) == ["80 /", "80 /x"]


def test_a_route_with_other_keys_has_its_own_pool() -> None:
    """Its pool is `<pool>.<name>`; it inherits what belongs to the container and takes defaults for the rest."""
    inherited = {"network": "n", "weight": "3", "backup": "1", "drain": "5s", "host": "a.example", "port": "81"}
    labels = inherited | {
        "balance": "source",
        "maxconn": "9",
        "path": "/m",
        "health.rise": "1",
        "route.x.balance": "uri",
    }
    main, further = parse(container("web", labels)).memberships
    assert (main.pool.name, main.pool.balance, main.maxconn) == ("web", "source", 9)
    assert further == Membership(
        at="proxyctl.route.x.",
        pool=Pool("web.x", balance="uri", drain_ms=5000),
        network="n",
        port=81,
        weight=3,
        backup=True,
        maxconn=None,
        claims=(Claim(80, "a.example", "/"),),
        written=frozenset({"proxyctl.route.x.balance"}),
    )


def test_a_route_can_say_all_of_it_otherwise() -> None:
    """What a further route says itself counts, also `off` and 0."""
    labels = {"weight": "3", "backup": "1", "route.x.weight": "0", "route.x.backup": "no", "route.x.pool": "other"}
    _, further = parse(container("web", labels)).memberships
    assert (further.pool.name, further.weight, further.backup) == ("other", 0, False)


def test_a_container_of_further_routes_only() -> None:
    """With no exposed port and nothing said about a main route there is none."""
    labels = {"weight": "2", "pool": "p", "route.a.port": "81", "route.b.port": "82"}
    names = [m.pool.name for m in parse(container("web", labels, ports=())).memberships]
    assert names == ["p.a", "p.b"]
    assert wrong_labels(parse(container("web", labels | {"host": "a"}, ports=())).problems) == [
        ("web", "proxyctl.port")
    ]


@pytest.mark.parametrize(
    ("labels", "label"),
    [
        ({"route.x.path": "/x"}, "proxyctl.port"),
        ({"route.x.balance": "uri"}, "proxyctl.route.x.port"),
    ],
)
def test_a_further_route_without_a_port(labels: dict[str, str], label: str) -> None:
    """The missing port is named where it would be written."""
    assert wrong_labels(parse(container("web", labels, ports=())).problems) == [("web", label)]


@pytest.mark.parametrize(
    ("labels", "label"),
    [
        ({"route.x.pool": "web", "route.x.port": "81"}, "route.x.port"),
        ({"route.x.pool": "p", "route.y.pool": "p", "route.y.port": "81"}, "route.y.port"),
        ({"route.x.pool": "p", "route.x.port": "81", "route.y.pool": "p"}, "route.y.pool"),
        ({"route.x.pool": "web", "route.x.maxconn": "1"}, "route.x.pool"),
        ({"pool": "p" * 60, "route.long.port": "81"}, "route.long.pool"),
        ({"strip_prefix": "1", "route.x.path": "/"}, "route.x.strip_prefix"),
    ],
)
def test_routes_that_contradict_each_other(labels: dict[str, str], label: str) -> None:
    """One container is in a pool once, with one port and one set of settings."""
    assert wrong_labels(parse(container("web", labels)).problems) == [("web", f"proxyctl.{label}")]


def test_two_routes_may_share_a_pool_of_their_own() -> None:
    """Routes that agree about the server become one membership with the routes of both."""
    labels = {"route.x.pool": "p", "route.x.path": "/x", "route.y.pool": "p", "route.y.path": "/y"}
    _, shared = parse(container("web", labels)).memberships
    assert places(shared) == ["80 /x", "80 /y"]
    assert "proxyctl.route.y.path" in shared.written
