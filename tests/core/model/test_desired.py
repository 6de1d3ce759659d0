"""Pools, routes and listeners: sorted on construction, and what they know of themselves."""

from __future__ import annotations

import pytest

from proxyctl.core.model import Desired, HealthCheck, Listener, Pool, Route, Server


def test_equal_states_are_equal() -> None:
    """Listeners, routes, pools and servers are sorted, so the same state gives the same bytes."""
    a, b = Server("a", "", "", 80), Server("b", "", "", 80)
    assert Pool("p", servers=(b, a)).servers == (a, b)
    x, y = Route("", "/", "p"), Route("h", "/", "p")
    assert Listener(80, routes=(y, x)).routes == (x, y)
    state = Desired((Listener(81), Listener(80)), (Pool("q"), Pool("p")))
    assert state == Desired((Listener(80), Listener(81)), (Pool("p"), Pool("q")))


def test_a_pool_by_name() -> None:
    """A state gives a pool by its name, or nothing."""
    state = Desired((), (Pool("p"),))
    assert state.pool("p") == Pool("p")
    assert state.pool("q") is None


@pytest.mark.parametrize(
    ("path", "open_path"), [(None, ""), ("/up", "/up"), ("/up?full=1", "/up"), ("/a%20b", ""), ("/up?a=%20", "/up")]
)
def test_what_maintenance_leaves_open(path: str | None, open_path: str) -> None:
    """The path of the health check without its query; none that the engines would read differently."""
    assert Pool("p", health=None if path is None else HealthCheck(path)).open_path == open_path
