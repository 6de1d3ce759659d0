"""One check from start to report: send the load, add it up, judge it."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Unpack

from proxyctl.core.layout import CHECK_HEADER
from proxyctl.core.verdict import Threshold
from proxyctl.edges.load.generator import Load
from proxyctl.edges.load.request import Pace, Request, RequestOptions
from proxyctl.verify.expected import Expected
from proxyctl.verify.judge import judge
from proxyctl.verify.report import Report, summarize
from proxyctl.verify.tally import Tally

DEFAULT_REQUESTS: Final = 1000
_PROGRESS_SECONDS: Final = 0.1


async def run(  # noqa: PLR0913 - the whole of `proxyctl check`, by name
    url: str,
    *,
    requests: int | None = None,
    duration: float | None = None,
    concurrency: int = 10,
    rate: float | None = None,
    token: str | None = None,
    expected: Mapping[str, float] | None = None,
    thresholds: Iterable[Threshold] = (),
    on_progress: Callable[[Tally], None] | None = None,
    stop: asyncio.Event | None = None,
    **options: Unpack[RequestOptions],
) -> Report:
    """Send requests to `url` and report how they ended; times in seconds.

    The load ends after `requests` or `duration`, whatever comes first (1,000 requests where neither is
    given), or when `stop` is set. `token` makes proxyctl's gateway name the servers; `expected` are their
    weights. Raise UsageError for what cannot be sent.
    """
    if requests is None and duration is None:
        requests = DEFAULT_REQUESTS
    request, pace = Request(url, **options), Pace(requests, duration, concurrency, rate)
    tally = Tally()
    load = Load(addressed(url, token, options), pace, tally.add)
    helpers = [asyncio.create_task(_show(tally, on_progress))] if on_progress else []
    if stop is not None:
        helpers.append(asyncio.create_task(_stop(load, stop)))
    try:
        unfinished = await load.run()
    finally:
        for helper in helpers:
            helper.cancel()
        await asyncio.gather(*helpers, return_exceptions=True)
    by_caller = Expected(expected, "the weights given") if expected else None
    return judge(summarize(url, tally, unfinished, told(request, pace)), by_caller, thresholds)


def addressed(url: str, token: str | None, options: RequestOptions) -> Request:
    """Return the request; the secret token goes only where the gateway's own header is to name the server."""
    request = Request(url, **options)
    if token is None or not request.server_from.gateway:
        return request
    return Request(url, **options | {"headers": (*request.headers, (CHECK_HEADER, token))})


def told(request: Request, pace: Pace) -> dict[str, Any]:
    """Return what a check is run with, as its report tells it; of headers only the names: a value may be a secret."""
    return {
        **dataclasses.asdict(pace),
        "urls": [request.url],
        "method": request.method,
        "headers": sorted({name for name, _ in request.headers}),
        "body_bytes": len(request.body),
        "timeout": request.timeout,
        "keepalive": request.keepalive,
        "verify_tls": request.verify_tls,
        "server_from": str(request.server_from),
    }


async def _show(tally: Tally, show: Callable[[Tally], None]) -> None:
    while True:
        await asyncio.sleep(_PROGRESS_SECONDS)
        show(tally)


async def _stop(load: Load, stop: asyncio.Event) -> None:
    await stop.wait()
    load.stop()
