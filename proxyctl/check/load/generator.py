"""Sends the requests. It repeats none: a repetition would hide the very losses that a check looks for.

Callbacks instead of a task for each request: a request that has ended starts the next, so that one process
sends tens of thousands a second.
"""

from __future__ import annotations

import asyncio
import collections
import time
from collections.abc import Callable, Sequence
from typing import Final

from proxyctl.check.load.connection import NO_HEADERS, Connection
from proxyctl.check.load.exchange import Exchange
from proxyctl.check.load.pulse import PERIOD, Pulse
from proxyctl.check.load.request import Pace, Request
from proxyctl.check.load.sample import TIMEOUT, Sample, kind_of, kind_of_status
from proxyctl.check.load.shots import Place, Shot, Shots

GRACE: Final = 1.0  # seconds
GRAIN: Final = 0.002  # seconds: timers are not finer, and what is late by less is not the proxy's doing

_NAP: Final = 0.1  # seconds after which `stop` is noticed, however slow the rate


class Load:
    """One load; `run` it once. Each request that ends is handed to `record`, in the order of the ends."""

    def __init__(
        self,
        requests: Request | Sequence[Request],
        pace: Pace,
        record: Callable[[Sample], None],
        shots: Shots | None = None,
    ) -> None:
        """Take what is sent; with several requests, or keys, `shots` says in which order."""
        every = (requests,) if isinstance(requests, Request) else tuple(requests)
        self._request = every[0]  # all have the same options
        self._shots = shots or Shots(every)
        self._pace = pace
        self._record = record
        self._loop: asyncio.AbstractEventLoop
        self._idle: dict[Place, list[Connection]] = {}
        self._under_way: set[Exchange] = set()
        self._waiting: collections.deque[float] = collections.deque()  # due, and no turn yet
        self._finished: asyncio.Future[None] | None = None
        self._stopped = self._all_started = False
        self._grace = GRACE
        self._started = 0
        self._ended = 0
        self.began = 0.0
        self.pulse = Pulse()
        self.waited = 0  # requests that had no turn when they were due

    def stop(self, grace: float = GRACE) -> None:
        """Start no more requests; those under way have `grace` seconds to end. Not thread-safe."""
        self._grace = grace
        self._stopped = self._all_started = True
        if self._finished is not None:
            asyncio.get_running_loop().call_soon(self._finish_if_over)
            asyncio.get_running_loop().call_later(grace, self._end_run)

    async def run(self, began: float | None = None) -> int:
        """Send until requests or time are used up, or `stop` is called; return how many did not end.

        With neither requests nor a duration only `stop` ends it. `began` (perf_counter) is what times count from
        where several loads are one; it may lie ahead.
        """
        self._loop = asyncio.get_running_loop()
        self.began = time.perf_counter() if began is None else began
        self._finished = self._loop.create_future()
        if (early := self.began - time.perf_counter()) > 0:
            await asyncio.sleep(early)
        if self._stopped:
            self.stop(self._grace)
        sweep = asyncio.create_task(self._sweep())
        self.pulse.begin()
        try:
            self._call_due() if self._pace.rate else self._fill()
            await self._finished
        finally:
            self.pulse.end()
            sweep.cancel()
            tasks = [sweep, *(x.connecting for x in self._under_way if x.connecting)]
            for exchange in self._under_way:
                self._abandon(exchange)
            for connection in [c for idle in self._idle.values() for c in idle]:
                connection.abort()
            await asyncio.gather(*tasks, return_exceptions=True)
        return self._started - self._ended

    # ------------------------------------------------------------------ when

    def _over(self, now: float) -> bool:
        pace = self._pace
        return (
            self._stopped
            or (pace.requests is not None and self._started >= pace.requests)
            or (pace.duration is not None and now >= self.began + pace.duration)
        )

    def _call_due(self) -> None:
        """In an open loop, start each request when its time has come; those without a turn wait for one."""
        assert self._pace.rate is not None  # noqa: S101 - else it is not called
        while not self._over(due := self.began + self._pace.first + self._started / self._pace.rate):
            if (early := due - time.perf_counter()) > 0:
                self._loop.call_later(min(early, _NAP), self._call_due)
                return
            self._started += 1
            self._waiting.append(due)
            self._take_turns()
        self._all_started = True
        self._finish_if_over()

    def _fill(self) -> None:
        """In a closed loop, have as many under way as are asked for."""
        now = time.perf_counter()
        while len(self._under_way) < self._pace.concurrency:
            if self._over(now):
                self._all_started = True
                self._finish_if_over()
                return
            shot = self._shots.next()
            if shot is None:
                return
            self._started += 1
            self._start(shot, now, now)

    def _take_turns(self) -> None:
        while self._waiting and len(self._under_way) < self._pace.concurrency:
            shot = self._shots.next()
            if shot is None:
                return
            now, due = time.perf_counter(), self._waiting.popleft()
            late = now - due > GRAIN
            self.waited += late
            self._start(shot, due if late else now, now)

    def _finish_if_over(self) -> None:
        if self._all_started and not self._under_way and not self._waiting:
            self._end_run()

    def _end_run(self) -> None:
        """Let `run` return, whatever is still under way."""
        if self._finished is not None and not self._finished.done():
            self._finished.set_result(None)

    async def _sweep(self) -> None:
        """End what takes longer than its time-out, and feel the loop's pulse."""
        limit = self._request.timeout
        pause = min(PERIOD, limit / 10)
        while True:
            asked = time.perf_counter()
            await asyncio.sleep(pause)
            now = time.perf_counter()
            self.pulse.beat(asked + pause - self.began, now - self.began)
            for exchange in [x for x in self._under_way if now - x.begun > limit]:
                self._finish(exchange, TIMEOUT)

    # ------------------------------------------------------------------ one request

    def _start(self, shot: Shot, due: float, now: float) -> None:
        exchange = Exchange(shot, due, now)
        self._under_way.add(exchange)
        idle = self._idle.get(shot.place)
        while idle:
            connection = idle.pop()
            if connection.usable:
                self._send(exchange, connection)
                return
        exchange.connecting = self._loop.create_task(self._connect(exchange))

    def _send(self, exchange: Exchange, connection: Connection) -> None:
        exchange.connection = connection
        connection.exchange = exchange
        connection.send(exchange.shot.octets)

    async def _connect(self, exchange: Exchange) -> None:
        place, request = exchange.shot.place, self._request
        try:
            _, connection = await self._loop.create_connection(
                lambda: Connection(
                    self._loop,
                    self._answered,
                    has_body=request.method != "HEAD",
                    keep_body=request.server_from.reads_body,
                ),
                place.host,
                place.port,
                ssl=place.tls,
                server_hostname=place.sni,
                local_addr=(place.source, 0) if place.source else None,
            )
        except (OSError, ValueError) as exc:  # ssl.SSLError and gaierror are OSErrors, a name that is none a ValueError
            exchange.connecting = None
            self._finish(exchange, kind_of(exc))
            return
        exchange.connecting = None
        self._send(exchange, connection)

    def _answered(self, connection: Connection, error: str | None) -> None:
        exchange: Exchange = connection.exchange
        if connection.usable:
            if self._request.keepalive:
                self._idle.setdefault(exchange.shot.place, []).append(connection)
            else:
                connection.abort()
        self._finish(exchange, error)

    def _finish(self, exchange: Exchange, error: str | None) -> None:
        """Record how a request ended and start what may follow."""
        now = time.perf_counter()
        status = server = first_byte = headers = None
        if (connection := exchange.connection) is not None:
            status, headers = connection.status, connection.headers
            if connection.first_byte is not None:
                first_byte = connection.first_byte - exchange.due
            if headers is not None:
                server = self._request.server_from.name(headers, connection.body)
                error = error or kind_of_status(status or 0)
        if error == TIMEOUT:
            self._abandon(exchange)
        shot = exchange.shot
        self._under_way.discard(exchange)
        self._ended += 1
        self._shots.back(shot, headers or NO_HEADERS)
        sample = Sample(
            exchange.due - self.began, now - exchange.due, error, status, server, first_byte, shot.key, shot.target
        )
        try:
            self._record(sample)
        except Exception as exc:  # noqa: BLE001 - a callback has nobody to raise to
            if self._finished is not None and not self._finished.done():
                self._finished.set_exception(exc)
            return
        if self._finished is not None and self._finished.done():
            return
        if self._pace.rate:
            self._take_turns()
            self._finish_if_over()
        else:
            self._fill()

    def _abandon(self, exchange: Exchange) -> None:
        if exchange.connecting is not None:
            exchange.connecting.cancel()
        if exchange.connection is not None:
            exchange.connection.abort()
