"""The search for what is refused: accepted in the end, nobody left out without need, and few checks."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from proxyctl.core.decide.exclude import exclude
from proxyctl.core.decide.outcome import Outcome
from proxyctl.core.model import Desired, Listener, Pool, Route, Server
from proxyctl.reconcile.search import admit, culprits, search
from tests.core.worlds import state_of, world

NUMBERS = st.lists(st.integers(0, 40), unique=True)


def searched(parts: list[int], accepts: Callable[[list[int]], bool]) -> tuple[list[int], dict[int, str], int]:
    """Return what is held, what is refused, and how many checks it took."""
    checks = 0

    async def check(some: list[int]) -> str:
        nonlocal checks
        checks += 1
        return "" if accepts(some) else f"refused with {some[-1]}"

    held: list[int] = []
    refused = asyncio.run(admit(held, parts, check))
    return held, refused, checks


@given(NUMBERS, st.sets(st.integers(0, 40)))
def test_of_independent_parts_exactly_the_bad_ones_are_left_out(parts: list[int], bad: set[int]) -> None:
    """The rest is held, in order, and each is refused with a reason that was given when it was the newest."""
    held, refused, checks = searched(parts, lambda some: not bad & set(some))
    assert held == [p for p in parts if p not in bad]
    assert refused == {p: f"refused with {p}" for p in parts if p in bad}
    assert checks <= 1 + 2 * len(refused) * max(1, len(parts)).bit_length()


@given(NUMBERS, st.sets(st.frozensets(st.integers(0, 40), min_size=1, max_size=3)))
def test_what_is_held_was_accepted_and_nothing_can_be_added(parts: list[int], clashes: set[frozenset[int]]) -> None:
    """Also where parts are good alone and bad together: no refused one could be taken in after all."""

    def accepts(some: list[int]) -> bool:
        return not any(clash <= set(some) for clash in clashes)

    held, refused, _ = searched(parts, accepts)
    assert accepts(held)
    assert {*held, *refused} == set(parts)
    assert not any(accepts([*held, part]) for part in refused)


def test_one_among_a_thousand_takes_few_checks() -> None:
    """Two for each halving."""
    _, refused, checks = searched(list(range(1000)), lambda some: 567 not in some)
    assert refused.keys() == {567}
    assert checks <= 21


# ------------------------------------------------------------------ whole states

NAMES = ("a", "b", "c", "d")
POOLS = st.builds(
    Pool,
    st.just(""),
    settings=st.integers(1, 2).map(lambda ms: (("timeout.queue", ms),)),
    servers=st.lists(
        st.builds(Server, st.sampled_from("xyz"), st.just("id"), st.sampled_from(("1", "2")), st.just(80)),
        unique_by=lambda s: s.name,
        max_size=3,
    ).map(tuple),
)
ROUTES = st.lists(
    st.tuples(
        st.sampled_from((80, 81)), st.builds(Route, st.sampled_from(("", "h")), st.just("/"), st.sampled_from(NAMES))
    ),
    unique_by=lambda p: (p[0], p[1].host),
    max_size=4,
)


@st.composite
def states(draw: st.DrawFn) -> Desired:
    """Return a state as `core.desired` decides it: each pool has a route, and port 80 is always open."""
    places = draw(ROUTES)
    ports = sorted({80, *(port for port, _ in places)})
    listeners = tuple(Listener(n, "http", tuple(r for port, r in places if port == n)) for n in ports)
    names = sorted({r.pool for _, r in places})
    return Desired(listeners, tuple(dataclasses.replace(draw(POOLS), name=name) for name in names))


def facts(state: Desired) -> set[object]:
    """Return what a proxy could refuse of a state: a pool's settings, a server, a route."""
    found: set[object] = set()
    for pool in state.pools:
        found.add((pool.name, pool.settings))
        found |= {(pool.name, s.name, s.address) for s in pool.servers}
    return found | {(x.port, r.host, r.pool) for x in state.listeners for r in x.routes}


@given(states(), states(), st.data())
def test_a_state_that_is_refused_in_part_is_applied_in_part(
    accepted: Desired, wanted: Desired, data: st.DataObject
) -> None:
    """What is held in the end is accepted, and holds all that is wanted of the pools that nothing is refused of."""
    fresh = sorted(facts(wanted) - facts(accepted), key=str)
    bad = set(data.draw(st.lists(st.sampled_from(fresh), unique=True))) if fresh else set()

    async def check(state: Desired) -> str:
        return f"refused: {sorted(bad & facts(state), key=str)}" if bad & facts(state) else ""

    found = asyncio.run(search(accepted, wanted, check))
    outcome = exclude(Outcome(wanted, wanted=wanted), state_of(world(), accepted=accepted, excluded=found))
    held = facts(outcome.desired)
    assert not bad & held
    for pool in wanted.pools:
        if not any(pool.name in (fact[0], fact[-1]) for fact in bad):  # type: ignore[index]
            assert outcome.desired.pool(pool.name) == pool
    assert {p.name for p in wanted.pools if accepted.pool(p.name)} <= {p.name for p in outcome.desired.pools}
    assert bool(outcome.exclusions) == bool(bad)
    if not bad:
        assert outcome.desired == wanted


def test_the_culprits_among_pools_that_serve() -> None:
    """All of them are named; where even nothing at all is refused, no pool is to blame."""
    state = Desired((), tuple(Pool(n) for n in "abcde"))

    async def check(some: Desired) -> str:
        return "no" if some.pool("b") or some.pool("d") else ""

    async def always(_: Desired) -> str:
        return "no"

    assert asyncio.run(culprits(state, check)) == ("b", "d")
    assert asyncio.run(culprits(state, always)) == ()
