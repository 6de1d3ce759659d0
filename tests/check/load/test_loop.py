"""The event loop of the load."""

from __future__ import annotations

import asyncio
import sys

import pytest
import uvloop

from proxyctl.check.load.loop import new_event_loop


def test_uvloop_is_used() -> None:
    """Where uvloop is installed, the load runs in it."""
    loop = new_event_loop()
    loop.close()
    assert isinstance(loop, uvloop.Loop)


def test_without_uvloop(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it is not, the load runs in asyncio's own loop."""
    monkeypatch.setitem(sys.modules, "uvloop", None)
    loop = new_event_loop()
    loop.close()
    assert isinstance(loop, asyncio.BaseEventLoop)
