"""A decision without what the proxy refuses, and what people are told of it."""

from __future__ import annotations

import dataclasses

from proxyctl.core.decide.exclude import exclude, exclusions
from proxyctl.core.decide.outcome import Outcome, Waiting
from proxyctl.core.decide.parts import Part, build, parts
from proxyctl.core.model import Desired, Listener, Pool, Problem, Route
from tests.core.states import A, B
from tests.core.worlds import state_of, world

WEB = Pool("web", servers=(A,))
NEW = Pool("new", servers=(B,))
SLOW = dataclasses.replace(WEB, drain_ms=1)


def routed(*routes: tuple[int, str, str], pools: tuple[Pool, ...]) -> Desired:
    """Return these pools behind routes of port, host and pool."""
    ports = sorted({port for port, _, _ in routes})
    listeners = (Listener(n, "http", tuple(Route(h, "/", p) for port, h, p in routes if port == n)) for n in ports)
    return Desired(tuple(listeners), pools)


def test_a_world_in_which_nothing_is_refused() -> None:
    """The outcome is what the labels ask for."""
    outcome = Outcome(Desired((), (WEB,)), wanted=Desired((), (WEB,)))
    assert exclude(outcome, state_of(world())) is outcome


def test_what_people_are_told() -> None:
    """Each refused part has a sentence, and each container that it concerns a problem."""
    accepted = routed((80, "x", "web"), pools=(WEB,))
    changed = dataclasses.replace(SLOW, servers=(A, B))
    wanted = routed((80, "x", "web"), (81, "", "web"), (80, "new", "new"), pools=(changed, NEW))
    everything = [p for own in parts(accepted, wanted).values() for p in own]
    found = exclusions(accepted, wanted, dict.fromkeys([*everything, Part("gone", NEW)], "no"))
    assert [(r.pool, r.severity, r.text) for r in found] == [
        ("new", "error", "pool new is left out: no"),
        ("web", "error", "is left out of pool web: no"),
        ("web", "warning", "pool web keeps its previous settings: no"),
        ("web", "error", "route any host / on port 81 is left out: no"),
    ]
    assert [r.left_out for r in found] == [NEW, None, None, None]
    left = build(accepted, wanted, ())
    waiting = (Waiting("id-c", "c", "new", "", 80, "waits"), Waiting("id-d", "d", "web", "", 80, "waits"))
    refusing = state_of(world(), accepted=accepted, excluded=dict.fromkeys(everything, "no"))
    outcome = exclude(Outcome(wanted, (Problem("z", "", "else", code="P102"),), waiting, wanted=wanted), refusing)
    assert outcome.desired == left
    assert outcome.wanted == wanted
    assert outcome.exclusions == found
    assert [(p.container, p.reason.partition(" ")[0]) for p in outcome.problems] == [
        ("a", "pool"),
        ("a", "route"),
        ("b", "is"),
        ("b", "pool"),
        ("b", "pool"),
        ("b", "route"),
        ("c", "pool"),
        ("d", "pool"),
        ("d", "route"),
        ("z", "else"),
    ]
