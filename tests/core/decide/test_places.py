"""`proxyctl.core.decide.places`: on which of its networks a gateway reaches a container, and by which names."""

from __future__ import annotations

import dataclasses

import pytest

from proxyctl.core import codes
from proxyctl.core.decide import places
from proxyctl.core.model import Container, Owner, Target
from tests.core.worlds import NET, container, decide, servers, surveyed, targets, world

BLOG, NEWS, ADMIN = "blog", "news", "admin"
HERE, THERE, ELSEWHERE = "10.0.0.1", "10.1.0.1", "10.9.0.1"

CHOICES = [
    ({NET: HERE}, {}, NET),
    ({BLOG: THERE}, {}, BLOG),
    ({NET: HERE, BLOG: THERE}, {}, NET),
    ({NEWS: THERE, BLOG: HERE}, {}, BLOG),
    ({NET: HERE, BLOG: THERE}, {"network": BLOG}, BLOG),
    ({NET: HERE, ADMIN: THERE}, {}, NET),
    ({ADMIN: THERE}, {}, ""),
    ({NET: HERE}, {"network": BLOG}, ""),
    ({ADMIN: HERE}, {"network": ADMIN}, ""),
]


@pytest.mark.parametrize(("networks", "labels", "network"), CHOICES)
def test_the_label_chooses_else_the_order_of_the_networks(
    networks: dict[str, str], labels: dict[str, str], network: str
) -> None:
    """The gateway's own network comes first, then the joined ones as they were given."""
    snapshot = world(container("web", labels, networks=networks), joined=[BLOG, NEWS])
    assert [t.address for t in targets(snapshot)] == ([networks[network]] if network else [])
    assert places.chosen(snapshot.containers[0], labels.get("network", ""), snapshot) == network


def test_a_container_of_a_joined_network_is_this_gateways() -> None:
    """It is not elsewhere, its mistakes are told, and it stays so where the network has a gateway of its own."""
    web = container("web", networks={BLOG: THERE})
    faulty = container("faulty", {"weight": "x"}, networks={BLOG: THERE})
    for gateways in ([NET], [NET, BLOG]):
        seen = surveyed(world(web, faulty, joined=[BLOG], gateways=gateways))
        assert [m.container.name for m in seen.members] == ["web"]
        assert [p.container for p in seen.problems] == ["faulty"]
        assert seen.elsewhere == ()
    assert surveyed(world(web)).elsewhere == ("web",)


def test_a_label_that_names_no_network_of_the_gateway_has_a_way_out() -> None:
    """Two ways: a gateway for that network, or this one joins it. On a joined network it has to be attached there."""
    (problem,) = surveyed(world(container("web", {"network": NEWS}, networks={NET: HERE, NEWS: THERE}))).problems
    assert (problem.label, problem.code) == ("proxyctl.network", codes.NOT_ON_NETWORK)
    assert problem.reason == (
        "no gateway serves network news: run proxyctl watch --network news, or give this gateway's watch --join news"
    )
    (problem,) = surveyed(world(container("web", {"network": NEWS}), joined=[NEWS])).problems
    assert problem.reason == "is not on network news: attach web to news"


@pytest.mark.parametrize(
    ("networks", "owner", "names"),
    [
        ({NET: HERE}, None, ()),
        ({NET: HERE, ADMIN: ELSEWHERE}, None, ()),
        ({BLOG: HERE, NET: THERE}, None, ("web", f"web.{NET}", "id-web", f"id-web.{NET}")),
        ({NET: HERE}, Owner("id-of-vpn-which-is-long", "vpn"), ("vpn", "id-of-vpn-wh")),
    ],
)
def test_dns_knows_it_by_these_names(networks: dict[str, str], owner: Owner | None, names: tuple[str, ...]) -> None:
    """On several networks of the gateway the network is named as well; in a foreign namespace it is by the owner."""
    (target,) = targets(world(container("web", networks=networks, owner=owner), joined=[BLOG]))
    assert target.known_as == names


def test_who_changes_between_networks_goes_on_at_its_other_address() -> None:
    """Cut off its first network it is served on the next one; a label that names the first one has it drained."""
    both, one = {NET: HERE, BLOG: THERE}, {BLOG: THERE}
    before = decide(world(container("web", networks=both), joined=[BLOG])).desired
    moved = decide(world(container("web", networks=one), joined=[BLOG]), previous=before)
    assert [s.address for p in moved.desired.pools for s in p.servers] == [THERE]
    named = container("web", {"network": NET}, networks=both)
    before = decide(world(named, joined=[BLOG])).desired
    cut = decide(world(container("web", {"network": NET}, networks=one), joined=[BLOG]), previous=before)
    assert servers(cut) == {"web": ["web-"]}
    assert codes.NOT_ON_NETWORK in {p.code for p in cut.problems}


def test_who_is_on_a_network_that_is_joined_no_more_drains() -> None:
    """As after a `watch` without --join: nobody is cut off."""
    web = container("web", networks={BLOG: THERE})
    before = decide(world(web, joined=[BLOG])).desired
    assert servers(decide(world(web), previous=before)) == {"web": ["web-"]}


# ------------------------------------------------------------------ shared network namespaces


def sharing(name: str, lost: str = "", networks: dict[str, str] | None = None, **kwargs: object) -> Container:
    """Return a container that has the network namespace of `vpn`, which may be lost."""
    here = {NET: HERE} if networks is None else networks
    owner = Owner("id-vpn", "vpn", lost)  # type: ignore[arg-type]
    return container(name, networks=here, owner=owner, **kwargs)  # type: ignore[arg-type]


def test_it_is_served_at_the_address_of_the_owner() -> None:
    """With its own port; the owner may serve on another one beside it."""
    vpn = container("vpn", {"host": "vpn.test"}, networks={NET: HERE})
    outcome = decide(world(vpn, sharing("app", ports=(81,))))
    assert {s.name: (s.address, s.port) for p in outcome.desired.pools for s in p.servers} == {
        "vpn": (HERE, 80),
        "app": (HERE, 81),
    }
    assert outcome.problems == ()


@pytest.mark.parametrize("lost", ["ended", "restarted", "gone"])
@pytest.mark.parametrize("served", [True, False])
def test_a_lost_namespace_is_told_with_what_mends_it(lost: str, served: bool) -> None:
    """A container that served drains, as nobody reaches it; a newcomer waits. Another gateway's says nothing here."""
    networks = {} if lost == "gone" else {NET: ""}
    app = sharing("app", lost, networks)
    before = decide(world(sharing("app"))).desired
    outcome = decide(world(app, gateways=[NET, ADMIN]), **({"previous": before} if served else {}))
    assert servers(outcome).get("app", []) == (["app-"] if served else [])
    (problem,) = (p for p in outcome.problems if p.code == codes.NAMESPACE_LOST)
    assert (problem.container, problem.label) == ("app", "")
    assert problem.reason.startswith("shares the network ")
    remedy = "restart app" if lost == "restarted" else f"{lost}: revive app by vpn"
    assert problem.reason.endswith(f": {remedy}")
    theirs = sharing("app", lost, {} if lost == "gone" else {ADMIN: ""}, labels={"network": ADMIN})
    assert decide(world(theirs, gateways=[NET, ADMIN])).problems == ()


def test_a_newcomer_with_a_lost_namespace_waits_for_another() -> None:
    """Its pool says so as well."""
    outcome = decide(world(sharing("app", "ended", {NET: ""})))
    assert [w.reason for w in outcome.waiting] == ["shares the network of vpn, and that is lost"]


def test_the_owner_is_what_has_to_be_attached() -> None:
    """Docker attaches no container that has no network of its own."""
    (problem,) = surveyed(world(sharing("app", networks={"bridge": "172.17.0.2"}))).problems
    assert problem.reason == f"is not on network {NET}: attach vpn to {NET}"
    (problem,) = surveyed(world(sharing("app", networks={"host": ""}))).problems
    assert problem.reason == f"is not on network {NET}: make vpn anew on {NET}"


DESCRIBED = [
    (container("web", networks={NET: HERE}), "", (True, f"is on network {NET} as {HERE}")),
    (container("web", networks={NET: ""}), "", (False, f"has no address on network {NET}")),
    (container("web", networks={}), "", (False, f"has no address on network {NET}: attach web to {NET}")),
    (container("web", networks={}), BLOG, (False, "has no address on network blog: attach web to blog")),
    (container("web", networks={}), ADMIN, (False, "is meant for network admin, which this gateway is not on")),
    (sharing("app"), "", (True, f"is on network {NET} as {HERE} through vpn")),
    (
        sharing("app", "restarted"),
        "",
        (False, "shares the network that vpn had before it was started anew: restart app"),
    ),
]


@pytest.mark.parametrize(("made", "wanted", "said"), DESCRIBED)
def test_what_a_person_reads_about_the_place(made: Container, wanted: str, said: tuple[bool, str]) -> None:
    """Where it is, through whom, or what it lacks."""
    assert places.described(made, wanted, world(made, joined=[BLOG])) == said


def test_the_names_of_an_owner_are_part_of_the_question() -> None:
    """Renamed, the owner is asked for by its new name, as the judgement of its sharer is not used again."""
    before = sharing("app")
    renamed = dataclasses.replace(before, owner=Owner("id-vpn", "vpn2"))
    assert targets(world(renamed)) == (Target(before.id, "app", HERE, 80, known_as=("vpn2", "id-vpn")),)
    assert before != renamed
