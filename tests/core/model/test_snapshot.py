"""Containers and snapshots: sorted on construction, and what they know of themselves."""

from __future__ import annotations

import pytest

from proxyctl.core.model import Attachment
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


@pytest.mark.parametrize(("state", "live"), [("running", True), ("paused", False), ("exited", False)])
def test_who_is_live(state: str, live: bool) -> None:
    """Only a running container is live."""
    assert container("a", state=state).live == live  # type: ignore[arg-type]


def test_the_address_on_a_network() -> None:
    """A container has an address on the networks that it is on, and none elsewhere."""
    assert container("a", networks={NET: "10.0.0.2"}).address_on(NET) == "10.0.0.2"
    assert container("a").address_on("other") == ""
