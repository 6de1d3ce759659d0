"""`proxyctl.core.decide.addresses`: an address serves the pool of the container that runs with it, and no other."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from proxyctl.core import codes, layout
from proxyctl.core.decide.decision import decide as decide_world
from proxyctl.core.model import Attachment, Container, Owner, Snapshot, State
from tests.core.worlds import NET, container, decide, servers, state_of, world

TAKEN = "10.0.0.7"
A, B = (container(n, {"pool": n, "host": f"{n}.test"}, networks={NET: TAKEN}) for n in "ab")
BEFORE = decide(world(A)).desired


def of_b(state: State = "running") -> Container:
    """Return `b`, which has got the address of `a`."""
    return dataclasses.replace(B, state=state)


def test_who_is_missing_from_a_listing_gives_its_address_away() -> None:
    """It is retained, as one listing may be wrong, until somebody else is seen at its address."""
    missing = dataclasses.replace(world(), missing=frozenset({A.id}))
    kept = decide(missing, previous=BEFORE)
    assert (servers(kept), kept.retained) == ({"a": ["a"]}, frozenset({A.id}))
    gone = decide(dataclasses.replace(missing, containers=(of_b(),)), previous=BEFORE)
    assert (servers(gone), gone.retained) == ({"a": [], "b": ["b"]}, frozenset())
    assert {p.code for p in gone.problems} == {codes.NOBODY}


LEAVING: list[dict[str, Any]] = [
    {"stopping": True, "attachments": ()},
    {"attachments": ()},
]


@pytest.mark.parametrize("how", LEAVING, ids=["it stops", "it left the network"])
@pytest.mark.parametrize("taken", [False, True])
def test_who_drains_without_an_address_gives_it_away(how: dict[str, Any], taken: bool) -> None:
    """It would drain at the address that it had."""
    leaving = dataclasses.replace(A, **how)
    outcome = decide(world(leaving, *([of_b()] if taken else [])), previous=BEFORE)
    assert servers(outcome)["a"] == ([] if taken else ["a-"])


def test_two_that_swapped_addresses_serve_their_own_pools() -> None:
    """As after a restart of both while nobody watched."""
    one, other = (
        dataclasses.replace(c, attachments=(dataclasses.replace(c.attachments[0], address=at),))
        for c, at in ((A, "10.0.0.8"), (B, "10.0.0.7"))
    )
    outcome = decide(world(one, other), previous=BEFORE)
    assert {p.name: [s.address for s in p.servers] for p in outcome.desired.pools} == {
        "a": ["10.0.0.8"],
        "b": ["10.0.0.7"],
    }


@pytest.mark.parametrize("state", ["exited", "created", "restarting"])
def test_who_does_not_run_has_no_address(state: State) -> None:
    """Docker keeps it in its answers for a while."""
    snapshot: Snapshot = dataclasses.replace(world(of_b(state)), missing=frozenset({A.id}))
    assert servers(decide(snapshot, previous=BEFORE))["a"] == ["a"]


def test_a_server_that_the_proxy_keeps_in_place_of_a_refused_one_is_looked_at_too() -> None:
    """It is what the proxy last accepted, at the address of then."""
    moved = dataclasses.replace(A, attachments=(dataclasses.replace(A.attachments[0], address="10.0.0.8"),))
    seen = state_of(world(moved, of_b()), previous=BEFORE, accepted=BEFORE)
    wanted = decide_world(seen)
    assert {s.address for p in wanted.desired.pools for s in p.servers} == {"10.0.0.8", TAKEN}


STRANGERS = {
    "one without labels": container("db", enable=False, networks={NET: TAKEN}),
    "the gateway": container("gateway", enable=False, raw={layout.GATEWAY_LABEL: NET}, networks={NET: TAKEN}),
    "one on a joined network": container("other", networks={"blog": TAKEN}),
}


@pytest.mark.parametrize("stranger", STRANGERS.values(), ids=STRANGERS)
def test_an_address_is_given_away_to_anybody(stranger: Container) -> None:
    """Also to a container that serves nothing, on any network of the gateway, and to the gateway itself."""
    missing = dataclasses.replace(world(joined=["blog"]), missing=frozenset({A.id}))
    assert servers(decide(missing, previous=BEFORE)) == {"a": ["a"]}
    gone = decide(dataclasses.replace(missing, containers=(stranger,)), previous=BEFORE)
    assert servers(gone)["a"] == []


def test_who_shares_a_network_namespace_shares_its_address() -> None:
    """Until that namespace is lost: then the address is its owner's alone, at once."""
    owner = container("vpn", {"host": "vpn.test"}, networks={NET: TAKEN})
    shares = container("app", {"host": "app.test"}, networks={NET: TAKEN}, ports=(81,), owner=Owner(owner.id, "vpn"))
    before = decide(world(owner, shares))
    assert servers(before) == {"app": ["app"], "vpn": ["vpn"]}
    assert [s.known_as for p in before.desired.pools for s in p.servers] == [("vpn", owner.id[:12]), ()]
    lost = dataclasses.replace(shares, attachments=(Attachment(NET, ""),), owner=Owner(owner.id, "vpn", "restarted"))
    assert servers(decide(world(owner, lost), previous=before.desired)) == {"app": [], "vpn": ["vpn"]}
