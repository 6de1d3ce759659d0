"""Which route a URL meets: the order of hosts and paths, and what each host inherits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxyctl.core.model import HealthCheck, Listener, Pool, Route
from proxyctl.core.routing import match, open_path, sites, under


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
    ("path", "prefix", "expected"),
    [
        ("/api", "/api", True),
        ("/api/x", "/api", True),
        ("/apix", "/api", False),
        ("/", "/api", False),
        ("/x", "/", True),
        ("/x", "", True),
        ("/api/", "/api", True),
    ],
)
def test_a_path_lies_below_a_prefix_by_whole_segments(path: str, prefix: str, expected: bool) -> None:
    """So /apix is not below /api, and everything is below `/`, which may also be written as nothing."""
    assert under(path, prefix) == expected
