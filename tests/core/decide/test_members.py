"""Which containers are this gateway's, and what this proxy binary cannot do for them."""

from __future__ import annotations

import pytest

from proxyctl.core.decide.desired import targets
from proxyctl.core.decide.members import survey
from proxyctl.core.labels.declaration import Options
from proxyctl.core.model import Container, Features, HealthCheck, Target
from tests.core.worlds import HAPROXY, NET, NGINX, OLD_NGINX, container, decide, told, world

HERE, ADMIN, NOWHERE = NET, "admin", "nowhere"

PLACES = [
    ({HERE: "10.0.0.1"}, {}, "here", ""),
    ({HERE: "10.0.0.1"}, {"network": HERE}, "here", ""),
    ({HERE: "10.0.0.1", ADMIN: "10.1.0.1"}, {}, "here", ""),
    ({ADMIN: "10.1.0.1"}, {}, "silent", ""),
    ({HERE: "10.0.0.1", ADMIN: "10.1.0.1"}, {"network": ADMIN}, "silent", ""),
    ({"bridge": "172.17.0.2"}, {}, "problem", f"is not on network {NET}: docker network connect {NET} web"),
    ({}, {}, "problem", f"is not on network {NET}: docker network connect {NET} web"),
    ({ADMIN: "10.1.0.1"}, {"network": HERE}, "problem", "docker network connect"),
    ({HERE: "10.0.0.1"}, {"network": NOWHERE}, "problem", "run proxyctl watch --network nowhere"),
]


@pytest.mark.parametrize(("networks", "labels", "place", "reason"), PLACES)
def test_whose_container_it_is(networks: dict[str, str], labels: dict[str, str], place: str, reason: str) -> None:
    """A container is this gateway's, or silently another's, or nobody's, which is a problem with a way out."""
    snapshot = world(container("web", labels, networks=networks), gateways=[NET, ADMIN])
    members, problems = survey(snapshot, Options(), HAPROXY)
    assert [m.container.name for m in members] == (["web"] if place == "here" else [])
    assert told(problems) == ([("web", "proxyctl.network")] if place == "problem" else [])
    assert all(reason in p.reason for p in problems)


def test_a_route_can_be_on_another_network() -> None:
    """Each route of a container goes to the gateway of its own network, and its label is named."""
    labels = {"route.x.network": ADMIN, "route.y.network": NOWHERE}
    web = container("web", labels, networks={HERE: "10.0.0.1", ADMIN: "10.1.0.1"})
    members, problems = survey(world(web, gateways=[NET, ADMIN]), Options(), HAPROXY)
    assert [m.membership.pool.name for m in members] == ["web"]
    assert told(problems) == [("web", "proxyctl.route.y.network")]


@pytest.mark.parametrize("networks", [{}, {"bridge": "172.17.0.2"}, {ADMIN: "10.1.0.1"}])
@pytest.mark.parametrize("expose", [True, False])
def test_who_was_disconnected_has_to_leave_the_pools_that_it_served(networks: dict[str, str], expose: bool) -> None:
    """It is a member of those, without an address, and of no others; one that ended is none."""
    labels = {"route.x.network": NOWHERE}
    options = Options(expose_by_default=expose)
    for state, pools in (("running", ["web"]), ("exited", [])):
        web = container("web", labels, enable=not expose, networks=networks, state=state)  # type: ignore[arg-type]
        members, _ = survey(
            world(web, gateways=[NET, ADMIN]), options, HAPROXY, [("web", "id-web"), ("other", "id-web")]
        )
        assert [(m.membership.pool.name, m.target.address) for m in members] == [(p, "") for p in pools]


def test_expose_by_default_leaves_strangers_in_peace() -> None:
    """Who was never asked to take part and never met this network has no problem with it."""
    options = Options(expose_by_default=True)
    strangers = [
        container("other", enable=False, networks={"bridge": "172.17.0.2"}),
        container("faulty", {"weight": "x"}, enable=False, networks={"bridge": "172.17.0.2"}),
    ]
    assert survey(world(*strangers), options, HAPROXY) == ((), ())
    asked = container("asked", {"weight": "x"}, networks={"bridge": "172.17.0.2"})
    assert told(survey(world(asked), options, HAPROXY)[1]) == [("asked", "proxyctl.weight")]


def test_mistakes_are_reported_by_one_gateway() -> None:
    """A faulty container on another gateway's network is that gateway's to report."""
    faulty = container("web", {"weight": "x"}, networks={ADMIN: "10.1.0.1"})
    forgotten = container("db", {"weight": "1"}, enable=False, networks={ADMIN: "10.1.0.1"})
    assert survey(world(faulty, forgotten, gateways=[NET, ADMIN]), Options(), HAPROXY) == ((), ())
    assert len(survey(world(faulty, forgotten), Options(), HAPROXY)[1]) == 2


@pytest.mark.parametrize("state", ["created", "exited", "dead", "removing"])
def test_an_ended_container_has_no_problems(state: str) -> None:
    """Nobody can mend what has ended, so it is not reported."""
    ended = container("web", {"weight": "x"}, state=state)  # type: ignore[arg-type]
    assert survey(world(ended), Options(), HAPROXY) == ((), ())


ABILITIES = [
    (OLD_NGINX, {"sticky": "c"}, "sticky", "sticky=c needs nginx 1.29.6, this is 1.22.1"),
    (Features("nginx", (1, 29, 5), "static"), {"sticky": "c"}, "sticky", "needs nginx 1.29.6"),
    (Features("nginx", (1, 29, 6), "static"), {"sticky": "c"}, None, ""),
    (Features("nginx", (1, 29, 3), "static"), {"protocol": "h2c"}, "protocol", "needs nginx 1.29.4, this is 1.29.3"),
    (Features("nginx", (1, 29, 4), "static"), {"protocol": "h2c"}, None, ""),
    (NGINX, {"protocol": "h2c", "health.path": "/up"}, "health.port", "HTTP/1.1"),
    (NGINX, {"protocol": "h2c", "health.port": "81"}, None, ""),
    (OLD_NGINX, {"protocol": "tcp", "listen": "81"}, "protocol", "stream module"),
    (NGINX, {"protocol": "tcp", "listen": "81"}, None, ""),
    (OLD_NGINX, {"protocol": "https"}, None, ""),
    (HAPROXY, {"sticky": "c", "protocol": "h2c", "maxconn": "1", "timeout.queue": "1s"}, None, ""),
    (HAPROXY, {"protocol": "h2c", "health.path": "/up"}, None, ""),
]


@pytest.mark.parametrize(("features", "labels", "label", "reason"), ABILITIES)
def test_what_the_binary_cannot_do(features: Features, labels: dict[str, str], label: str | None, reason: str) -> None:
    """A label that this binary cannot carry out is an error with the version needed; nothing is done by halves."""
    members, problems = survey(world(container("web", labels)), Options(), features)
    assert bool(members) == (label is None)
    assert told(problems) == ([("web", f"proxyctl.{label}")] if label else [])
    assert all(reason in p.reason for p in problems)


def test_a_queue_on_nginx_is_a_warning() -> None:
    """Nginx refuses at once what goes over maxconn: the container takes part and its owner is told."""
    labels = {"maxconn": "5", "route.x.timeout.queue": "1s"}
    members, problems = survey(world(container("web", labels)), Options(), NGINX)
    assert len(members) == 2
    assert told(problems) == [("web", "proxyctl.maxconn"), ("web", "proxyctl.route.x.timeout.queue")]
    assert {p.severity for p in problems} == {"warning"}


# ------------------------------------------------------------------ targets


def asked(*containers: Container, features: Features = HAPROXY) -> list[str]:
    """Return the names of the targets."""
    return [t.name for t in targets(world(*containers), Options(), features)]


def test_whose_readiness_is_asked() -> None:
    """Asked is who runs and might serve; who ends, ended, is sick, faulty or without an address is not."""
    assert asked(
        container("a"),
        container("b", health="starting"),
        container("c", health="healthy"),
        container("d", health="unhealthy"),
        container("e", stopping=True),
        container("f", state="paused"),
        container("g", state="exited"),
        container("h", {"weight": "x"}),
        container("i", networks={NET: ""}),
        container("j", enable=False),
    ) == ["a", "b", "c"]


def test_the_check_is_the_probers_on_nginx_only() -> None:
    """HAProxy makes the HTTP check itself; for nginx the target carries it."""
    web = container("web", {"health.path": "/up", "route.x.port": "81"}, networks={NET: "10.0.0.9"})
    bare = [Target("id-web", "web", "10.0.0.9", port) for port in (80, 81)]
    assert targets(world(web), Options(), HAPROXY) == tuple(bare)
    checked = Target("id-web", "web", "10.0.0.9", 80, HealthCheck("/up"))
    assert targets(world(web), Options(), NGINX) == (checked, bare[1])


@pytest.mark.parametrize(
    ("labels", "protocol"),
    [({}, "https"), ({"health.port": "81"}, "http"), ({"protocol": "http"}, "http")],
)
def test_the_check_speaks_what_the_server_speaks(labels: dict[str, str], protocol: str) -> None:
    """A check of an https pool is made by TLS, one on a port of its own in plain HTTP, on both engines alike."""
    web = container("web", {"protocol": "https", "health.path": "/up"} | labels)
    assert [t.protocol for t in targets(world(web), Options(), NGINX)] == [protocol]
    assert [t.protocol for t in targets(world(web), Options(), HAPROXY)] == ["http"]


def test_a_port_in_two_pools_is_asked_once() -> None:
    """Two pools with the same port of a container need one answer."""
    web = container("web", {"route.x.balance": "uri"})
    assert asked(web) == ["web"]
    assert len(decide(world(web), features=HAPROXY).desired.pools) == 1
