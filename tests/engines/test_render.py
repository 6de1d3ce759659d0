"""Rendering: the order of sites and paths, what nginx's upstreams hold, hashes and faulty templates."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxyctl.core.model import Balance, ConfigFiles, Desired, HealthCheck, Listener, Pool, Route, Server, Tuning
from proxyctl.core.routing import match, open_path, sites
from proxyctl.engines.render import closed, render, upstream
from proxyctl.errors import TemplateError
from tests.core.worlds import HAPROXY

A, B = Server("a", "id-a", "10.0.0.1", 80), Server("b", "id-b", "10.0.0.2", 80)


def listener(*places: str) -> Listener:
    """Return a listener with routes from `host/path`, each to a pool of that name."""
    parts = (p.partition("/") for p in places)
    return Listener(80, routes=tuple(Route(host, f"/{path}", f"{host}/{path}") for host, _, path in parts))


SITES = [
    ((), []),
    (("/",), [("", ["/"])]),
    (("/", "/a/b", "/a"), [("", ["/a/b", "/a", "/"])]),
    (("b.x/", "a.x/"), [("a.x", ["a.x/"]), ("b.x", ["b.x/"])]),
    (("/", "*.x/", "a.x/"), [("a.x", ["a.x/"]), ("*.x", ["*.x/"]), ("", ["/"])]),
    (("*.x/", "*.a.x/"), [("*.a.x", ["*.a.x/"]), ("*.x", ["*.x/"])]),
    (("*.x/", "*.z.x/"), [("*.z.x", ["*.z.x/"]), ("*.x", ["*.x/"])]),
    (("a.x/p", "/"), [("a.x", ["a.x/p", "/"]), ("", ["/"])]),
    (("a.x/p", "*.x/q", "/"), [("a.x", ["a.x/p", "*.x/q", "/"]), ("*.x", ["*.x/q", "/"]), ("", ["/"])]),
    (("a.x/p", "/p/q", "/pq"), [("a.x", ["/pq", "a.x/p"]), ("", ["/p/q", "/pq"])]),
    (("x/", "*.x/"), [("x", ["x/"]), ("*.x", ["*.x/"])]),
]


@pytest.mark.parametrize(("places", "expected"), SITES)
def test_sites(places: tuple[str, ...], expected: list[tuple[str, list[str]]]) -> None:
    """Exact hosts before wildcards before any, longest paths first, each with what it inherits."""
    assert [(s.host, [r.pool for r in s.routes]) for s in sites(listener(*places))] == expected


MATCHES = [
    ("a.x", "/", "a.x/"),
    ("a.x", "/api", "a.x/api"),
    ("a.x", "/api/v1", "a.x/api"),
    ("a.x", "/apix", "a.x/"),
    ("b.x", "/api", "*.x/"),
    ("c.b.x", "/", "*.x/"),
    ("x", "/", None),
    ("x", "/only/this", "/only"),
    ("other", "/only", "/only"),
    ("a.x", "/only", "a.x/"),
]


@pytest.mark.parametrize(("host", "path", "pool"), MATCHES)
def test_match(host: str, path: str, pool: str | None) -> None:
    """The host decides first, then the longest path by whole segments; what nobody takes meets nothing."""
    found = match(listener("a.x/", "a.x/api", "*.x/", "/only"), host, path)
    assert (found[1].pool if found else None) == pool


def test_match_on_a_port_without_routes() -> None:
    """A listener without routes takes nothing."""
    assert match(Listener(80), "a.x", "/") is None


HOSTS = st.sampled_from(["", "a.x", "b.x", "*.x", "*.a.x", "x", "c.a.x", "*.z.x"])
PATHS = st.sampled_from(["", "a", "a/b", "ab", "a/b/c"])


@given(st.lists(st.builds("{}/{}".format, HOSTS, PATHS), unique=True), HOSTS, PATHS)
def test_falling_through_is_the_same_as_asking_each_host_in_turn(places: list[str], host: str, path: str) -> None:
    """What a site inherits is what the less specific hosts would have answered."""
    asked, wanted = listener(*places), f"/{path}"
    host = host.replace("*", "w") or "none"
    covering = sorted(
        (s.host for s in sites(asked) if s.host in {"", host} or (s.host[:1] == "*" and host.endswith(s.host[1:]))),
        key=lambda h: (h == "", h[:1] == "*", -len(h)),
    )
    expected = None
    for pattern in covering:
        own = [r for r in asked.routes if r.host == pattern and f"{wanted}/".startswith(r.path.rstrip("/") + "/")]
        if own:
            expected = max(own, key=lambda r: len(r.path))
            break
    found = match(asked, host, wanted)
    assert (found[1] if found else None) == expected


@pytest.mark.parametrize(
    ("route", "health", "expected"),
    [
        (Route("", "/", "p"), "/up", "/up"),
        (Route("", "/api", "p"), "/api/up", "/api/up"),
        (Route("", "/api", "p"), "/up", ""),
        (Route("", "/api", "p", strip_prefix=True), "/up", "/api/up"),
        (Route("", "/", "p", strip_prefix=True), "/up", "/up"),
        (Route("", "/api", "p", strip_prefix=True), None, ""),
        (Route("", "/", "p"), None, ""),
    ],
)
def test_the_path_that_a_client_may_ask_in_maintenance(route: Route, health: str | None, expected: str) -> None:
    """The health path as it looks from outside, where the route leads there at all."""
    assert open_path(route, Pool("p", health=None if health is None else HealthCheck(health))) == expected


@pytest.mark.parametrize(
    ("maintenance", "health", "servers", "expected"),
    [
        (False, None, (A,), False),
        (False, None, (), True),
        (True, None, (A,), True),
        (True, HealthCheck("/up"), (A,), False),
        (True, HealthCheck("/up"), (), True),
    ],
)
def test_when_a_route_reaches_no_server(
    maintenance: bool, health: HealthCheck | None, servers: tuple[Server, ...], expected: bool
) -> None:
    """Without servers, and in maintenance unless a path is open."""
    assert closed(Route("", "/", "p"), Pool("p", health=health, maintenance=maintenance, servers=servers)) == expected


def test_which_servers_an_upstream_holds() -> None:
    """Without weight means not at all; backups stay backups only where nginx knows them and others are up."""

    def names(balance: Balance, *servers: Server) -> list[str]:
        held = upstream(Pool("p", balance=balance, servers=servers))
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


# ------------------------------------------------------------------ templates

TEMPLATES = {
    "proxy.cfg.j2": "# {{ revision }} {{ topology }}\n"
    "{% for p in pools %}\n{% include '_pool.cfg.j2' %}\n{% endfor %}\n",
    "_pool.cfg.j2": "pool {{ p.name }} {{ p.drain_ms | seconds }}\n"
    "{% for s in p.servers %}\nserver {{ s.name }} {{ effective_weight(s) }}\n{% endfor %}\n",
    "more.cfg.j2": "{{ token }} {{ tuning.keepalive_ms }} {{ features.version_text }} {{ listeners | length }}\n",
}
STATE = Desired((Listener(80, routes=(Route("", "/", "web"),)),), (Pool("web", servers=(A, B)),))


def rendered(state: Desired, templates: Mapping[str, str] = TEMPLATES) -> ConfigFiles:
    """Render with the defaults."""
    return render(state, features=HAPROXY, tuning=Tuning(), templates=templates, token="secret")


def test_the_files() -> None:
    """Each template but those that start with `_` becomes a file, without lines of the template's own."""
    made = rendered(STATE)
    assert made.files == (
        ("more.cfg", "secret 10000 3.2.26 1\n"),
        ("proxy.cfg", f"# {made.revision} {made.topology}\npool web 30000ms\nserver a 1\nserver b 1\n"),
    )


def test_the_revision_names_the_text() -> None:
    """The same state has the same revision; a server's change moves the revision and not the topology."""
    made = rendered(STATE)
    assert rendered(Desired(STATE.listeners, STATE.pools)) == made
    fewer = rendered(Desired(STATE.listeners, (Pool("web", servers=(A,)),)))
    assert fewer.revision != made.revision
    assert fewer.topology == made.topology
    other = rendered(Desired(STATE.listeners, (Pool("web", drain_ms=1, servers=(A, B)),)))
    assert other.topology != made.topology
    edited = rendered(STATE, TEMPLATES | {"more.cfg.j2": "x"})
    assert edited.topology != made.topology


FAULTS = [
    ({"proxy.cfg.j2": "a\n{% if %}\n"}, "template proxy.cfg.j2, line 2: Expected an expression"),
    ({"proxy.cfg.j2": "a\nb\n{{ nobody }}\n"}, "template proxy.cfg.j2, line 3: 'nobody' is undefined"),
    ({"proxy.cfg.j2": "{{ 1 / 0 }}"}, "template proxy.cfg.j2, line 1: division by zero"),
    ({"proxy.cfg.j2": "\n{{ 1 + 'x' }}"}, "template proxy.cfg.j2, line 2: unsupported operand"),
    ({"proxy.cfg.j2": "\n{% include '_none.j2' %}"}, "template proxy.cfg.j2, line 2: _none.j2"),
    ({"_pool.cfg.j2": "\n\n\n{{ p.colour }}"}, "template _pool.cfg.j2, line 4: "),
    ({"_pool.cfg.j2": "{% for %}"}, "template _pool.cfg.j2, line 1: "),
    ({"more.cfg.j2": "{{ 'x' | nofilter }}"}, "template more.cfg.j2, line 1: No filter named 'nofilter'"),
]


@pytest.mark.parametrize(("templates", "message"), FAULTS)
def test_a_faulty_template_is_named_with_its_line(templates: dict[str, str], message: str) -> None:
    """Whatever an operator's template does wrong, the error says in which file and line, and what."""
    with pytest.raises(TemplateError) as caught:
        rendered(STATE, TEMPLATES | templates)
    assert message in str(caught.value)
