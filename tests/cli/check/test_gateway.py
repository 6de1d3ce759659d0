"""What `check` knows of the gateway whose `watch` it asks."""

from __future__ import annotations

import pytest

from proxyctl.check.expected import Expected
from proxyctl.cli.check import gateway


@pytest.mark.parametrize(
    ("engine", "balance", "by_ring"),
    [
        ("haproxy", "random", True),
        ("haproxy", "roundrobin", False),
        ("nginx", "random", False),
        ("other", "random", False),
        (None, "random", False),
        ("haproxy", None, False),
    ],
)
def test_only_random_of_some_engines_chooses_by_a_ring(engine: str | None, balance: str | None, by_ring: bool) -> None:
    """HAProxy's does; an engine of a newer release is not known, and its shares must be as even as any."""
    assert gateway.by_ring(Expected({"web1": 1}, "x", balance, engine=engine)) is by_ring
