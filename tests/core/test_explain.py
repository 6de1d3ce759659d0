"""Answers about containers and URLs."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping

import pytest

from proxyctl.core import layout
from proxyctl.core.decide.decision import decide
from proxyctl.core.decide.outcome import Outcome
from proxyctl.core.explain import ContainerExplanation, UrlExplanation, explain_container, explain_url
from proxyctl.core.labels.declaration import Options
from proxyctl.core.labels.origin import ONE_OFF
from proxyctl.core.model import (
    Container,
    Desired,
    Finding,
    HealthCheck,
    Listener,
    Override,
    Pool,
    Route,
    Server,
    Target,
)
from proxyctl.errors import UsageError
from tests.core.worlds import NET, container, state_of, targets, world


def explained(  # noqa: PLR0913 - the world has that many sides
    name: str,
    *containers: Container,
    options: Options | None = None,
    findings: Mapping[Target, Finding] | None = None,
    overrides: Mapping[str, Override] | None = None,
    maintenance: tuple[str, ...] = (),
    gateways: tuple[str, ...] = (NET,),
    failing: Mapping[tuple[str, str], str] | None = None,
    crashing: Mapping[str, str] | None = None,
) -> ContainerExplanation:
    """Explain a container of a world whose outcome is decided on the way."""
    seen = state_of(
        world(*containers, gateways=gateways),
        options=options,
        findings=findings,
        overrides=overrides,
        maintenance=maintenance,
        failing=failing,
        crashing=crashing,
    )
    outcome = decide(seen)
    return explain_container(name, seen, outcome.problems, outcome.desired)


def obstacles_of(explanation: ContainerExplanation) -> list[str]:
    """Return what does not hold."""
    return [c.text for c in explanation.conditions if not c.ok]


def test_a_gateway_is_no_container_to_explain() -> None:
    """Docker has it, and it is nobody's server."""
    gateway = container("gateway", enable=False, raw={layout.GATEWAY_LABEL: NET})
    assert not explained("gateway", gateway).found


WEB = container(
    "web", {"pool": "shop", "host": "shop.example", "path": "/api", "strip_prefix": "1"}, networks={NET: "10.0.0.2"}
)


def test_a_container_that_serves() -> None:
    """Each condition is listed in the order in which it is met, down to the routes."""
    made = explained("web", WEB)
    assert (made.found, made.in_pool, made.warnings) == (True, True, ())
    assert made.lines == (
        "web is in the pool",
        "✔ is running",
        "✔ is enabled by proxyctl.enable",
        "✔ its labels are valid",
        f"✔ is on network {NET} as 10.0.0.2",
        "✔ has no HEALTHCHECK",
        "✔ web resolves and 10.0.0.2:80 answers",
        "✔ is in pool shop: takes requests with weight 1",
        "✔ pool shop takes shop.example/api on port 80, without the prefix",
    )


def test_it_is_plain_data() -> None:
    """An explanation can be printed as JSON."""
    made = json.loads(json.dumps(dataclasses.asdict(explained("web", WEB))))
    assert made["in_pool"] is True
    assert made["conditions"][0] == {"ok": True, "text": "is running"}


@pytest.mark.parametrize("name", ["web", "id-web", "id-w"])
def test_a_container_by_name_or_id(name: str) -> None:
    """A container is found by its name or the start of its id."""
    assert explained(name, WEB).name == "web"


@pytest.mark.parametrize("name", ["we", "id-", "other"])
def test_a_container_that_is_not_there(name: str) -> None:
    """For a name that Docker does not know there is an answer too."""
    made = explained(name, WEB)
    assert (made.found, made.in_pool) == (False, False)
    assert made.lines == (f"{name} is in no pool", f"✘ Docker has no container {name} with labels of proxyctl")


OBSTACLES = [
    (container("w", enable=False), ["is not enabled: give it the label proxyctl.enable=true"]),
    (container("w", raw={ONE_OFF: "True"}), ["is a one-off container of compose"]),
    (container("w", {"enable": "no"}), ["is not enabled: give it the label proxyctl.enable=true"]),
    (container("w", {"enable": "?"}), ["proxyctl.enable: "]),
    (container("w", {"weight": "x", "port": "y"}), ["proxyctl.port: ", "proxyctl.weight: "]),
    (container("w", state="exited"), ["is exited", "is not in pool w"]),
    (container("w", {"weight": "x"}, state="exited"), ["is exited", "proxyctl.weight: "]),
    (container("w", stopping=True), ["is being stopped", "10.", "is not in pool w"]),
    (container("w", health="starting"), ["its HEALTHCHECK says starting", "is not in pool w"]),
    (container("w", health="unhealthy"), ["its HEALTHCHECK says unhealthy", "10.", "is not in pool w"]),
    (container("w", networks={NET: ""}), ["has no address on network", "is not in pool w"]),
    (container("w", networks={"x": "1"}), ["has no address on network shop: attach w to shop"]),
    (container("w", networks={"other": "1"}), ["has no address on network"]),
]


@pytest.mark.parametrize(("web", "obstacles"), OBSTACLES)
def test_why_a_container_is_not_in_the_pool(web: Container, obstacles: list[str]) -> None:
    """Each condition that fails is named, and only those."""
    made = explained("w", web, gateways=(NET, "other"))
    assert not made.in_pool
    found = obstacles_of(made)
    assert len(found) == len(obstacles)
    for text, start in zip(found, obstacles, strict=True):
        assert text.startswith(start)


def test_a_container_that_was_not_asked_to_take_part() -> None:
    """With expose_by_default a container is enabled without a label."""
    lines = explained("w", container("w", enable=False), options=Options(expose_by_default=True)).lines
    assert "✔ is enabled by default" in lines


def test_a_container_that_does_not_answer() -> None:
    """The reason that the probe found is shown, or that nobody has asked yet."""
    (target,) = targets(world(WEB))
    refused = explained("web", WEB, findings={target: Finding(ok=False, reason="connection refused")})
    assert obstacles_of(refused) == ["10.0.0.2:80 is not ready: connection refused", "is not in pool shop"]
    unasked = explained("web", WEB, findings={})
    assert obstacles_of(unasked)[0] == "10.0.0.2:80 is not ready: it has not been asked yet"


def test_a_container_that_was_not_asked_itself() -> None:
    """It is not said to resolve and answer, and why it is taken as ready is."""
    (target,) = targets(world(WEB))
    made = explained("web", WEB, findings={target: Finding(ok=True, reason="no gateway runs to ask from")})
    assert "✔ web at 10.0.0.2:80 is taken as ready: no gateway runs to ask from" in made.lines


def test_a_container_that_crashes_in_a_loop() -> None:
    """Why it waits comes before the questions whether it could serve."""
    made = explained("web", WEB, crashing={"web": "crashed 4 times"})
    assert not made.in_pool
    assert obstacles_of(made) == ["crashed 4 times", "is not in pool shop"]


def test_a_draining_container() -> None:
    """Who drains is in the pool, but gets nothing new."""
    made = explained("web", WEB, overrides={"id-web": Override(drain=True)})
    assert made.in_pool
    assert obstacles_of(made) == ["is in pool shop: drains, it gets nothing new"]


def test_a_container_whose_pool_lost_its_route() -> None:
    """The pool that keeps the route is named."""
    made = explained("b", container("a", created=1), container("b"))
    assert obstacles_of(made)[0].startswith("proxyctl.host: pool a keeps any host / on port 80")
    assert obstacles_of(made)[1] == "pool b has no route"


def test_a_container_whose_pool_the_proxy_refuses() -> None:
    """What only a running watch knows is shown in place of the missing route, or beside what serves."""
    seen, refused = state_of(world(WEB)), {"shop": ["pool shop is left out: no"]}
    for desired, in_pool in ((Desired(), False), (decide(seen).desired, True)):
        made = explain_container("web", seen, (), desired, refused)
        assert made.in_pool == in_pool
        assert obstacles_of(made) == refused["shop"]


def test_a_container_with_several_ports() -> None:
    """Each port is explained on its own, tcp ones as such."""
    labels = {"route.db.protocol": "tcp", "route.db.port": "5432", "route.db.listen": "5432"}
    lines = explained("w", container("w", labels, networks={NET: "10.0.0.2"})).lines
    assert "✔ is in pool w with port 80: takes requests with weight 1" in lines
    assert "✔ w resolves and 10.0.0.2:5432 answers" in lines
    assert "✔ pool w.db takes tcp port 5432" in lines
    assert "✔ pool w takes any host / on port 80" in lines


def test_warnings_are_shown_apart() -> None:
    """What does not keep a container out is no condition."""
    old = container("a", {"pool": "p", "balance": "uri"}, created=1)
    made = explained("a", old, container("b", {"pool": "p"}, created=2))
    assert made.in_pool
    assert obstacles_of(made) == []
    assert made.lines[-1].startswith("! proxyctl.balance: uri here, roundrobin at b")


# ------------------------------------------------------------------ URLs

A = Server("a", "id-a", "10.0.0.1", 80, weight=2)
B = Server("b", "id-b", "10.0.0.2", 80, backup=True)
C = Server("c", "id-c", "10.0.0.3", 80, draining=True)
STATE = Desired(
    (
        Listener(
            80, routes=(Route("shop.example", "/", "shop"), Route("*.shop.example", "/img", "img", strip_prefix=True))
        ),
        Listener(81, routes=(Route("", "/", "none"),)),
        Listener(5432, "tcp", (Route("", "/", "shop"),)),
    ),
    (Pool("shop", servers=(A, B, C)), Pool("img", balance="uri", servers=(C,)), Pool("none")),
)
PUBLISHED = {8080: 80, 80: 81}


def meets(
    url: str,
    desired: Desired = STATE,
    published: Mapping[int, int] = PUBLISHED,
    failing: Mapping[tuple[str, str], str] | None = None,
) -> UrlExplanation:
    """Explain a URL in a world in which this is desired."""
    return explain_url(url, desired, published, Outcome(desired), state_of(world(), failing=failing))


@pytest.mark.parametrize(
    ("url", "port", "host", "path", "pool"),
    [
        ("http://shop.example:8080/", 80, "shop.example", "/", "shop"),
        ("http://SHOP.example:8080", 80, "shop.example", "/", "shop"),
        ("shop.example:8080/x?y=1#z", 80, "shop.example", "/", "shop"),
        ("shop.example:8080?y=1", 80, "shop.example", "/", "shop"),
        ("https://a.b.shop.example:8080/img/1.png", 80, "*.shop.example", "/img", "img"),
        ("http://any/", 81, "", "/", "none"),
        ("127.0.0.1:5432", 5432, "", "/", "shop"),
    ],
)
def test_a_url_that_is_routed(url: str, port: int, host: str, path: str, pool: str) -> None:
    """The published port leads to the gateway's, then the host and the path decide."""
    made = meets(url)
    assert made.routed
    assert made.served == (pool == "shop")
    assert (made.port, made.host, made.path, made.pool) == (port, host, path, pool)
    assert [s.name for s in made.servers] == [s.name for s in STATE.pool(pool).servers]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("url", "line"),
    [
        ("http://other.example:8080/x", "no route on port 80 takes other.example/x: the gateway answers 404"),
        ("http://a.shop.example:8080/", "no route on port 80 takes a.shop.example/: the gateway answers 404"),
        ("https://shop.example/", "nothing listens on port 443 of the gateway"),
        ("http://shop.example:9/", "nothing listens on port 9 of the gateway"),
    ],
)
def test_a_url_that_is_not_routed(url: str, line: str) -> None:
    """The last line says what the gateway does instead."""
    made = meets(url)
    assert not made.routed
    assert made.pool == ""
    assert made.lines[-1] == line


def test_a_route_to_a_pool_that_is_not_there() -> None:
    """A route without its pool is no route."""
    assert not meets("http://a/", Desired((Listener(80, routes=(Route("", "/", "p"),)),)), {}).routed


def test_what_is_said_about_a_url() -> None:
    """The lines lead from the port to the servers."""
    assert meets("http://shop.example:8080/x").lines == (
        "port 8080 of this host is port 80 of the gateway",
        "route: shop.example/ on port 80",
        "pool: shop, balance roundrobin, servers: 3",
        "server: a at 10.0.0.1:80, weight 2",
        "server: b at 10.0.0.2:80, weight 1, backup",
        "server: c at 10.0.0.3:80, weight 1, draining",
    )


@pytest.mark.parametrize("url", ["http://x.shop.example:8080/img", "http://any/"])
def test_a_pool_that_cannot_serve(url: str) -> None:
    """A routed pool without a server that takes requests answers 503, and that is said."""
    made = meets(url)
    assert made.routed
    assert not made.served
    assert made.lines[-1].startswith("no server takes new requests: the gateway answers 503: ")
    assert made.lines[-1].endswith(("c drains", "no container is left"))


def test_a_pool_whose_servers_fail_the_proxy_s_check() -> None:
    """They are in the pool, and nobody serves: each says why."""
    failing = {("shop", name): "Layer4 timeout" for name in ("a", "b")}
    made = meets("tcp:5432/", failing=failing)
    assert not made.served
    assert made.lines[3] == "server: a at 10.0.0.1:80, weight 2, fails its health check: Layer4 timeout"
    assert made.lines[-1] == (
        "no server takes new requests: new connections are closed: "
        "a fails its health check, b fails its health check, c drains"
    )
    assert meets("http://shop.example:8080/", failing={("shop", "a"): "Layer4 timeout"}).served


@pytest.mark.parametrize(
    ("url", "line"),
    [
        ("http://a/up", "the gateway answers 503, except for /up;"),
        ("http://a/x", "the gateway answers 503, except for /up;"),
        ("http://b/x", "the gateway answers 503;"),
        ("tcp:5432/", "new connections are closed;"),
    ],
)
def test_a_pool_in_maintenance(url: str, line: str) -> None:
    """What its requests meet, what is spared, and the command that ends it."""
    routes = Route("a", "/", "a"), Route("b", "/api", "b"), Route("b", "/", "b")
    listeners = Listener(80, routes=routes), Listener(5432, "tcp", (Route("", "/", "b"),))
    a = Pool("a", health=HealthCheck("/up"), maintenance=True, servers=(Server("s", "id-s", "10.0.0.1", 80),))
    made = meets(url, Desired(listeners, (a, Pool("b", maintenance=True, servers=a.servers))), {})
    assert made.routed
    assert made.served == url.endswith("/up")
    assert made.lines[-1] == f"maintenance: {line} `proxyctl maintenance {made.pool} off` opens it"


def test_a_container_of_a_pool_in_maintenance() -> None:
    """It is in the pool, and what keeps requests from it is said."""
    made = explained("web", WEB, maintenance=("shop",))
    assert made.in_pool
    assert obstacles_of(made) == ["pool shop is in maintenance: `proxyctl maintenance shop off` opens it"]


def test_a_port_that_is_not_published() -> None:
    """A port that the host does not have is taken as the gateway's, and that is said."""
    made = meets("http://shop.example:81/")
    assert made.pool == "none"
    assert made.lines[0].startswith("port 81 is not published on this host")


@pytest.mark.parametrize("text", ["", "http://", "ftp://a/", "http://a b/", "http://a:x/", "a/b c", "http://a:123456/"])
def test_what_is_not_a_url(text: str) -> None:
    """A text that is no URL is a usage error that shows what one looks like."""
    with pytest.raises(UsageError, match=r"is not a URL such as http://"):
        meets(text, STATE, {})


def test_who_fails_the_proxy_s_own_check_gets_nothing() -> None:
    """It is in the pool, where the proxy checks it on; the check's own words say why it does not serve."""
    made = explained("w", container("w"), failing={("w", "w"): "Layer7 wrong status (L7STS 503)"})
    assert made.in_pool
    (told,) = obstacles_of(made)
    assert told == "is in pool w: gets nothing, for it fails the health check: Layer7 wrong status (L7STS 503)"
