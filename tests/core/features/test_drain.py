"""The label of leaving."""

from __future__ import annotations

import pytest

from tests.core.features.reading import further, member, on_tcp, reasons


@pytest.mark.parametrize(("labels", "ms"), [({}, 30_000), ({"drain": "1m"}, 60_000), ({"drain": "1ms"}, 1)])
def test_read(labels: dict[str, str], ms: int) -> None:
    """It is the pool's, in milliseconds, and also that of the container's further pools."""
    assert member(labels).pool.drain_ms == ms
    assert further(labels).pool.drain_ms == ms
    assert further(labels | {"route.x.drain": "2s"}).pool.drain_ms == 2_000


def test_refused() -> None:
    """No time at all would be no drain."""
    assert list(reasons({"drain": "0s"})) == ["drain"]
    assert on_tcp({"drain": "5s"}) == {}
