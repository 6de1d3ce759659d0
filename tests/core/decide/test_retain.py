"""Which servers are not believed to be gone."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from proxyctl.core.decide.outcome import Outcome
from proxyctl.core.model import Container, Desired, Listener, Pool, Route, Server
from tests.core.worlds import NET, container, decide, routes, servers, world


def web(name: str, **labels: str) -> Container:
    """Return a container of pool `web`."""
    return container(name, {"pool": "web"} | labels)


ALL = [web(n) for n in "abcd"]
BEFORE = decide(world(*ALL)).desired


def after(*there: Container, missing: str, previous: Desired = BEFORE, already: str = "") -> Outcome:
    """Return the outcome of a listing that has these containers, and of these, by letter, nothing was heard."""
    snapshot = dataclasses.replace(world(*there), missing=frozenset(f"id-{n}" for n in missing))
    ids = {f"id-{n}" for n in already}
    return decide(snapshot, previous=previous, retained=ids)


LISTINGS = [
    # what the listing has, what it lacks without an event, who is in the pool
    ("abcd", "", "abcd"),
    ("abc", "d", "abc"),
    ("ab", "cd", "ab"),
    ("a", "bcd", "abcd"),
    ("", "abcd", "abcd"),
    ("", "abc", "abc"),
    ("", "ab", None),
    ("", "", None),
    ("a", "bcdxyz", "abcd"),
    # others have come in their place
    ("aef", "bcd", "aef"),
    ("ae", "bcd", "abcde"),
    ("efgh", "abcd", "efgh"),
    ("e", "abcd", "abcde"),
]


@pytest.mark.parametrize(("there", "missing", "served"), LISTINGS)
def test_more_than_half_of_a_pool_stays(there: str, missing: str, served: str | None) -> None:
    """Less goes at once, and so does everything that others have come in the place of; who stays has a warning."""
    outcome = after(*(web(n) for n in there), missing=missing)
    assert servers(outcome) == ({} if served is None else {"web": list(served)})
    kept = sorted(set(served or "") - set(there))
    assert [(p.container, p.severity) for p in outcome.problems] == [(n, "warning") for n in kept]
    assert routes(outcome) == ([] if served is None else ["80 / web"])
    if kept:
        assert f"as {len(kept)} of 4 servers of pool web" in outcome.problems[0].reason


def test_a_retained_server_stays_so_when_others_return_or_are_known_to_be_gone() -> None:
    """An event about one of them says nothing of the others; each is let go by its return or the next listing."""
    assert after(*ALL, missing="").retained == frozenset()
    assert after(*ALL[:1], missing="bcd").retained == {"id-b", "id-c", "id-d"}
    assert servers(after(*ALL[:3], missing="d", already="bcd")) == {"web": list("abcd")}
    ending = dataclasses.replace(ALL[1], state="exited")
    assert servers(after(ALL[0], ending, missing="cd", already="bcd")) == {"web": list("acd")}
    assert servers(after(ALL[0], ending, missing="", already="cd")) == {"web": ["a"]}


def test_a_server_stays_as_it_was() -> None:
    """Drained, moved or weighted: nothing of it is guessed anew, and its pool keeps its settings."""
    a = Server("a", "id-a", "10.0.0.1", 80, weight=7, draining=True)
    previous = Desired((Listener(80, "http", (Route("x", "/", "web"),)),), (Pool("web", "http", "uri", servers=(a,)),))
    assert after(missing="a", previous=previous).desired == previous


def test_one_that_is_back_under_the_same_name_counts() -> None:
    """A name is in a pool once: that of the container that is there."""
    previous = decide(world(*(web(n) for n in "abc"))).desired
    new = dataclasses.replace(web("a"), id="id-new")
    outcome = after(new, missing="abc", previous=previous)
    assert outcome.retained == {"id-b", "id-c"}
    assert servers(outcome) == {"web": ["a", "b", "c"]}
    assert [s.container for s in outcome.desired.pools[0].servers] == ["id-new", "id-b", "id-c"]
    assert [p.container for p in outcome.problems] == ["b", "c"]


TAKEN = [
    # the routes of the pool that is retained, of the one that is there, and what both have then
    ({}, {"host": "h"}, ["80 / web", "80 h/ new"]),
    ({"host": "h"}, {"host": "h"}, ["80 h/ new"]),
    ({"host": "h,i"}, {"host": "h"}, ["80 h/ new", "80 i/ web"]),
    ({"listen": "81"}, {"listen": "81", "protocol": "tcp"}, ["81 / new"]),
    ({"listen": "81", "protocol": "tcp"}, {}, ["80 / new", "81 / web"]),
    ({"listen": "81", "protocol": "tcp"}, {"listen": "81", "protocol": "tcp"}, ["81 / new"]),
    ({"listen": "81", "protocol": "tcp"}, {"listen": "81"}, ["81 / new"]),
]


@pytest.mark.parametrize(("was", "now", "both"), TAKEN)
def test_a_route_that_somebody_took_meanwhile_is_theirs(
    was: dict[str, Any], now: dict[str, Any], both: list[str]
) -> None:
    """A pool that is retained keeps the routes that are free."""
    previous = decide(world(web("a", **was))).desired
    outcome = after(container("n", {"pool": "new"} | now, networks={NET: "10.9.9.9"}), missing="a", previous=previous)
    assert routes(outcome) == both
    assert any(x.port == 80 for x in outcome.desired.listeners)
    assert servers(outcome)["new"] == ["n"]
