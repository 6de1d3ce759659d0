"""What servers come to in the running proxy."""

from __future__ import annotations

import dataclasses

import pytest

from proxyctl.core.effect import effective_weight, same_servers
from proxyctl.core.model import Server
from tests.core.states import STATE, A, B, drained


def test_the_weight_in_effect() -> None:
    """Who drains has no weight, whatever its label says."""
    assert effective_weight(A) == 1
    assert effective_weight(drained(A)) == 0


@pytest.mark.parametrize(
    ("running", "same"),
    [
        ((("web", A), ("web", B)), True),
        ((("web", B), ("web", dataclasses.replace(A, container="?", maxconn=7))), True),
        ((("web", A),), False),
        ((("web", A), ("web", B), ("web", dataclasses.replace(B, name="c"))), False),
        ((("web", A), ("api", B)), False),
        ((("web", A), ("web", drained(B))), False),
        ((("web", A), ("web", dataclasses.replace(B, port=81))), False),
    ],
)
def test_the_proxys_own_list(running: tuple[tuple[str, Server], ...], same: bool) -> None:
    """The list of a running proxy is the desired one when name, address, port and weight in effect agree."""
    assert same_servers(running, STATE) == same
