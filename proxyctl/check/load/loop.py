"""The event loop that the load runs in: uvloop where there is one, so that the generator is not the limit."""

from __future__ import annotations

import asyncio


def new_event_loop() -> asyncio.AbstractEventLoop:
    """Return a new event loop, the fastest at hand."""
    try:
        import uvloop  # noqa: PLC0415 - where it is available
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()
