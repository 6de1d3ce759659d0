"""Who gets a place on the gateway that more than one pool claims."""

from __future__ import annotations

import itertools

import pytest

from proxyctl.core.decide.claims import Claimant, settle
from proxyctl.core.labels.declaration import Claim
from proxyctl.core.model import Desired, Listener, Route


def claimant(
    pool: str, *claims: Claim, tcp: bool = False, present: bool = True, live: bool = True, oldest: int = 5
) -> Claimant:
    """Return a pool that wants these places, or any host's root on port 80."""
    return Claimant(pool, tcp, present, live, oldest, claims or (Claim(80, "", "/"),))


def kept(pool: str, port: int = 80, protocol: str = "http") -> Desired:
    """Return a state in which `pool` has any host's root on `port`."""
    return Desired((Listener(port, protocol, (Route("", "/", pool),)),))  # type: ignore[arg-type]


A, B = claimant("a"), claimant("b")

WINNERS = [
    ("the name decides last", [A, B], Desired(), "a"),
    ("the oldest container", [A, claimant("b", oldest=1)], Desired(), "b"),
    ("a running one before the oldest", [claimant("a", live=False, oldest=1), B], Desired(), "b"),
    ("who has it, before one that runs", [claimant("a", live=False), B], kept("a"), "a"),
    ("who has it", [A, claimant("b", oldest=1)], kept("a"), "a"),
    ("not who has it on another port", [A, claimant("b", oldest=1)], kept("a", 81), "b"),
    ("not who has the port for tcp", [A, claimant("b", oldest=1)], kept("a", 80, "tcp"), "b"),
    ("not who has ended, even if it has it", [claimant("a", present=False, live=False), B], kept("a"), "b"),
    ("http before tcp by name", [A, claimant("b", tcp=True)], Desired(), "a"),
    ("tcp that has the port", [A, claimant("b", tcp=True)], kept("b", 80, "tcp"), "b"),
    ("tcp before tcp by age", [claimant("a", tcp=True), claimant("b", tcp=True, oldest=1)], Desired(), "b"),
]


@pytest.mark.parametrize(("claimants", "previous", "winner"), [w[1:] for w in WINNERS], ids=[w[0] for w in WINNERS])
def test_who_wins(claimants: list[Claimant], previous: Desired, winner: str) -> None:
    """The same pool wins in whatever order the claims are heard, and the loser knows who it was."""
    (loser,) = {c.pool for c in claimants} - {winner}
    for order in itertools.permutations(claimants):
        listeners, refused = settle(order, previous)
        assert [r.pool for x in listeners for r in x.routes] == [winner]
        assert [(r.pool, r.incumbent) for r in refused] == [(loser, winner)]


def test_what_does_not_clash() -> None:
    """Other hosts, other paths and other ports are other places."""
    claims = [Claim(80, "", "/"), Claim(80, "a", "/"), Claim(80, "", "/x"), Claim(81, "", "/")]
    listeners, refused = settle([claimant(f"p{i}", c) for i, c in enumerate(claims)], Desired())
    assert refused == ()
    assert [(x.port, len(x.routes)) for x in listeners] == [(80, 3), (81, 1)]


def test_only_the_claim_that_clashes_is_refused() -> None:
    """A pool that loses one place keeps its others, with all they say."""
    wanted = claimant("b", Claim(80, "", "/"), Claim(80, "b", "/x", strip_prefix=True))
    listeners, refused = settle([A, wanted], Desired())
    assert listeners == (Listener(80, "http", (Route("", "/", "a"), Route("b", "/x", "b", strip_prefix=True))),)
    assert [(r.claim, r.labels) for r in refused] == [(Claim(80, "", "/"), ("host", "path"))]


@pytest.mark.parametrize(
    ("loser", "what", "labels"),
    [
        (claimant("z"), "any host / on port 80", ("host", "path")),
        (claimant("z", Claim(80, "shop.example", "/x")), "shop.example/x on port 80", ("host", "path")),
        (claimant("z", tcp=True), "port 80 for http", ("listen",)),
        (claimant("z", Claim(81, "", "/")), "port 81 for tcp", ("listen",)),
    ],
)
def test_the_refusal_says_what_is_kept(loser: Claimant, what: str, labels: tuple[str, ...]) -> None:
    """The loser is told which place is taken and which labels would name another."""
    incumbent = claimant("a", Claim(80, "", "/"), Claim(80, "shop.example", "/x"))
    _, (refused,) = settle([incumbent, claimant("t", Claim(81, "", "/"), tcp=True), loser], Desired())
    assert (refused.pool, refused.what, refused.labels) == ("z", what, labels)


def test_nobody_wants_anything() -> None:
    """Without claims there are no listeners."""
    assert settle([], kept("a")) == ((), ())
