"""What `status` shows: the routes and servers of each pool, and the state of each server."""

from __future__ import annotations

import dataclasses

import pytest

from proxyctl.core import codes, status
from proxyctl.core.decide.outcome import Exclusion, Outcome, Waiting
from proxyctl.core.model import Desired, Listener, Pool, Problem, Route, Server, ServerCount
from proxyctl.core.status import RouteStatus, ServerStatus
from tests.core.worlds import container, world
from tests.statuses import pool as some_pool
from tests.statuses import status as some_status

A = Server("a", "id-a", "10.0.0.1", 80, weight=3, backup=True)
LISTENERS = (
    Listener(80, routes=(Route("", "/", "web"), Route("h", "/x", "web", strip_prefix=True), Route("o", "/", "other"))),
)


def test_the_shape_of_the_contract() -> None:
    """A pool has its routes and its servers, those that wait among them, by name."""
    outcome = Outcome(
        Desired(LISTENERS, (Pool("other"), Pool("web", balance="uri", servers=(A,)))),
        waiting=(
            Waiting("id-0", "0", "web", "10.0.0.9", 81, "not yet"),
            Waiting("id-a", "a", "web", "10.0.0.1", 80, "not yet"),
            Waiting("id-b", "b", "other", "10.0.0.2", 80, "not yet"),
            Waiting("id-c", "c", "other", "10.0.0.3", 80, "fails its check", failed=True),
        ),
    )
    applied = Desired(LISTENERS, (Pool("web", servers=(A,)),))
    counts = [ServerCount("web", "a", 12, up=True), ServerCount("other", "a", 99, up=True)]
    other, web = status.pools(outcome, applied, world(container("a")), counts)
    assert [(s.name, s.state) for s in other.servers] == [("b", "starting"), ("c", "down")]
    assert (web.name, web.protocol, web.balance) == ("web", "http", "uri")
    assert web.routes == (
        RouteStatus(None, "/", 80, strip_prefix=False),
        RouteStatus("h", "/x", 80, strip_prefix=True),
    )
    assert web.servers == (
        ServerStatus("0", "id-0", "10.0.0.9:81", "starting", 0, backup=False, requests=None, reason="not yet"),
        ServerStatus("a", "id-a", "10.0.0.1:80", "up", 3, backup=True, requests=12, reason=""),
    )


@pytest.mark.parametrize(
    ("draining", "state", "count", "expected"),
    [
        (False, "running", ServerCount("web", "a", 1, up=True), "up"),
        (False, "running", None, "up"),
        (False, "running", ServerCount("web", "a", None, up=None), "up"),
        (False, "running", ServerCount("web", "a", 1, up=False), "down"),
        (False, "exited", ServerCount("web", "a", 1, up=True), "down"),
        (True, "running", ServerCount("web", "a", 1, up=False), "draining"),
    ],
)
def test_the_state_of_a_server(draining: bool, state: str, count: ServerCount | None, expected: str) -> None:
    """A server is up unless it drains, its check fails or its container does not run."""
    server = Server("a", "id-a", "10.0.0.1", 80, draining=draining)
    applied = Desired((), (Pool("web", servers=(server,)),))
    snapshot = world(container("a", state=state))  # type: ignore[arg-type]
    (pool,) = status.pools(Outcome(applied), applied, snapshot, [count] if count else [])
    assert [s.state for s in pool.servers] == [expected]


def test_a_pool_that_the_proxy_refuses_is_listed_without_routes() -> None:
    """All of its servers are down for that reason, and who waits says for what; other refusals are told, too."""
    serves, out = Pool("web"), Pool("bad", servers=(Server("s", "id-s", "10.0.0.1", 80),))
    refused = (
        Exclusion("bad", "pool bad is left out: no", "error", left_out=out),
        Exclusion("web", "pool web keeps its previous settings: no", "warning"),
    )
    waiting = (Waiting("id-r", "r", "bad", "10.0.0.2", 80, "not yet"),)
    state = Desired((), (serves,))
    bad, web = status.pools(Outcome(state, (), waiting, exclusions=refused), state, world(), [])
    assert (bad.name, bad.routes, bad.refused) == ("bad", (), ("pool bad is left out: no",))
    assert [(s.name, s.state, s.reason) for s in bad.servers] == [
        ("r", "starting", "not yet"),
        ("s", "down", "pool bad is left out: no"),
    ]
    assert web.refused == ("pool web keeps its previous settings: no",)


def test_errors_come_first() -> None:
    """Problems are listed with errors before warnings, each by container and label."""
    a, b, c = (Problem(name, "l", "r", "warning" if name == "a" else "error", code="P102") for name in "abc")
    assert status.problems([a, c, b]) == (b, c, a)


def test_servers_of_a_pool_in_maintenance() -> None:
    """Those that could serve are in `maintenance`; one that drains or is down is still told apart."""
    held = tuple(Server(n, f"id-{n}", "10.0.0.1", 80, draining=n == "b") for n in "abc")
    applied = Desired((), (Pool("web", maintenance=True, servers=held),))
    snapshot = world(container("a"), container("b"), container("c", state="exited"))
    (pool,) = status.pools(Outcome(Desired((), (Pool("web"),))), applied, snapshot, [])
    assert [s.state for s in pool.servers] == ["maintenance", "draining", "down"]
    assert (pool.maintenance, pool.drain_seconds) == (True, 30.0)


@pytest.mark.parametrize(
    ("age", "resync", "problem", "expected"),
    [
        (0.1, 30.0, "", ""),
        (90.0, 30.0, "", ""),
        (899.0, 300.0, "", ""),
        (91.0, 30.0, "", "Docker was listed 91 s ago, and should be every 30 s"),
        (91.0, 30.0, "listing: no answer", "listing: no answer"),
        (None, 30.0, "", "Docker has not been listed yet"),
        (None, 30.0, "ping: refused", "ping: refused"),
        (0.1, 30.0, "ping: refused", "ping: refused"),
    ],
)
def test_what_is_stale_and_why(age: float | None, resync: float, problem: str, expected: str) -> None:
    """While Docker fails, or after three listings missed, however rare they are; Docker's own reason comes first."""
    assert status.staleness(age, resync=resync, problem=problem) == expected


def test_a_pool_is_found_by_its_name() -> None:
    """A status has its pools by name, and None for a name that it does not have."""
    found = some_status(some_pool("api"), some_pool("web"))
    assert found.pool("web") == some_pool("web")
    assert found.pool("wbe") is None


@pytest.mark.parametrize(("reason", "stale"), [(None, False), ("Docker does not answer", True)])
def test_a_status_is_stale_for_a_reason(reason: str | None, stale: bool) -> None:
    """There is no stale status without a reason, nor a reason for a fresh one."""
    assert dataclasses.replace(some_status(), stale_reason=reason).stale is stale


@pytest.mark.parametrize(
    ("problem", "reason", "well"),
    [
        (None, None, True),
        (None, "Docker does not answer", False),
        (Problem("", "", "does not answer", code=codes.NO_ROAD), None, False),
        (Problem("", "", "another image", "warning", code=codes.NOT_PUBLISHED), None, True),
        (Problem("web9", "proxyctl.port", "no port", code=codes.NO_PORT), None, True),
    ],
)
def test_a_gateway_is_unwell_by_what_concerns_all_its_clients(
    problem: Problem | None, reason: str | None, well: bool
) -> None:
    """By a stale status as well; not by a warning, nor by one container's own mistake."""
    found = dataclasses.replace(some_status(), stale_reason=reason, problems=(problem,) if problem else ())
    assert found.well is well
