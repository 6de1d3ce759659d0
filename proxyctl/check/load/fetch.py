"""One request whose answer is read: a load looks at statuses, headers and times alone."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

import aiohttp

from proxyctl.check.load.request import Request


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """What came back; `status` is None where nothing did, `document` is its JSON where it is an object."""

    status: int | None = None
    document: Mapping[str, Any] | None = None


async def fetch(request: Request, extra: Mapping[str, str]) -> Answer:
    """Return the answer to a GET of the request's URL, sent with its headers and the `extra` ones."""
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
        document = json.loads(body)
    except ValueError:
        document = None
    return Answer(response.status, document if isinstance(document, dict) else None)
