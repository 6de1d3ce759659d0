"""Names and paths of a gateway."""

from __future__ import annotations

from proxyctl.core import layout


def test_the_name_of_a_gateway() -> None:
    """The gateway of a network is named after it."""
    assert layout.gateway_name("shop") == "proxyctl-shop"


def test_the_pools_of_a_test_are_known_by_their_whole_name() -> None:
    """Six hexadecimal digits follow: a user's pool may well begin with `check`."""
    assert layout.is_throwaway("check-0a1b2c")
    assert not any(map(layout.is_throwaway, ("check-shop", "check-0a1b2", "check-0a1b2g", "0a1b2c", "shop")))
