"""Sends the requests. Never repeats one: what a repetition would hide is what is looked for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import aiohttp
from aiohttp.http import HttpProcessingError
from multidict import CIMultiDict
from yarl import URL

from proxyctl import __version__
from proxyctl.edges.load.request import Pace, Request
from proxyctl.edges.load.sample import Sample, kind_of, kind_of_status

GRACE = 1.0  # seconds
_NAP = 0.1  # seconds after which `stop` is noticed, however slow the rate


class Load:
    """One load; `run` it once. Each request that ends is handed to `record`, in the order of the ends."""

    def __init__(self, request: Request, pace: Pace, record: Callable[[Sample], None]) -> None:
        self._request = request
        self._pace = pace
        self._record = record
        self._url = URL(request.url)
        self._headers = CIMultiDict({"User-Agent": f"proxyctl-check/{__version__}", "Accept": "*/*"})
        for name in {name.lower() for name, _ in request.headers}:
            self._headers.popall(name, None)
        spelling: dict[str, str] = {}  # one for each name: aiohttp drops a repeated header spelled in two ways
        for name, value in request.headers:
            self._headers.add(spelling.setdefault(name.lower(), name), value)
        self._stop = asyncio.Event()
        self._due: asyncio.Queue[float | None] = asyncio.Queue()
        self._started = 0
        self._ended = 0
        self._grace = GRACE
        self.began = 0.0

    def stop(self, grace: float = GRACE) -> None:
        """Start no more requests; those under way have `grace` seconds to end. Not thread-safe."""
        self._grace = grace
        self._stop.set()

    async def run(self) -> int:
        """Send until requests or time are used up, or `stop` is called; return how many did not end.

        With neither requests nor a duration only `stop` ends it.
        """
        self.began = time.perf_counter()
        tls = self._url.scheme != "https" or self._request.verify_tls
        session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, force_close=not self._request.keepalive, ssl=tls),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=self._request.timeout),
            auto_decompress=False,
        )
        # aiohttp sends an idempotent request again when its keep-alive connection was closed, silently.
        session._retry_connection = False  # noqa: SLF001 - there is no public switch (3.14)
        async with session:
            workers = asyncio.gather(*(self._work(session) for _ in range(self._workers)))
            pacer = asyncio.create_task(self._call_due())
            stopped = asyncio.create_task(self._stop.wait())
            either: set[asyncio.Future[Any]] = {workers, stopped}
            try:
                await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
                if not workers.done():
                    await asyncio.wait({workers}, timeout=self._grace)
                if workers.done():
                    workers.result()  # raises what a worker raised
            finally:
                for task in (workers, pacer, stopped):
                    task.cancel()
                await asyncio.gather(workers, pacer, stopped, return_exceptions=True)
        return self._started - self._ended

    @property
    def _workers(self) -> int:
        return min(self._pace.concurrency, self._pace.requests or self._pace.concurrency)

    def _over(self, now: float) -> bool:
        pace = self._pace
        return (
            self._stop.is_set()
            or (pace.requests is not None and self._started >= pace.requests)
            or (pace.duration is not None and now >= self.began + pace.duration)
        )

    async def _call_due(self) -> None:
        """In an open loop, put each request's time into the queue when it has come."""
        if self._pace.rate is None:
            return
        while not self._over(due := self.began + self._started / self._pace.rate):
            if (early := due - time.perf_counter()) > 0:
                await asyncio.sleep(min(early, _NAP))
                continue
            self._started += 1
            self._due.put_nowait(due)
        for _ in range(self._workers):
            self._due.put_nowait(None)

    async def _next(self) -> float | None:
        """Return when the next request is due, not before that time; None when there is none."""
        if self._pace.rate is not None:
            return await self._due.get()
        now = time.perf_counter()
        if self._over(now):
            return None
        self._started += 1
        return now

    async def _work(self, session: aiohttp.ClientSession) -> None:
        while (due := await self._next()) is not None:
            self._record(await self._send(session, due))
            self._ended += 1

    async def _send(self, session: aiohttp.ClientSession, due: float) -> Sample:
        request = self._request
        status = server = first_byte = None
        try:
            async with session.request(
                request.method,
                self._url,
                headers=self._headers,
                data=request.body or None,
                allow_redirects=False,
            ) as response:
                first_byte = time.perf_counter() - due
                status = response.status
                server = response.headers.get(request.server_header)
                async for _ in response.content.iter_any():
                    pass
            error = kind_of_status(status)
        except (aiohttp.ClientError, HttpProcessingError, OSError) as exc:
            error = kind_of(exc)
        return Sample(due - self.began, time.perf_counter() - due, error, status, server, first_byte)
