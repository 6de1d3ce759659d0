"""A load that runs beside something else: the constant traffic under which nothing may be lost.

It has a thread and an event loop of its own: a caller that blocks, as docker-py does, must not stall the load.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import copy
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self, Unpack

from proxyctl.check.judge import judge
from proxyctl.check.load.loop import new_event_loop
from proxyctl.check.load.request import Pace, Request, RequestOptions
from proxyctl.check.load.sample import Sample
from proxyctl.check.load.shots import KeyBy
from proxyctl.check.measures.tally import Tally
from proxyctl.check.plan import Plan
from proxyctl.check.report import Report, summarize
from proxyctl.check.workers import Outcome, load_of

_CONCURRENCY: Final = 200


class SteadyLoad:
    """Requests at a constant rate until the block ends; `with` and `async with` both work.

    Latency counts from the time at which a request was due. At the end, requests under way may finish
    within their own time-out, so that a late failure is not missed.
    """

    def __init__(
        self,
        url: str,
        *,
        rate: float,
        token: str | None = None,
        concurrency: int = _CONCURRENCY,
        key_by: KeyBy | None = None,
        keys: int = 0,
        enter: Callable[[], None] | None = None,
        **options: Unpack[RequestOptions],
    ) -> None:
        """Prepare the load; raise UsageError for what cannot be sent.

        `enter` is called in the thread that sends, before it begins: with it the thread can enter another network
        namespace. What it raises is raised by `stop`.
        """
        pace = Pace(None, None, concurrency, rate)
        self._plan = Plan((Request(url, **options),), pace, key_by=key_by, keys=keys, token=token)
        self._enter = enter
        self._load = load_of(self._plan, 0, 1, self._add)
        self._tally = Tally()
        self._changed = threading.Condition()
        self._running: tuple[asyncio.AbstractEventLoop, concurrent.futures.Future[int]] | None = None
        self._unfinished = 0

    def start(self) -> Self:
        """Start sending; once only."""
        self._tally = Tally()
        loop = new_event_loop()
        thread = concurrent.futures.ThreadPoolExecutor(1, "steady-load")
        self._running = loop, thread.submit(self._run, loop)
        thread.shutdown(wait=False)  # takes nothing further
        return self

    def stop(self) -> Report:
        """Stop sending, wait for what is under way, and return the report."""
        if self._running is not None:
            loop, end = self._running
            self._running = None
            loop.call_soon_threadsafe(self._load.stop, self._plan.requests[0].timeout)
            self._unfinished = end.result()
            loop.close()
        return self.report()

    def report(self) -> Report:
        """Return what was counted so far, with the verdict on errors."""
        with self._changed:
            outcome = Outcome(copy.deepcopy(self._tally), self._unfinished, self._load.waited, self._load.pulse)
        return judge(summarize(self._plan, [outcome]))

    @property
    def requests(self) -> int:
        """How many requests have ended so far."""
        with self._changed:
            return self._tally.requests

    def wait(self, more: int, timeout: float = 30.0) -> None:
        """Block until `more` further requests have ended; raise TimeoutError after `timeout` seconds."""
        deadline = time.monotonic() + timeout
        with self._changed:
            due = self._tally.requests + more
            while self._tally.requests < due:
                if not self._changed.wait(deadline - time.monotonic()):
                    missing = due - self._tally.requests
                    raise TimeoutError(f"{missing} of {more} requests had not ended after {timeout:g} s")

    def _add(self, sample: Sample) -> None:
        with self._changed:
            self._tally.add(sample)
            self._changed.notify_all()

    def _run(self, loop: asyncio.AbstractEventLoop) -> int:
        if self._enter is not None:
            self._enter()
        try:
            return loop.run_until_complete(self._load.run())
        finally:
            loop.run_until_complete(loop.shutdown_default_executor())

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        return self.start()

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.stop)
