"""One request whose answer is read, for what a load does not look at."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

import aiohttp

from proxyctl.check.load.request import Request


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """What came back; `status` is None where nothing did, `told` is its JSON where it is an object."""

    status: int | None = None
    told: Mapping[str, Any] | None = None


async def fetch(request: Request, extra: Mapping[str, str]) -> Answer:
    """Send a request with more headers than it has; GET, whatever it is else."""
    headers = {name: value for name, value in request.headers if name.lower() not in {key.lower() for key in extra}}
    timeout = aiohttp.ClientTimeout(total=request.timeout)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, connector=aiohttp.TCPConnector(ssl=False)) as session,
            session.get(request.url, headers={**headers, **extra}, allow_redirects=False) as response,
        ):
            body = await response.read()
    except (aiohttp.ClientError, TimeoutError, OSError):
        return Answer()
    try:
        told = json.loads(body)
    except ValueError:
        told = None
    return Answer(response.status, told if isinstance(told, dict) else None)
