"""`proxyctl.core.decide.ports`: a port in a network namespace belongs to one container."""

from __future__ import annotations

from typing import Any

from proxyctl.core import codes
from proxyctl.core.model import Container, Owner
from tests.core.worlds import NET, container, decide, servers, world

HERE = {NET: "10.0.0.1"}
VPN = container("vpn", {"host": "vpn.test"}, networks=HERE, created=200)


def app(name: str, labels: dict[str, str] | None = None, **kwargs: Any) -> Container:
    """Return a container in the namespace of `vpn`."""
    return container(
        name, {"host": f"{name}.test", **(labels or {})}, networks=HERE, owner=Owner("id-vpn", "vpn"), **kwargs
    )


def test_the_owner_has_its_port() -> None:
    """Although it is younger; the other one is told whose port that is, at its own label."""
    outcome = decide(world(VPN, app("app", created=100)))
    assert servers(outcome) == {"vpn": ["vpn"]}
    (problem,) = outcome.problems
    assert (problem.container, problem.label, problem.code) == ("app", "proxyctl.port", codes.SAME_PORT)
    assert "port 80 in the network of vpn is vpn's" in problem.reason


def test_who_serves_keeps_its_port() -> None:
    """A newcomer takes nothing away, even where the namespace is its own."""
    before = decide(world(app("app"))).desired
    outcome = decide(world(VPN, app("app")), previous=before)
    assert servers(outcome) == {"app": ["app"]}
    assert [(p.container, p.label) for p in outcome.problems] == [("vpn", "proxyctl.port")]


def test_the_elder_of_two_that_share_has_the_port() -> None:
    """Each route with a port of its own is looked at by itself, and named by its own label."""
    old = app("old", created=100)
    new = app("new", {"port": "81", "route.x.port": "80", "route.x.host": "x.test"}, created=200)
    outcome = decide(world(old, new))
    assert servers(outcome) == {"new": ["new"], "old": ["old"]}
    assert [(p.container, p.label) for p in outcome.problems] == [("new", "proxyctl.route.x.port")]


def test_one_container_may_have_one_port_in_two_pools() -> None:
    """It listens once."""
    both = app("app", {"route.x.balance": "uri", "route.x.host": "x.test"})
    outcome = decide(world(both))
    assert outcome.problems == ()
    assert len(outcome.desired.pools) == 2


def test_who_has_ended_has_no_port() -> None:
    """Its successor listens there."""
    outcome = decide(world(app("old", state="exited"), app("new", created=300)))
    assert servers(outcome)["new"] == ["new"]
    assert {p.code for p in outcome.problems} == {codes.NOBODY}


def test_a_namespace_that_is_lost_is_not_shared() -> None:
    """The container that is left with it has nothing to do with the owner's ports."""
    lost = container(
        "app", {"host": "app.test"}, networks={NET: ""}, owner=Owner("id-vpn", "vpn", "restarted"), created=100
    )
    outcome = decide(world(VPN, lost))
    assert servers(outcome)["vpn"] == ["vpn"]
    assert {p.code for p in outcome.problems} == {codes.NAMESPACE_LOST}
