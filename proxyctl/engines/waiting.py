"""Waiting for a proxy that serves, for no longer than its container runs.

One that ends while it boots may have a reason of its own, in its log: that wait is the engine's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from proxyctl.errors import GatewayError
from proxyctl.gateway.port import Access

_LOOK = 0.1  # seconds between two looks at the gateway


def refuse_ended(gateway: Access) -> None:
    """Raise GatewayError where the gateway has ended: nobody is left to answer."""
    if gateway.ended:
        message = "the gateway has ended, and gets its new configuration when it is back"
        raise GatewayError(message)


async def while_it_runs(gateway: Access, waiting: Coroutine[Any, Any, None]) -> None:
    """Await it; where the gateway ends meanwhile, end it and raise GatewayError."""
    task = asyncio.create_task(waiting)
    try:
        while not (await asyncio.wait({task}, timeout=_LOOK))[0]:
            refuse_ended(gateway)
        await task
    finally:
        task.cancel()
        await asyncio.wait({task})
