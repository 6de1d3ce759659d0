"""Waiting for a proxy, for no longer than its container runs."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from proxyctl.errors import GatewayError
from proxyctl.ports import Gateway

_LOOK = 0.1  # seconds between two looks at the gateway


async def while_it_runs(gateway: Gateway, waiting: Coroutine[Any, Any, None]) -> None:
    """Await it; where the gateway ends meanwhile, end it and raise GatewayError: nobody is left to answer."""
    task = asyncio.create_task(waiting)
    try:
        while not (await asyncio.wait({task}, timeout=_LOOK))[0]:
            if gateway.ended:
                message = "the gateway ended before it had its new configuration"
                raise GatewayError(message)
        await task
    finally:
        task.cancel()
        await asyncio.wait({task})
