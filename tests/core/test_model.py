"""The nouns: sorted on construction, and the few things that they know of themselves."""

from __future__ import annotations

import pytest

from proxyctl.core import layout
from proxyctl.core.model import (
    Attachment,
    Desired,
    Features,
    HealthCheck,
    Listener,
    Pool,
    Route,
    Server,
)
from tests.core.worlds import NET, container, world


def test_equal_worlds_are_equal() -> None:
    """However a world is listed, its value is the same."""
    one = container("a", {"x": "1", "y": "2"}, ports=(81, 80), networks={"n": "1", "m": "2"})
    other = container("a", {"y": "2", "x": "1"}, ports=(80, 81), networks={"m": "2", "n": "1"})
    assert one == other
    assert one.ports == (80, 81)
    assert one.attachments == (Attachment("m", "2"), Attachment("n", "1"))
    b = container("b")
    assert world(one, b) == world(b, other)
    assert world(gateways=("y", "x", "y")).gateways == ("x", "y")


def test_equal_states_are_equal() -> None:
    """Listeners, routes, pools and servers are sorted, so the same state gives the same bytes."""
    a, b = Server("a", "", "", 80), Server("b", "", "", 80)
    assert Pool("p", servers=(b, a)).servers == (a, b)
    x, y = Route("", "/", "p"), Route("h", "/", "p")
    assert Listener(80, routes=(y, x)).routes == (x, y)
    state = Desired((Listener(81), Listener(80)), (Pool("q"), Pool("p")))
    assert state == Desired((Listener(80), Listener(81)), (Pool("p"), Pool("q")))


@pytest.mark.parametrize(("state", "live"), [("running", True), ("paused", False), ("exited", False)])
def test_who_is_live(state: str, live: bool) -> None:
    """Only a running container is live."""
    assert container("a", state=state).live == live  # type: ignore[arg-type]


def test_the_address_on_a_network() -> None:
    """A container has an address on the networks that it is on, and none elsewhere."""
    assert container("a", networks={NET: "10.0.0.2"}).address_on(NET) == "10.0.0.2"
    assert container("a").address_on("other") == ""


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


def test_versions_compare_as_numbers() -> None:
    """1.10 is later than 1.9, and a version is written with dots."""
    features = Features("nginx", (1, 10, 2))
    assert features.since(1, 9)
    assert features.since(1, 10, 2)
    assert not features.since(1, 10, 3)
    assert features.version_text == "1.10.2"


def test_the_name_of_a_gateway() -> None:
    """The gateway of a network is named after it."""
    assert layout.gateway_name("shop") == "proxyctl-shop"
