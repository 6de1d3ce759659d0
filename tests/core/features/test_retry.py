"""The label of repeating requests that may have run."""

from __future__ import annotations

import pytest

from proxyctl.core.features import retry
from tests.core.features.reading import further, member, on_tcp, reasons


@pytest.mark.parametrize(("text", "value", "stored"), [("on", True, (("retry.unsafe", True),)), ("off", False, ())])
def test_read(text: str, value: bool, stored: tuple[tuple[str, bool], ...]) -> None:
    """It passes through as a setting of its pool alone; a default is not stored."""
    pool = member({"retry.unsafe": text}).pool
    assert (retry.UNSAFE.of(pool), pool.settings) == (value, stored)
    assert retry.UNSAFE.of(further({"retry.unsafe": text}).pool) is False


def test_refused() -> None:
    """A tcp connection has no request that could be repeated; one of `[defaults]` does not count there."""
    assert on_tcp({"retry.unsafe": "on"}) == {"retry.unsafe": "is for HTTP, this port is protocol=tcp"}
    assert member({"protocol": "tcp", "listen": "1"}, {"retry.unsafe": "on"}).pool.settings == ()
    assert list(reasons({"retry.unsafe": "maybe"})) == ["retry.unsafe"]
