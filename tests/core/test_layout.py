"""Names and paths of a gateway."""

from __future__ import annotations

from proxyctl.core import layout


def test_the_name_of_a_gateway() -> None:
    """The gateway of a network is named after it."""
    assert layout.gateway_name("shop") == "proxyctl-shop"
