"""One container's labels: defaults, further routes, mistakes, and that no text gets through untyped."""

from __future__ import annotations

import dataclasses
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxyctl.core.features import health, table
from proxyctl.core.labels.declaration import Claim, Declaration, Membership, Options
from proxyctl.core.labels.defaults import check_defaults
from proxyctl.core.labels.reading import parse
from proxyctl.core.model import HealthCheck, Pool
from tests.core.worlds import container, told

SAFE = re.compile(r"[A-Za-z0-9._~%+@=:,!/?&*-]*")


def one(declaration: Declaration) -> Membership:
    """Return the only membership of a declaration without problems."""
    assert declaration.problems == ()
    (membership,) = declaration.memberships
    return membership


def places(membership: Membership) -> list[str]:
    """Return the claims as `80 host/path`."""
    return [f"{c.listen} {c.host}{c.path}{' stripped' * c.strip_prefix}" for c in membership.claims]


# ------------------------------------------------------------------ who takes part


@pytest.mark.parametrize(
    ("labels", "by_default", "takes_part"),
    [
        ({}, False, False),
        ({}, True, True),
        ({"enable": "yes"}, False, True),
        ({"enable": "no"}, True, False),
        ({"enable": "no", "weight": "rubbish"}, False, False),
    ],
)
def test_who_takes_part(labels: dict[str, str], by_default: bool, takes_part: bool) -> None:
    """The label `enable` decides; without it `expose_by_default` does; who is out has no problems."""
    read = parse(container("web", labels, enable=False), Options(expose_by_default=by_default))
    assert (read.takes_part, read.problems) == (takes_part, ())
    assert read.asked == ("enable" in labels)
    assert bool(read.memberships) == takes_part


def test_a_bad_enable_is_the_one_error() -> None:
    """An `enable` that says neither yes nor no keeps the container out with an error, not a guess."""
    read = parse(container("web", {"enable": "maybe", "weight": "x"}))
    assert told(read.problems) == [("web", "proxyctl.enable")]
    assert read.problems[0].severity == "error"
    assert not read.takes_part


@pytest.mark.parametrize("label", ["weight", "route.x.port", "nonsense"])
def test_labels_without_enable_get_a_warning(label: str) -> None:
    """Who wrote labels but not `enable` is told so, once."""
    (problem,) = parse(container("web", {label: "1"}, enable=False)).problems
    assert (problem.label, problem.severity) == ("proxyctl.enable", "warning")
    assert "no proxyctl.enable=true" in problem.reason


@pytest.mark.parametrize("marker", sorted(table.OWN_MARKERS))
def test_own_markers_are_no_mistakes(marker: str) -> None:
    """Labels that proxyctl's own tools put on what they create are neither keys nor mistakes."""
    assert parse(container("web", enable=False, raw={marker: "x"})).problems == ()


def test_a_gateway_never_takes_part() -> None:
    """The proxy container itself is never a server, not even with expose_by_default."""
    gateway = container("proxyctl-shop", raw={"proxyctl.gateway": "shop"})
    assert parse(gateway, Options(expose_by_default=True)) == Declaration(takes_part=False)


def test_the_prefix_can_be_changed() -> None:
    """With another prefix only labels below it count, and problems name them as they were written."""
    options = Options(label_prefix="acme.lb")
    read = parse(container("web", {"enable": "1", "weight": "7"}, prefix="acme.lb.", raw={"proxyctl.x": "1"}), options)
    assert one(read).weight == 7
    read = parse(container("web", {"wieght": "7"}, prefix="acme.lb."), options)
    assert read.problems[0].label == "acme.lb.wieght"
    assert "acme.lb.weight" in read.problems[0].reason


# ------------------------------------------------------------------ what a container says


def test_the_defaults() -> None:
    """A container with `enable` alone is a server of its own pool that takes every host and path on port 80."""
    assert one(parse(container("Web_1", ports=(8080, 81)))) == Membership(
        at="proxyctl.",
        pool=Pool("web_1"),
        network="",
        port=81,
        weight=1,
        backup=False,
        maxconn=None,
        claims=(Claim(80, "", "/"),),
        written=frozenset({"proxyctl.enable"}),
    )


EVERYTHING = {
    "pool": "api.v1",
    "port": "8080",
    "network": "Back_end",
    "protocol": "https",
    "host": "b.example, a.example",
    "path": "/api/",
    "strip_prefix": "on",
    "listen": "8443",
    "weight": "0",
    "backup": "true",
    "balance": "leastconn",
    "sticky": "route",
    "maxconn": "50",
    "health.path": "/up?x=1",
    "health.status": "200",
    "health.interval": "500ms",
    "health.timeout": "1s",
    "health.rise": "1",
    "health.fall": "4",
    "health.port": "9000",
    "drain": "1m",
    "timeout.connect": "1s",
    "timeout.server": "5m",
    "timeout.queue": "3s",
    "retry.unsafe": "on",
}


def test_every_key_is_read() -> None:
    """Each key of the contract ends up in the value it is for."""
    read = parse(container("web", EVERYTHING))
    assert set(EVERYTHING) == {k.name for k in table.KEYS} - {"enable"}
    assert read.network == "Back_end"
    assert one(read) == Membership(
        at="proxyctl.",
        pool=Pool(
            "api.v1",
            protocol="https",
            balance="leastconn",
            sticky="route",
            health=HealthCheck("/up?x=1", "200", 500, 1000, 1, 4, 9000),
            drain_ms=60_000,
            settings=(
                ("timeout.connect", 1_000),
                ("timeout.server", 300_000),
                ("timeout.queue", 3_000),
                ("retry.unsafe", True),
            ),
        ),
        network="Back_end",
        port=8080,
        weight=0,
        backup=True,
        maxconn=50,
        claims=(Claim(8443, "a.example", "/api", True), Claim(8443, "b.example", "/api", True)),
        written=frozenset(f"proxyctl.{k}" for k in [*EVERYTHING, "enable"]),
    )


@pytest.mark.parametrize("key", [k.name for k in health.KEYS])
def test_any_health_key_turns_the_check_on(key: str) -> None:
    """One `health.*` key is enough for a check, with the contract's defaults for the others."""
    value = {"health.path": "/healthz", "health.status": "2xx,3xx", "health.rise": "2", "health.fall": "3"}
    text = value.get(key, "2s" if key != "health.port" else "80")
    check = one(parse(container("web", {key: text}))).pool.health
    assert check == HealthCheck("/healthz", port=80 if key == "health.port" else None)


@pytest.mark.parametrize(
    ("name", "service", "pool"),
    [
        ("web1", None, "web1"),
        ("Web1", None, "web1"),
        ("web1", "shop", "shop"),
        ("web1", "My Shop!", "my-shop-"),
        ("web1", "___", "web1"),
        ("web1", "a" * 80, "a" * 63),
        ("_", "_", "pool"),
    ],
)
def test_the_default_pool(name: str, service: str | None, pool: str) -> None:
    """The pool is named after the compose service, else the container, in the characters of a pool."""
    raw = {} if service is None else {"com.docker.compose.service": service}
    assert one(parse(container(name, raw=raw))).pool.name == pool


def test_no_exposed_port_is_a_problem() -> None:
    """Without an exposed port or a label there is nothing to connect to, and the reason says what to add."""
    read = parse(container("web", ports=()))
    assert told(read.problems) == [("web", "proxyctl.port")]
    assert "EXPOSE" in read.problems[0].reason
    assert one(parse(container("web", {"port": "90"}, ports=()))).port == 90


# ------------------------------------------------------------------ mistakes


def test_all_mistakes_are_reported_and_none_is_half_applied() -> None:
    """Every mistake of a container is named, sorted, and nothing of the container is used."""
    wrong = {"weight": "300", "wieght": "1", "route.x.port": "http", "route.X.port": "1", "route.x": "1", "path": "a"}
    read = parse(container("web", wrong | {"route.x.enable": "1", "retry.unsafe": "maybe"}))
    assert read.memberships == ()
    assert [label for _, label in told(read.problems)] == sorted(
        f"proxyctl.{k}" for k in [*wrong, "route.x.enable", "retry.unsafe"]
    )
    assert {p.severity for p in read.problems} == {"error"}
    reasons = {p.label: p.reason for p in read.problems}
    assert reasons["proxyctl.weight"] == '"300" is not accepted: a whole number from 0 to 256'
    assert reasons["proxyctl.wieght"] == "unknown key; did you mean proxyctl.weight?"
    assert reasons["proxyctl.retry.unsafe"].startswith('"maybe" is not accepted: true, false')


@pytest.mark.parametrize("key", ["proxyctl.a\x1b[31mb", "proxyctl." + "x" * 500])
def test_a_hostile_key_is_shown_tamed(key: str) -> None:
    """A key with control characters or without end is named in a form that a terminal can take."""
    (problem,) = parse(container("web", raw={key: "1"})).problems
    assert problem.label.isprintable()
    assert len(problem.label) < 200


TCP_MISTAKES = [
    ({}, ["listen"]),
    ({"host": "a.example"}, ["host", "listen"]),
    ({"listen": "5432", "path": "/a", "strip_prefix": "1"}, ["path", "strip_prefix"]),
    ({"listen": "5432", "sticky": "c", "health.rise": "1"}, ["health.rise", "sticky"]),
    ({"listen": "5432", "retry.unsafe": "true"}, ["retry.unsafe"]),
    ({"listen": "5432", "balance": "uri"}, ["balance"]),
    ({"listen": "5432", "route.x.host": "a.example", "route.x.listen": "5433"}, ["route.x.host"]),
    ({"listen": "5432", "route.x.path": "/a"}, ["route.x.listen", "route.x.path"]),
]


@pytest.mark.parametrize(("labels", "wrong"), TCP_MISTAKES)
def test_tcp_takes_a_port_of_its_own_and_nothing_of_http(labels: dict[str, str], wrong: list[str]) -> None:
    """With protocol=tcp the listen port is required, and each key that means nothing there is named."""
    read = parse(container("db", labels | {"protocol": "tcp"}))
    assert [label for _, label in told(read.problems)] == [f"proxyctl.{w}" for w in wrong]


def test_a_tcp_route() -> None:
    """A tcp port becomes one claim on its listen port, whatever the defaults say about HTTP."""
    defaults = (("balance", "uri"), ("health.path", "/"), ("host", "a.example"), ("sticky", "c"))
    read = one(parse(container("db", {"protocol": "tcp", "listen": "5432"}), Options(defaults=defaults)))
    assert read.claims == (Claim(5432, "", "/"),)
    assert (read.pool.balance, read.pool.health, read.pool.sticky) == ("roundrobin", None, None)


# ------------------------------------------------------------------ further routes


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
    assert told(parse(container("web", labels | {"host": "a"}, ports=())).problems) == [("web", "proxyctl.port")]


@pytest.mark.parametrize(
    ("labels", "label"),
    [
        ({"route.x.path": "/x"}, "proxyctl.port"),
        ({"route.x.balance": "uri"}, "proxyctl.route.x.port"),
    ],
)
def test_a_further_route_without_a_port(labels: dict[str, str], label: str) -> None:
    """The missing port is named where it would be written."""
    assert told(parse(container("web", labels, ports=())).problems) == [("web", label)]


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
    assert told(parse(container("web", labels)).problems) == [("web", f"proxyctl.{label}")]


def test_two_routes_may_share_a_pool_of_their_own() -> None:
    """Routes that agree about the server become one membership with the routes of both."""
    labels = {"route.x.pool": "p", "route.x.path": "/x", "route.y.pool": "p", "route.y.path": "/y"}
    _, shared = parse(container("web", labels)).memberships
    assert places(shared) == ["80 /x", "80 /y"]
    assert "proxyctl.route.y.path" in shared.written


# ------------------------------------------------------------------ defaults of proxyctl.toml


def test_defaults_count_where_a_label_is_missing() -> None:
    """A default of proxyctl.toml takes the place of the built-in one, and a label wins over it."""
    options = Options(defaults=(("sticky", "c"), ("weight", "9"), ("health.rise", "5"), ("port", "81")))
    read = one(parse(container("web", ports=()), options))
    assert (read.pool.sticky, read.weight, read.pool.health, read.port) == ("c", 9, HealthCheck("/healthz", rise=5), 81)
    read = one(parse(container("web", {"sticky": "off", "weight": "1"}), options))
    assert (read.pool.sticky, read.weight) == (None, 1)


def test_wrong_defaults_are_named() -> None:
    """Settings can ask what is wrong with `[defaults]` before any container meets them."""
    wrong = {"weight": "300", "wieght": "1", "pool": "p", "retry.unsafe": "maybe", "balance": "uri"}
    lines = check_defaults(wrong)
    assert [line.partition(":")[0] for line in lines] == ["pool", "retry.unsafe", "weight", "wieght"]
    assert lines[2] == 'weight: "300" is not accepted: a whole number from 0 to 256'
    with pytest.raises(ValueError, match="wieght: unknown key; did you mean weight"):
        parse(container("web"), Options(defaults=tuple(wrong.items())))


# ------------------------------------------------------------------ promise 6


def texts_in(value: object) -> list[str]:
    """Return every string that is somewhere in a value."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, list | tuple | set | frozenset):
        return [t for v in value for t in texts_in(v)]
    if isinstance(value, dict):
        return [t for v in value.values() for t in texts_in(v)]
    return []


NAMES = [k.name for k in table.KEYS]
KEY = st.sampled_from(NAMES) | st.builds("route.{}.{}".format, st.sampled_from("xy"), st.sampled_from(NAMES))
EVIL = st.sampled_from(["\n", ";", '"', "'", "{", "}", "#", "$", "\\", " ", "\x00", "%", "`", "é", "٣", ","])
GOOD = st.sampled_from([*EVERYTHING.values(), "tcp", "*", "true"])
TEXT = st.text(max_size=30) | GOOD | st.builds("{}{}{}".format, GOOD, EVIL, GOOD | st.text(max_size=9))


@given(st.dictionaries(KEY | st.text(max_size=20), TEXT, max_size=6), st.text(max_size=20))
def test_label_text_cannot_become_configuration(labels: dict[str, str], service: str) -> None:
    """Whatever a label holds, it ends as a problem or as a value in characters that configure nothing."""
    labels.setdefault("enable", "true")
    read = parse(container("web", labels, raw={"com.docker.compose.service": service}))
    assert not (read.problems and read.memberships)
    for membership in read.memberships:
        value = dataclasses.asdict(membership)
        del value["written"]
        assert [t for t in texts_in(value) if not SAFE.fullmatch(t)] == []
    for problem in read.problems:
        assert problem.label.isprintable()
        assert problem.reason.isprintable()
