"""What a change costs on HAProxy, and that it has everything that labels can ask for."""

from __future__ import annotations

import dataclasses

import pytest

from proxyctl.core.changes import ServerAdded
from proxyctl.core.model import Container, Desired, Features, HealthCheck, Pool
from proxyctl.core.plan import diff
from proxyctl.engines.haproxy.rules import HAProxyRules
from tests.core.states import OTHER_PORT, PORT, STATE, WEB, A, B, drained, having
from tests.core.worlds import HAPROXY, container, surveyed, targets, world


def only(before: Desired, after: Desired, *version: int) -> str:
    """Return why the only change between two states needs a reload."""
    (change,) = diff(before, after).changes
    return HAProxyRules(Features("haproxy", version or (3, 2, 26))).reload_reason(change, after)


RUN_TIME = [
    (having(A), STATE),
    (STATE, having(A)),
    (STATE, having(A, drained(B))),
    (having(A), having(dataclasses.replace(A, weight=0))),
    (having(A), having(dataclasses.replace(A, address="10.9.9.9", port=81))),
    (having(dataclasses.replace(A, maxconn=5)), having(dataclasses.replace(A, maxconn=6))),
    (having(A, sticky="c"), having(A, B, sticky="c")),
]


@pytest.mark.parametrize(("before", "after"), RUN_TIME)
def test_run_time_is_enough(before: Desired, after: Desired) -> None:
    """Joining, leaving, draining, weights and addresses need no reload of HAProxy."""
    assert only(before, after) == ""


RELOADS = [
    (STATE, having(A, B, balance="uri"), "pool web"),
    (STATE, Desired((PORT,), (WEB, Pool("other"))), "pool other"),
    (Desired((PORT,), (WEB, Pool("other"))), STATE, "pool other"),
    (Desired((), (WEB,)), STATE, "port 80"),
    (STATE, Desired((), (WEB,)), "port 80"),
    (STATE, Desired((OTHER_PORT,), (WEB,)), "port 80"),
    (having(A), having(dataclasses.replace(A, backup=True)), "backup"),
    (having(A), having(dataclasses.replace(A, maxconn=1)), "maxconn"),
    (having(dataclasses.replace(A, maxconn=1)), having(A), "maxconn"),
]


@pytest.mark.parametrize(("before", "after", "reason"), RELOADS)
def test_a_reload_is_needed_for_this(before: Desired, after: Desired, reason: str) -> None:
    """Pools, listeners, roles and a limit given or taken away need a reload, and the reason says which."""
    assert reason in only(before, after)


def test_a_cookie_needs_haproxy_3_to_join() -> None:
    """Before 3.0 a server with a cookie cannot be added at run time."""
    sticky, more = having(A, sticky="c"), having(A, B, sticky="c")
    assert "3.0" in only(sticky, more, 2, 6, 12)
    assert only(sticky, more, 3, 0, 0) == ""
    assert only(having(A), having(A, B), 2, 6, 12) == ""


def test_a_server_of_a_pool_that_is_not_there() -> None:
    """A change is judged by what it says, even beside a state that does not have its pool."""
    assert HAProxyRules(HAPROXY).reload_reason(ServerAdded("gone", A), STATE) == ""


@pytest.mark.parametrize(
    "labels",
    [
        {"sticky": "c", "protocol": "h2c", "maxconn": "1", "timeout.queue": "1s"},
        {"protocol": "h2c", "health.path": "/up"},
        {"protocol": "tcp", "listen": "81"},
    ],
)
def test_haproxy_has_everything(labels: dict[str, str]) -> None:
    """No label asks for what it cannot do."""
    found = surveyed(world(container("web", labels)))
    assert len(found.members) == 1
    assert found.problems == ()


def test_haproxy_makes_the_http_check_itself() -> None:
    """A target has no check: that its port answers is enough to be handed to HAProxy."""
    web: Container = container("web", {"health.path": "/up"})
    assert HAProxyRules(HAPROXY).checks_health
    assert [t.check for t in targets(world(web))] == [None]
    assert surveyed(world(web)).members[0].membership.pool.health == HealthCheck("/up")
