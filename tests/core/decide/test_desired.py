"""From a snapshot to what the proxy should do: who serves, drains or waits, and who is told what."""

from __future__ import annotations

import dataclasses
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxyctl.core import codes
from proxyctl.core.decide.outcome import Leaving, Outcome
from proxyctl.core.labels.declaration import Options
from proxyctl.core.model import (
    Container,
    Desired,
    Finding,
    HealthCheck,
    Listener,
    Override,
    Pin,
    Pool,
    Problem,
    Route,
    Server,
    Snapshot,
)
from tests.core import worlds
from tests.core.worlds import HAPROXY, NET, NGINX, OK, container, routes, servers, targets, world, wrong_labels

NOT_YET = Finding(ok=False, reason="connection refused")
DOWN = Finding(ok=False, reason="connection refused", late=True)


def decide(snapshot: Snapshot, **sides: Any) -> Outcome:
    """Return the outcome without the problems about whole pools: `test_unserved` has those."""
    outcome = worlds.decide(snapshot, **sides)
    return dataclasses.replace(outcome, problems=tuple(p for p in outcome.problems if p.code != codes.NOBODY))


def before(*names: str, pool: str = "web", draining: bool = False, address: str = "") -> Desired:
    """Return a state in which these containers are servers of `pool`, which has any host's root."""
    held = tuple(Server(n, f"id-{n}", address or container(n).address_on(NET), 80, draining=draining) for n in names)
    return Desired((Listener(80, "http", (Route("", "/", pool),)),), (Pool(pool, servers=held),))


def web(name: str, labels: dict[str, str] | None = None, **how: object) -> Container:
    """Return a container of pool `web`."""
    return container(name, {"pool": "web"} | (labels or {}), **how)  # type: ignore[arg-type]


# ------------------------------------------------------------------ the usual


def test_replicas_share_a_pool() -> None:
    """Ready containers of one pool are its servers, with what their labels say."""
    outcome = decide(world(web("web1", {"weight": "3", "backup": "1", "maxconn": "9", "port": "81"}), web("web2")))
    (pool,) = outcome.desired.pools
    assert pool.servers == (
        Server("web1", "id-web1", container("web1").address_on(NET), 81, weight=3, backup=True, maxconn=9),
        Server("web2", "id-web2", container("web2").address_on(NET), 80),
    )
    assert routes(outcome) == ["80 / web"]
    assert (outcome.problems, outcome.waiting) == ((), ())


def test_pools_in_maintenance_keep_their_servers() -> None:
    """Maintenance is the pool's; who serves goes on as before, so that turning it off is all that is left to do."""
    snapshot = world(web("web1"), container("api", {"path": "/api"}))
    open_, closed = decide(snapshot), decide(snapshot, maintenance=("web", "gone"))
    assert [(p.name, p.maintenance) for p in closed.desired.pools] == [("api", False), ("web", True)]
    assert servers(closed) == servers(open_) == {"api": ["api"], "web": ["web1"]}


def test_an_empty_world() -> None:
    """With no containers there is one open port, which answers 404, and nothing to say."""
    empty = Desired((Listener(80),))
    assert decide(world()) == Outcome(empty, wanted=empty)


def test_a_bad_label_costs_that_container_alone() -> None:
    """The faulty container is left out with its problem; its neighbours serve."""
    outcome = decide(world(web("web1"), web("web2", {"weight": "300"})))
    assert servers(outcome) == {"web": ["web1"]}
    assert wrong_labels(outcome.problems) == [("web2", "proxyctl.weight")]


# ------------------------------------------------------------------ joining, draining, leaving

NONE: list[str] = []
UP, DRAIN = ["w"], ["w-"]

LIFE = [
    # state, health, stopping, finding, was in the pool: what it is, does it wait, is there a problem
    ("running", "none", False, OK, False, UP, False, False),
    ("running", "healthy", False, OK, False, UP, False, False),
    ("running", "none", False, None, False, NONE, True, False),
    ("running", "none", False, NOT_YET, False, NONE, True, False),
    ("running", "none", False, DOWN, False, NONE, True, True),
    ("running", "none", False, Finding(ok=False), False, NONE, True, False),
    ("running", "none", False, NOT_YET, True, UP, False, False),
    ("running", "none", False, DOWN, True, NONE, True, True),
    ("running", "none", False, None, True, UP, False, False),
    ("running", "starting", False, OK, False, NONE, True, False),
    ("running", "starting", False, OK, True, NONE, True, False),
    ("running", "unhealthy", False, OK, False, NONE, True, True),
    ("running", "unhealthy", False, OK, True, DRAIN, False, True),
    ("running", "healthy", True, OK, True, DRAIN, False, False),
    ("running", "healthy", True, OK, False, NONE, False, False),
    ("running", "unhealthy", True, OK, True, DRAIN, False, False),
    ("paused", "none", False, OK, True, DRAIN, False, False),
    ("paused", "none", False, OK, False, NONE, False, False),
    ("restarting", "none", False, OK, True, NONE, True, False),
    ("created", "none", False, OK, True, NONE, False, False),
    ("exited", "none", False, OK, True, NONE, False, False),
    ("dead", "none", False, OK, True, NONE, False, False),
    ("removing", "none", True, OK, True, NONE, False, False),
]


@pytest.mark.parametrize(("state", "health", "stopping", "finding", "was", "served", "waits", "problem"), LIFE)
def test_the_life_of_a_server(  # noqa: PLR0913, PLR0917 - one column each
    state: str,
    health: str,
    stopping: bool,
    finding: Finding | None,
    was: bool,
    served: list[str],
    waits: bool,
    problem: bool,
) -> None:
    """A server joins when all is well, drains while it ends, and its pool keeps its route when it is gone."""
    snapshot = world(web("w", state=state, health=health, stopping=stopping))
    asked = targets(world(web("w")), Options(), HAPROXY)
    findings = dict.fromkeys(asked, finding) if finding else {}
    outcome = decide(snapshot, findings=findings, previous=before("w") if was else None)
    assert servers(outcome) == {"web": served}
    assert routes(outcome) == ["80 / web"]
    assert [(w.name, w.failed) for w in outcome.waiting] == [("w", problem)] * waits
    assert all(w.reason for w in outcome.waiting)
    assert wrong_labels(outcome.problems) == [("w", "")] * problem


def test_a_sick_container_shows_why() -> None:
    """Its problem has the provider's command that shows what its own check answered."""
    [problem] = decide(world(web("w", health="unhealthy"))).problems
    assert problem.reason == "its HEALTHCHECK says unhealthy: inspect w shows what it answered"


@pytest.mark.parametrize("state", ["running", "restarting"])
@pytest.mark.parametrize("was", [True, False])
def test_a_container_that_crashes_in_a_loop_gets_nothing(state: str, *, was: bool) -> None:
    """Ready or not: it waits, with a problem that says for what, and its pool has nobody else."""
    outcome = worlds.decide(
        world(web("w", state=state)), previous=before("w") if was else None, crashing={"w": "crashed 4 times"}
    )
    assert servers(outcome) == {"web": []}
    assert [(w.reason, w.failed) for w in outcome.waiting] == [("crashed 4 times", True)]
    assert [(p.container, p.reason, p.code) for p in outcome.problems if p.container] == [
        ("w", "crashed 4 times", codes.CRASHES)
    ]
    assert [p.code for p in outcome.problems if not p.container] == [codes.NOBODY]


@pytest.mark.parametrize("how", [{"state": "exited"}, {"state": "paused"}, {"stopping": True}])
def test_a_container_that_ends_or_is_told_to_is_no_crash_loop_any_more(how: dict[str, Any]) -> None:
    """Nobody could mend it by then."""
    outcome = decide(world(web("w", **how), web("x")), crashing={"w": "crashed 4 times"})
    assert servers(outcome) == {"web": ["x"]}
    assert outcome.problems == ()


AWAY = {"bridge": "172.17.0.2"}
LEAVES = [
    # what happens to it, does it drain, is a problem wrong_labels
    ({"stopping": True}, True, False),
    ({"state": "paused"}, True, False),
    ({"health": "unhealthy"}, True, True),
    ({"networks": AWAY}, True, True),
    ({"networks": {NET: ""}}, True, False),
    ({}, False, False),
    ({"state": "exited"}, False, False),
]


@pytest.mark.parametrize(("how", "leaves", "problem"), LEAVES)
def test_who_leaves_has_the_pools_drain_and_no_more(how: dict[str, Any], leaves: bool, problem: bool) -> None:
    """It drains for that long and is then taken out; it counts as leaving until the proxy has it no more.

    One that was told to stop counts as long as it runs: a stop signal is not taken back.
    """
    snapshot = world(web("w", {"drain": "7s"}, **how))
    during = decide(snapshot, previous=before("w"))
    assert during.leaving == ((Leaving("web", "id-w", 7000),) if leaves else ())
    assert [s.draining for p in during.desired.pools for s in p.servers] == [True] * leaves or not leaves
    after = decide(snapshot, previous=before("w"), drained={("web", "id-w")})
    assert after.leaving == during.leaving
    if leaves:
        assert servers(after) == {"web": []}
        told = {p.code for p in during.problems}
        assert bool(told) == problem
        assert {p.code for p in after.problems} == told | ({codes.RUNS_ON} if "stopping" in how else set())
        assert decide(snapshot, previous=after.desired).leaving == (during.leaving if "stopping" in how else ())
        assert all(w.failed for w in after.waiting)
    else:
        assert after == during


def test_who_was_told_to_stop_and_runs_on_is_a_problem_as_long_as_it_does() -> None:
    """Nobody knows whether it ends in the next moment; once it is started again it serves."""
    over = {("web", "id-w")}
    after = decide(world(web("w", stopping=True)), previous=before("w"), drained=over)
    later = decide(world(web("w", stopping=True)), previous=after.desired, drained=over)
    assert [(p.container, p.code) for p in later.problems] == [("w", codes.RUNS_ON)]
    assert [x.container for x in later.leaving] == ["id-w"]
    again = decide(world(web("w")), previous=after.desired, drained=over)
    assert (servers(again), again.problems, again.leaving) == ({"web": ["w"]}, (), ())


@pytest.mark.parametrize("state", ["running", "paused"])
def test_a_stop_signal_is_timed_whatever_comes_after_it(state: str) -> None:
    """A pause is no end of it, nor is it that the container never was in the pool: it may run on all the same."""
    stopping = decide(world(web("w", stopping=True, state=state)))
    assert [x.container for x in stopping.leaving] == ["id-w"]
    over = decide(world(web("w", stopping=True)), drained=[("web", "id-w")])
    assert codes.RUNS_ON in {p.code for p in over.problems}
    assert [x.container for x in over.leaving] == ["id-w"]


def test_an_operators_drain_has_no_end() -> None:
    """It lasts until `ready`; when the container leaves as well, that ends it."""
    decisions = {"id-w": Override(drain=True)}
    assert decide(world(web("w")), overrides=decisions, previous=before("w")).leaving == ()
    stopping = decide(world(web("w", stopping=True)), overrides=decisions, previous=before("w"))
    assert [x.container for x in stopping.leaving] == ["id-w"]


def test_a_waiting_container_says_for_what() -> None:
    """The reason of the finding is what status shows, with everything needed to find the container."""
    snapshot = world(web("w", networks={NET: "10.0.0.9"}))
    findings = dict.fromkeys(targets(snapshot, Options(), HAPROXY), NOT_YET)
    (waiting,) = decide(snapshot, findings=findings).waiting
    assert dataclasses.astuple(waiting) == ("id-w", "w", "web", "10.0.0.9", 80, "connection refused", False)


def test_without_an_address_it_waits() -> None:
    """A container that Docker has not given an address yet is not asked and not served."""
    outcome = decide(world(web("w", networks={NET: ""})))
    assert servers(outcome) == {"web": []}
    assert "address" in outcome.waiting[0].reason


@pytest.mark.parametrize(("draining", "served"), [(False, ["w"]), (True, ["w-"])])
def test_no_answer_is_no_bad_answer(draining: bool, served: list[str]) -> None:
    """Who served is kept as it was while nothing is certain yet, as after a restart of proxyctl."""
    snapshot = world(web("w"))
    (target,) = targets(snapshot, Options(), HAPROXY)
    for findings in ({}, {target: NOT_YET}):
        outcome = decide(snapshot, findings=findings, previous=before("w", draining=draining))
        assert servers(outcome) == {"web": served}


def test_a_new_address_has_to_answer_first() -> None:
    """What was known of an old address says nothing about a new one."""
    outcome = decide(world(web("w")), findings={}, previous=before("w", address="10.9.9.9"))
    assert servers(outcome) == {"web": []}


def test_a_draining_server_keeps_its_last_address() -> None:
    """A container that ends may lose its address before its last answer is out."""
    snapshot = world(web("w", stopping=True, networks={NET: ""}))
    assert decide(snapshot, previous=before("w", address="10.9.9.9")).desired.pools[0].servers[0].address == "10.9.9.9"


def test_a_failed_check_on_nginx_takes_a_server_down() -> None:
    """For nginx proxyctl makes the checks: who fails them is taken out, and comes back when it passes."""
    snapshot = world(web("w", {"health.path": "/up"}))
    (target,) = targets(snapshot, Options(), NGINX)
    down = decide(snapshot, findings={target: DOWN}, features=NGINX, previous=before("w"))
    assert servers(down) == {"web": []}
    again = decide(snapshot, findings={target: NOT_YET}, features=NGINX, previous=down.desired)
    assert servers(again) == {"web": []}
    assert servers(decide(snapshot, findings={target: OK}, features=NGINX, previous=down.desired)) == {"web": ["w"]}


@pytest.mark.parametrize(
    ("decision", "served", "weight"),
    [
        (Override(drain=True), ["w-"], 5),
        (Override(weight=0), ["w"], 0),
        (Override(weight=9), ["w"], 9),
        (Override(), ["w"], 5),
    ],
)
def test_an_operator_decides(decision: Override, served: list[str], weight: int) -> None:
    """A decision drains a server or replaces the weight of its label, and never brings one in early."""
    snapshot = world(web("w", {"weight": "5"}))
    outcome = decide(snapshot, overrides={"id-w": decision})
    assert servers(outcome) == {"web": served}
    assert outcome.desired.pools[0].servers[0].weight == weight
    assert servers(decide(snapshot, overrides={"id-w": decision}, findings={})) == {"web": []}


# ------------------------------------------------------------------ replicas that disagree


def disagreement(*containers: Container, **how: object) -> tuple[str, list[tuple[str, str]]]:
    """Return the pool's balance and who was told what."""
    outcome = decide(world(*containers), **how)
    return outcome.desired.pools[0].balance, wrong_labels(outcome.problems)


def test_the_newest_ready_replica_decides() -> None:
    """The newest container that is ready speaks for the pool; who differs is warned and goes on serving."""
    old, new = web("a", {"balance": "source"}, created=1), web("b", {"balance": "uri"}, created=2)
    outcome = decide(world(old, new))
    assert outcome.desired.pools[0].balance == "uri"
    assert servers(outcome) == {"web": ["a", "b"]}
    (warning,) = outcome.problems
    reason = "source here, uri at b, the newest that serves: the pool goes by that"
    assert warning == Problem("a", "proxyctl.balance", reason, "warning", code=codes.REPLICAS_DISAGREE)


def test_a_replica_that_only_joins_moves_no_live_site() -> None:
    """Its labels count from the pass after it has joined, and not while the proxy's check does not let it serve."""
    old, new = web("a", {"host": "old.test"}, created=1), web("b", {"host": "new.test"}, created=2)
    joins = decide(world(old, new), previous=before("a"))
    assert routes(joins) == ["80 old.test/ web"]
    assert routes(decide(world(old, new), previous=joins.desired, failing={("web", "b"): "x"})) == ["80 old.test/ web"]
    assert routes(decide(world(old, new), previous=joins.desired)) == ["80 new.test/ web"]


def test_at_the_same_second_the_name_decides() -> None:
    """Containers made at once have an order all the same."""
    assert disagreement(web("a", {"balance": "uri"}), web("b"))[0] == "roundrobin"


@pytest.mark.parametrize("how", [{"state": "exited"}, {"state": "paused"}, {"stopping": True}, {"health": "unhealthy"}])
def test_a_newcomer_that_does_not_serve_decides_nothing(how: dict[str, object]) -> None:
    """Who has ended, pauses, ends or is sick has no say while another is well."""
    newest = web("b", {"balance": "uri"}, created=2, **how)
    balance, problems = disagreement(web("a", created=1), newest, previous=before("a", "b"))
    assert balance == "roundrobin"
    assert ("a", "proxyctl.balance") not in problems


def test_one_that_pauses_decides_before_one_that_ended() -> None:
    """Where nobody runs, who will run again speaks for the pool rather than what is left of an ended one."""
    paused, ended = web("a", state="paused", created=1), web("b", {"balance": "uri"}, state="exited", created=2)
    assert disagreement(paused, ended) == ("roundrobin", [])


@pytest.mark.parametrize("how", [{"stopping": True}, {"state": "paused"}, {"state": "exited"}])
def test_who_leaves_is_not_warned(how: dict[str, object]) -> None:
    """During a rolling change of labels only those that stay are told that theirs differ."""
    assert disagreement(web("a", {"balance": "uri"}, **how), web("b"), previous=before("a")) == ("roundrobin", [])


def test_a_newcomer_that_is_not_ready_decides_nothing_yet() -> None:
    """Labels of a container that has not answered yet do not change the pool of those who serve."""
    snapshot = world(web("a", created=1), web("b", {"balance": "uri", "protocol": "https"}, created=2))
    first, _ = targets(snapshot, Options(), HAPROXY)
    (pool,) = decide(snapshot, findings={first: OK}).desired.pools
    assert (pool.balance, pool.protocol) == ("roundrobin", "http")


def test_the_routes_are_the_speakers() -> None:
    """A pool has the routes of the newest ready replica; the others are warned about theirs."""
    outcome = decide(world(web("a", {"host": "a"}, created=1), web("b", {"host": "b"}, created=2)))
    assert routes(outcome) == ["80 b/ web"]
    assert wrong_labels(outcome.problems) == [("a", "proxyctl.host")]


# ------------------------------------------------------------------ pools that want the same


def test_who_has_a_route_keeps_it() -> None:
    """A newcomer cannot take a route, whatever its age or name; both labels that would help are named."""
    snapshot = world(container("a", created=1), container("web"))
    outcome = decide(snapshot, previous=before("web", pool="web"))
    assert routes(outcome) == ["80 / web"]
    assert servers(outcome) == {"web": ["web"]}
    reason = "pool web keeps any host / on port 80; give one of them another proxyctl.host or proxyctl.path"
    assert outcome.problems == (Problem("a", "proxyctl.host", reason, code=codes.ROUTE_TAKEN),)


@pytest.mark.parametrize(
    ("labels", "label"),
    [
        ({"path": "/x"}, "proxyctl.path"),
        ({"path": "/x", "host": "h"}, "proxyctl.host"),
        ({"route.r.path": "/x"}, "proxyctl.route.r.path"),
    ],
)
def test_a_refusal_names_the_label_that_was_written(labels: dict[str, str], label: str) -> None:
    """The problem stands at the label that made the claim, in the container's own words."""
    first = container("a", {"path": "/x", "host": labels.get("host", "*"), "route.own.host": "z"}, created=1)
    outcome = decide(world(first, container("b", labels)))
    assert label in [p.label for p in outcome.problems if "/x on port 80" in p.reason]


def test_every_present_container_of_the_loser_is_told() -> None:
    """All replicas that lost are wrong_labels, but not those that have ended."""
    losers = [
        container("l1", {"pool": "l"}, created=7),
        container("l2", {"pool": "l", "host": "x"}, created=6),
        container("l3", {"pool": "l"}, state="exited"),
    ]
    outcome = decide(world(container("a", created=1), *losers))
    refused = [(p.container, p.label) for p in outcome.problems if "keeps" in p.reason]
    assert refused == [("l1", "proxyctl.host"), ("l2", "proxyctl.host")]


def test_a_pool_that_has_ended_loses_to_one_that_runs() -> None:
    """What remains of an ended pool answers 503, but never stands in a running one's way."""
    ended = container("a", state="exited", created=1)
    outcome = decide(world(ended, container("b")), previous=before("a", pool="a"))
    assert servers(outcome) == {"b": ["b"]}
    assert outcome.problems == ()
    assert servers(decide(world(ended))) == {"a": []}


def test_the_age_of_a_pool_is_that_of_its_present_containers() -> None:
    """A container that ended long ago gives its pool no seniority."""
    containers = [
        container("b1", {"pool": "b"}, created=1, state="exited"),
        container("b2", {"pool": "b"}, created=9),
        container("c", created=5),
    ]
    assert routes(decide(world(*containers))) == ["80 / c"]


def test_tcp_and_http_do_not_share_a_port() -> None:
    """A tcp port is one pool's alone, and the label to change is `listen`."""
    db = container("db", {"protocol": "tcp", "listen": "80"}, created=1)
    outcome = decide(world(db, container("web")))
    assert outcome.desired.listeners == (Listener(80, "tcp", (Route("", "/", "db"),)),)
    assert wrong_labels(outcome.problems) == [("web", "proxyctl.listen")]


def test_a_pool_without_a_route_waits_for_nothing() -> None:
    """Who lost all routes is a problem, not somebody who will join."""
    outcome = decide(world(container("a", created=1), container("b", networks={NET: ""})))
    assert outcome.waiting == ()
    assert list(servers(outcome)) == ["a"]


# ------------------------------------------------------------------ the same world, the same bytes

LABELS = st.fixed_dictionaries(
    {},
    optional={
        "pool": st.sampled_from(["p", "q"]),
        "host": st.sampled_from(["a", "a,b", "*.b", "~"]),
        "path": st.sampled_from(["/", "/x"]),
        "balance": st.sampled_from(["uri", "source"]),
        "protocol": st.sampled_from(["http", "tcp"]),
        "listen": st.sampled_from(["80", "81"]),
        "health.path": st.just("/up"),
        "route.r.port": st.just("81"),
        "route.s.path": st.just("/s"),
    },
)
CONTAINERS = st.lists(
    st.builds(
        lambda name, labels, state, health, stopping, created: container(
            name, labels, state=state, health=health, stopping=stopping, created=created
        ),
        st.sampled_from(["a", "b", "c", "d", "e"]),
        LABELS,
        st.sampled_from(["running", "running", "running", "paused", "exited", "restarting"]),
        st.sampled_from(["none", "healthy", "starting", "unhealthy"]),
        st.booleans(),
        st.integers(1, 3),
    ),
    unique_by=lambda c: c.name,
    max_size=5,
)


@given(CONTAINERS, CONTAINERS, st.randoms(use_true_random=False), st.sampled_from([HAPROXY, NGINX]))
def test_the_order_of_the_world_does_not_matter(
    containers: list[Container], earlier: list[Container], chance: random.Random, features: object
) -> None:
    """The same world in any order gives an identical outcome, which is consistent in itself."""
    previous = decide(world(*earlier)).desired
    shuffled = chance.sample(containers, len(containers))
    outcome = decide(world(*containers), previous=previous, features=features)
    assert outcome == decide(world(*shuffled), previous=previous, features=features)
    assert list(outcome.problems) == sorted(outcome.problems)
    routed = {r.pool for x in outcome.desired.listeners for r in x.routes}
    assert routed == {p.name for p in outcome.desired.pools}
    for listener in outcome.desired.listeners:
        assert len({(r.host, r.path) for r in listener.routes}) == len(listener.routes)
        assert listener.protocol == "http" or len(listener.routes) == 1
        protocols = {outcome.desired.pool(r.pool).protocol == "tcp" for r in listener.routes}  # type: ignore[union-attr]
        assert protocols <= {listener.protocol == "tcp"}


@given(CONTAINERS)
def test_a_decision_once_made_is_kept(containers: list[Container]) -> None:
    """Deciding again about the same world, with what was decided as the previous state, changes nothing."""
    snapshot: Snapshot = world(*containers)
    first = decide(snapshot).desired
    assert decide(snapshot, previous=first).desired == first


# ------------------------------------------------------------------ held at a generation

OLD = Desired(
    (Listener(80, "http", (Route("", "/old", "gone"), Route("shop", "/", "web"))),),
    (
        Pool("gone", balance="uri"),
        Pool(
            "web", balance="leastconn", maintenance=True, health=HealthCheck("/up"), servers=(Server("x", "", "", 1),)
        ),
    ),
)
HELD = Pin(3, "noon", OLD)


def test_a_held_gateway_has_the_pools_and_routes_of_then_and_the_servers_of_now() -> None:
    """Who joins, leaves, drains is Docker's word; what they join is the generation's."""
    snapshot = world(web("web1", {"balance": "uri", "host": "elsewhere"}), web("web2"), web("ended", state="exited"))
    outcome = decide(snapshot, pin=HELD, overrides={"id-web2": Override(drain=True, weight=9)})
    assert outcome.desired.listeners == OLD.listeners
    gone, pool = outcome.desired.pools
    assert gone == Pool("gone", balance="uri")
    assert dataclasses.replace(pool, servers=()) == Pool("web", balance="leastconn", health=HealthCheck("/up"))
    assert [(s.name, s.weight, s.draining) for s in pool.servers] == [("web1", 1, False), ("web2", 9, True)]
    (problem,) = outcome.problems
    assert (problem.container, problem.severity) == ("", "warning")
    assert problem.reason.startswith("held at generation 3 since noon:")
    assert "`proxyctl rollback --release`" in problem.reason


def test_a_held_gateway_checks_health_as_then() -> None:
    """On nginx the check is made by proxyctl: it is a setting of the pool as well."""
    snapshot = world(web("web1", {"health.path": "/new"}))
    (target,) = targets(snapshot, Options(), NGINX, HELD)
    assert target.check == HealthCheck("/up")


def test_a_pool_that_the_generation_does_not_have_waits() -> None:
    """It gets no route, its container is told why, and maintenance goes on being the operator's of now."""
    snapshot = world(web("web1"), container("new", {"path": "/new"}))
    outcome = decide(snapshot, pin=HELD, maintenance=("web",), findings={})
    assert [(p.name, p.maintenance) for p in outcome.desired.pools] == [("gone", False), ("web", True)]
    assert [w.name for w in outcome.waiting] == ["web1"]
    assert [(p.container, "is not in generation 3" in p.reason) for p in outcome.problems] == [
        ("", False),
        ("new", True),
    ]
