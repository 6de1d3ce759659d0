"""Which containers are this gateway's, and what this proxy binary cannot do for them."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from proxyctl.core import codes
from proxyctl.core.decide import members
from proxyctl.core.decide.members import Member
from proxyctl.core.labels import reading
from proxyctl.core.labels.declaration import Declaration, Options
from proxyctl.core.model import (
    Commands,
    Container,
    Desired,
    Features,
    HealthCheck,
    Pin,
    Pool,
    Problem,
    Server,
    Snapshot,
    Target,
    Unreadable,
)
from tests.core.worlds import (
    HAPROXY,
    NET,
    NGINX,
    OLD_NGINX,
    container,
    decide,
    rules,
    surveyed,
    targets,
    world,
    wrong_labels,
)

HERE, ADMIN, NOWHERE = NET, "admin", "nowhere"


def survey(
    snapshot: Snapshot, options: Options, features: Features, served: tuple[str, ...] = ()
) -> tuple[tuple[Member, ...], tuple[Problem, ...]]:
    """Return members and problems; `served` are the pools that have the container `web`."""
    pools = tuple(Pool(name, servers=(Server("web", "id-web", "10.0.0.1", 80),)) for name in served)
    found = surveyed(snapshot, options, features, previous=Desired((), pools))
    return found.members, found.problems


PLACES = [
    ({HERE: "10.0.0.1"}, {}, "here", ""),
    ({HERE: "10.0.0.1"}, {"network": HERE}, "here", ""),
    ({HERE: "10.0.0.1", ADMIN: "10.1.0.1"}, {}, "here", ""),
    ({ADMIN: "10.1.0.1"}, {}, "silent", ""),
    ({HERE: "10.0.0.1", ADMIN: "10.1.0.1"}, {"network": ADMIN}, "silent", ""),
    ({"bridge": "172.17.0.2"}, {}, "elsewhere", ""),
    ({}, {}, "elsewhere", ""),
    ({NOWHERE: "10.2.0.1"}, {}, "elsewhere", ""),
    ({NOWHERE: "10.2.0.1"}, {"network": NOWHERE, "weight": "x"}, "elsewhere", ""),
    ({ADMIN: "10.1.0.1"}, {"network": HERE}, "problem", f"attach web to {NET}"),
    ({HERE: "10.0.0.1"}, {"network": NOWHERE}, "problem", "run proxyctl watch --network nowhere"),
]


@pytest.mark.parametrize(("networks", "labels", "place", "reason"), PLACES)
def test_whose_container_it_is(networks: dict[str, str], labels: dict[str, str], place: str, reason: str) -> None:
    """A container is this gateway's, or silently another's, or nobody's, which is a problem with a way out."""
    snapshot = world(container("web", labels, networks=networks), gateways=[NET, ADMIN])
    found, problems = survey(snapshot, Options(), HAPROXY)
    assert [m.container.name for m in found] == (["web"] if place == "here" else [])
    assert wrong_labels(problems) == ([("web", "proxyctl.network")] if place == "problem" else [])
    assert all(reason in p.reason for p in problems)
    assert surveyed(snapshot).elsewhere == (("web",) if place == "elsewhere" else ())


@pytest.mark.parametrize(
    ("networks", "remedy"),
    [
        ({"bridge": "172.17.0.2"}, f"attach web to {NET}"),
        ({"host": ""}, f"make web anew on {NET}"),
        ({}, f"attach web to {NET}"),
    ],
)
def test_who_was_given_no_network_may_mean_the_only_gateway(networks: dict[str, str], remedy: str) -> None:
    """As a beginner does, who is told the command; with two gateways nobody can know, and with a network they do."""
    for gateways, told in (([NET], [("web", "proxyctl.network")]), ([NET, ADMIN], [])):
        snapshot = world(container("web", networks=networks), gateways=gateways)
        assert wrong_labels(surveyed(snapshot).problems) == told
    (problem,) = surveyed(world(container("web", networks=networks))).problems
    assert f"is not on network {NET}: {remedy}" in problem.reason


def test_a_route_can_be_on_another_network() -> None:
    """Each route of a container goes to the gateway of its own network, and its label is named."""
    labels = {"route.x.network": ADMIN, "route.y.network": NOWHERE}
    web = container("web", labels, networks={HERE: "10.0.0.1", ADMIN: "10.1.0.1"})
    found, problems = survey(world(web, gateways=[NET, ADMIN]), Options(), HAPROXY)
    assert [m.membership.pool.name for m in found] == ["web"]
    assert wrong_labels(problems) == [("web", "proxyctl.route.y.network")]


@pytest.mark.parametrize("networks", [{}, {"bridge": "172.17.0.2"}, {ADMIN: "10.1.0.1"}])
@pytest.mark.parametrize("expose", [True, False])
def test_who_was_disconnected_has_to_leave_the_pools_that_it_served(networks: dict[str, str], expose: bool) -> None:
    """It is a member of those, without an address, and of no others; one that ended is none."""
    labels = {"route.x.network": NOWHERE}
    options = Options(expose_by_default=expose)
    for state, pools in (("running", ["web"]), ("exited", [])):
        web = container("web", labels, enable=not expose, networks=networks, state=state)  # type: ignore[arg-type]
        found, _ = survey(world(web, gateways=[NET, ADMIN]), options, HAPROXY, ("web", "other"))
        assert [(m.membership.pool.name, m.target.address) for m in found] == [(p, "") for p in pools]


def test_expose_by_default_leaves_strangers_in_peace() -> None:
    """Who was never asked to take part and never met this network has no problem with it."""
    options = Options(expose_by_default=True)
    strangers = [
        container("other", enable=False, networks={"bridge": "172.17.0.2"}),
        container("faulty", {"weight": "x"}, enable=False, networks={"bridge": "172.17.0.2"}),
    ]
    assert survey(world(*strangers), options, HAPROXY) == ((), ())
    asked = container("asked", {"weight": "x"}, networks={NET: "10.0.0.9"})
    assert wrong_labels(survey(world(asked), options, HAPROXY)[1]) == [("asked", "proxyctl.weight")]


def test_mistakes_are_reported_by_one_gateway() -> None:
    """A faulty container on another gateway's network is that gateway's to report."""
    faulty = container("web", {"weight": "x"}, networks={ADMIN: "10.1.0.1"})
    forgotten = container("db", {"weight": "1"}, enable=False, networks={ADMIN: "10.1.0.1"})
    assert survey(world(faulty, forgotten, gateways=[NET, ADMIN]), Options(), HAPROXY) == ((), ())
    here = [dataclasses.replace(c, attachments=container("x").attachments) for c in (faulty, forgotten)]
    assert len(survey(world(*here), Options(), HAPROXY)[1]) == 2


@pytest.mark.parametrize("state", ["created", "exited", "dead", "removing"])
def test_an_ended_container_has_no_problems(state: str) -> None:
    """Nobody can mend what has ended, so it is not reported."""
    ended = container("web", {"weight": "x"}, state=state)  # type: ignore[arg-type]
    assert survey(world(ended), Options(), HAPROXY) == ((), ())


def test_what_the_binary_cannot_do_is_a_problem_at_its_label() -> None:
    """An error leaves the container out, a warning does not, and the label is named in full."""
    found, problems = survey(world(container("web", {"route.x.sticky": "c"})), Options(), OLD_NGINX)
    assert (found, wrong_labels(problems)) == ((), [("web", "proxyctl.route.x.sticky")])
    found, problems = survey(world(container("web", {"maxconn": "5"})), Options(), NGINX)
    assert (len(found), wrong_labels(problems)) == (1, [("web", "proxyctl.maxconn")])
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


def test_an_equal_container_is_read_once() -> None:
    """A survey takes over what the last one found, unless the container, the question or the network changed."""
    a, b = container("a"), container("b")
    first = surveyed(world(a, b))
    moved = container("b", networks={NET: "10.9.9.9"})

    def again(snapshot: Snapshot, features: Features = HAPROXY, **how: Any) -> list[bool]:
        options, pin = how.get("options", Options()), how.get("pin")
        found = members.survey(snapshot, options, rules(features), Desired(), pin, first)
        return [any(j is old for old in first.judgements) for j in found.judgements]

    assert again(world(a, b)) == [True, True]
    assert again(world(container("a"), moved, container("c"))) == [True, False, False]
    assert again(world(a, b), options=Options(expose_by_default=True)) == [False, False]
    assert again(world(a, b, joined=["x"])) == [False, False]
    assert again(world(a, b), NGINX) == [False, False]
    assert again(world(a, b), pin=Pin(1, "today", Desired())) == [False, False]
    assert again(world(a, b, gateways=[NET, ADMIN])) == [False, False]
    told = Commands(attach="", inspect="", restart="", kill="")
    assert again(dataclasses.replace(world(a, b), commands=told)) == [False, False]


def test_a_container_that_has_to_leave_is_judged_anew() -> None:
    """Off the network it belongs to the pools that still have it, and to none once they have not."""
    off = world(container("web", networks={}))
    served = Desired((), (Pool("web", servers=(Server("web", "id-web", "10.0.0.1", 80),)),))
    first = surveyed(off, previous=served)
    assert [m.membership.pool.name for m in first.members] == ["web"]
    assert members.survey(off, Options(), rules(HAPROXY), Desired(), None, first).members == ()


def test_a_mistake_about_one_container_costs_that_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever nobody thought of: it is told with its place, and all others are read as ever."""
    parse = reading.parse

    def mistaken(made: Container, options: Options) -> Declaration:
        if made.name == "odd":
            raise ZeroDivisionError("nobody thought of this")
        return parse(made, options)

    monkeypatch.setattr(reading, "parse", mistaken)
    seen = surveyed(world(container("odd"), container("web")))
    assert [m.container.name for m in seen.members] == ["web"]
    (problem,) = seen.problems
    assert (problem.container, problem.code) == ("odd", codes.INTERNAL)
    assert problem.reason.startswith("proxyctl cannot read it: ZeroDivisionError at test_members.py:")


def test_who_cannot_be_read_has_a_problem() -> None:
    """By the name that Docker tells with the event, or in another listing."""
    snapshot = dataclasses.replace(world(container("web")), unreadable=(Unreadable("odd", "'State' cannot be read"),))
    (problem,) = surveyed(snapshot).problems
    assert (problem.container, problem.code) == ("odd", codes.UNREADABLE)
