"""The labels of a pool's timeouts."""

from __future__ import annotations

import pytest

from proxyctl.core.features import timeouts
from proxyctl.core.features.key import Key
from tests.core.features.reading import further, member, on_tcp, reasons

DEFAULTS = [
    (timeouts.CONNECT, 2_000),
    (timeouts.SERVER, 60_000),
    (timeouts.QUEUE, 10_000),
    (timeouts.TUNNEL, 3_600_000),
]


@pytest.mark.parametrize(("key", "default"), DEFAULTS, ids=lambda v: getattr(v, "name", ""))
def test_read(key: Key[int], default: int) -> None:
    """Each passes through as a setting of its pool alone, in milliseconds; a default is not stored."""
    assert key.of(member({}).pool) == default
    assert key.of(member({key.name: "5m"}).pool) == 300_000
    assert member({key.name: "5m"}).pool.settings == ((key.name, 300_000),)
    assert member({key.name: f"{default}ms"}).pool.settings == ()
    assert key.of(member({}, {key.name: "1s"}).pool) == 1_000
    assert key.of(further({key.name: "5m"}).pool) == default
    assert list(on_tcp({key.name: "5m"})) == ([key.name] if key.http else [])
    assert list(reasons({key.name: "0s"})) == [key.name]
