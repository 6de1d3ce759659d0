"""Plans: that they lead from one state to the other, and what they cost."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxyctl.core.changes import (
    Change,
    ListenerAdded,
    ListenerChanged,
    ListenerRemoved,
    PoolAdded,
    PoolChanged,
    PoolRemoved,
    ServerAdded,
    ServerChanged,
    ServerRemoved,
)
from proxyctl.core.model import ConfigFiles, Desired, HealthCheck, Listener, Pool, Route, Server
from proxyctl.core.plan import apply, diff, make
from tests.core.states import OTHER_PORT, PORT, STATE, WEB, A, B, drained, having
from tests.core.worlds import NET, container, world

SERVERS = st.builds(
    Server,
    name=st.sampled_from("abc"),
    container=st.just("id"),
    address=st.just("10.0.0.1"),
    port=st.just(80),
    weight=st.integers(0, 1),
    draining=st.booleans(),
)
POOLS = st.builds(
    Pool,
    name=st.sampled_from("pqr"),
    balance=st.sampled_from(["uri", "source"]),
    sticky=st.none() | st.just("c"),
    maintenance=st.booleans(),
    health=st.none() | st.just(HealthCheck("/up")),
    servers=st.lists(SERVERS, unique_by=lambda s: s.name, max_size=3).map(tuple),
)
ROUTES = st.builds(Route, st.sampled_from(["", "h"]), st.just("/"), st.sampled_from("pqr"))
LISTENERS = st.builds(
    Listener,
    st.sampled_from([80, 81]),
    st.sampled_from(["http", "tcp"]),
    st.lists(ROUTES, unique=True, max_size=2).map(tuple),
)
STATES = st.builds(
    Desired,
    st.lists(LISTENERS, unique_by=lambda x: x.port, max_size=2).map(tuple),
    st.lists(POOLS, unique_by=lambda p: p.name, max_size=3).map(tuple),
)


@given(STATES, STATES)
def test_a_plan_leads_there(before: Desired, after: Desired) -> None:
    """The changes of a plan turn the one state into the other, and there are none when nothing differs."""
    changes = diff(before, after)
    assert apply(changes, before) == after
    assert bool(changes) == (before != after)


BARE = dataclasses.replace(WEB, servers=())
URI = dataclasses.replace(BARE, balance="uri")

PLANS = [
    (STATE, STATE, (), False),
    (having(A), STATE, (ServerAdded("web", B),), False),
    (STATE, having(A), (ServerRemoved("web", B),), True),
    (STATE, having(A, drained(B)), (ServerChanged("web", B, drained(B)),), True),
    (having(A, drained(B)), STATE, (ServerChanged("web", drained(B), B),), False),
    (having(A), having(dataclasses.replace(A, address="10.9.9.9")), None, True),
    (having(A), having(dataclasses.replace(A, weight=2)), None, False),
    (Desired(), STATE, (PoolAdded(WEB), ListenerAdded(PORT)), False),
    (STATE, Desired(), (PoolRemoved(WEB), ListenerRemoved(PORT)), True),
    (STATE, having(A, B, balance="uri"), (PoolChanged(BARE, URI),), False),
    (STATE, having(A, B, maintenance=True), None, False),
    (having(A, drained(B)), having(A), (ServerRemoved("web", drained(B)),), False),
    (STATE, Desired((OTHER_PORT,), (WEB,)), (ListenerChanged(PORT, OTHER_PORT),), False),
]


@pytest.mark.parametrize(("before", "after", "changes", "urgent"), PLANS)
def test_what_a_plan_holds(before: Desired, after: Desired, changes: tuple[object, ...] | None, urgent: bool) -> None:
    """A plan names exactly what differs, and says whether it may not wait."""
    made = diff(before, after)
    assert changes is None or made.changes == changes
    assert made.urgent == urgent
    assert made.joins == any(isinstance(c, ServerAdded) for c in made.changes)
    assert made.removed == tuple((c.pool, c.server) for c in made.changes if isinstance(c, ServerRemoved))
    assert apply(made, before) == after


@dataclasses.dataclass(frozen=True)
class Generation:
    """What a proxy was confirmed to do."""

    desired: Desired
    revision: str = "old"
    topology: str = "topology"


UNCHANGED = ConfigFiles((), "old", "topology")
SERVERS_ONLY = ConfigFiles((), "new", "topology")
MORE = ConfigFiles((), "new", "other topology")


class Costly:
    """Rules by which pools and listeners take a reload, and servers do not."""

    def reload_reason(self, change: Change, after: Desired) -> str:
        """Return the change's name, where it takes one."""
        return "" if isinstance(change, ServerAdded | ServerRemoved | ServerChanged) else type(change).__name__


@pytest.mark.parametrize(
    ("applied", "after", "files", "how", "reasons"),
    [
        (None, STATE, MORE, "reload", ("the proxy does not yet run a known generation",)),
        (STATE, STATE, UNCHANGED, "unchanged", ()),
        (having(A, drained(B)), having(A), UNCHANGED, "unchanged", ()),
        (having(A), STATE, SERVERS_ONLY, "runtime", ()),
        (STATE, STATE, SERVERS_ONLY, "reload", ("templates changed",)),
        (STATE, STATE, MORE, "reload", ("templates or settings changed",)),
        (having(A), STATE, MORE, "reload", ("templates or settings changed",)),
        (having(A), having(A, B, balance="uri"), MORE, "reload", ("PoolChanged",)),
        (Desired(), STATE, MORE, "reload", ("ListenerAdded", "PoolAdded")),
    ],
)
def test_what_the_whole_of_it_costs(
    applied: Desired | None, after: Desired, files: ConfigFiles, how: str, reasons: tuple[str, ...]
) -> None:
    """One reason is enough for all of it; what is printed the same needs no reload, whatever it stands for."""
    made = make(Generation(applied) if applied else None, after, files, Costly())
    assert (made.how, made.reasons) == (how, reasons)
    assert made.changes == diff(applied or Desired(), after).changes


def test_each_change_has_its_own_cost() -> None:
    """In the order of the changes; run time is enough for those that cost nothing."""
    made = make(Generation(having(A)), having(A, B, balance="uri"), MORE, Costly())
    assert made.costs == ("PoolChanged", "")


@pytest.mark.parametrize(
    ("there", "expected"),
    [({NET: "10.0.0.2"}, {"10.0.0.1"}), ({NET: "10.0.0.2", "other": "10.0.0.1"}, set()), ({NET: ""}, {"10.0.0.1"})],
)
def test_an_address_is_vacated_when_no_container_has_it_any_more(there: dict[str, str], expected: set[str]) -> None:
    """Whether its server leaves at once or drains; one that lives on may finish; no address is none."""
    unknown = dataclasses.replace(B, name="c", address="")
    before = Desired((PORT,), (dataclasses.replace(WEB, servers=(A, unknown)),))
    drains = dataclasses.replace(WEB, servers=(dataclasses.replace(A, draining=True),))
    snapshot = world(container("b", networks=there))
    for after in (Desired((PORT,), (drains,)), Desired((PORT,), (dataclasses.replace(WEB, servers=()),))):
        assert diff(before, after).vacated(snapshot) == expected
        missing = dataclasses.replace(snapshot, missing=frozenset({A.container}))
        assert diff(before, after).vacated(missing) == set()
