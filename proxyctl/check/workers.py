"""Several processes that send one load: each has its own loop and tally; what they counted is merged at the end.

Each is a fresh interpreter with a pipe: the parent has an event loop, which a fork must not copy, and may be a script
that must not run again. They count from one start, for perf_counter is the machine's monotonic clock. They have a
session of their own: an interrupt of the terminal is the parent's to handle.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any, Final

from proxyctl.check.load.generator import Load
from proxyctl.check.load.loop import new_event_loop
from proxyctl.check.load.pulse import Pulse
from proxyctl.check.load.sample import Sample
from proxyctl.check.load.shots import Shots
from proxyctl.check.measures.tally import Progress, Tally
from proxyctl.check.plan import Plan
from proxyctl.errors import ProxyctlError

PROGRESS_SECONDS: Final = 0.1

_READY_SECONDS: Final = 30.0
_HEADSTART: Final = 0.05  # seconds, so that all hear of the start before it
_END_SECONDS: Final = 5.0
_STOP: Final = "stop"


class Outcome:
    """What one process has sent and measured."""

    def __init__(self, tally: Tally, unfinished: int, waited: int, pulse: Pulse) -> None:
        self.tally, self.unfinished, self.waited, self.pulse = tally, unfinished, waited, pulse


def load_of(plan: Plan, part: int, parts: int, record: Callable[[Sample], None]) -> Load:
    """Return the load of one worker of several; each request that ends is recorded."""
    requests = plan.sent
    keys = range(part, plan.keys, parts) if plan.key_by else ()
    return Load(requests, plan.pace, record, Shots(requests, plan.shares, plan.key_by, keys))


async def run(plan: Plan, show: Callable[[Progress], None] | None, stop: asyncio.Event | None) -> list[Outcome]:
    """Send the load from `plan.workers` processes; raise ProxyctlError when one of them dies."""
    plans = plan.split()
    workers = [_Worker(part, number, len(plans)) for number, part in enumerate(plans)]
    helpers = [asyncio.create_task(_tell(workers, show))] if show else []
    try:
        async with asyncio.timeout(_READY_SECONDS):
            await asyncio.gather(*(worker.receive() for worker in workers))
        began, started_at = time.perf_counter() + _HEADSTART, time.time() + _HEADSTART
        for worker in workers:
            worker.send((began, started_at))
        if stop is not None:
            helpers.append(asyncio.create_task(_stop(workers, stop)))
        return await asyncio.gather(*(worker.outcome() for worker in workers))
    except TimeoutError as exc:
        raise ProxyctlError(f"the worker processes did not start within {_READY_SECONDS:g} s") from exc
    finally:
        for helper in helpers:
            helper.cancel()
        await asyncio.gather(*helpers, return_exceptions=True)
        for worker in workers:
            worker.end()


async def _tell(workers: list[_Worker], show: Callable[[Progress], None]) -> None:
    while True:
        await asyncio.sleep(PROGRESS_SECONDS)
        show(Progress.of_all([worker.progress for worker in workers]))


async def _stop(workers: list[_Worker], stop: asyncio.Event) -> None:
    await stop.wait()
    for worker in workers:
        worker.send(_STOP)


class _Worker:
    """One process, as its parent sees it."""

    def __init__(self, plan: Plan, number: int, count: int) -> None:
        self.progress = Progress()
        ours, theirs = socket.socketpair()
        with theirs:
            command = [sys.executable, "-c", f"from {__name__} import serve; serve({theirs.fileno()})"]
            self._process = subprocess.Popen(command, pass_fds=[theirs.fileno()], start_new_session=True)
        self._pipe = Connection(ours.detach())
        self.send((plan, number, count))

    def send(self, message: Any) -> None:
        """Send the process a message; nothing happens if it is gone."""
        with contextlib.suppress(OSError):
            self._pipe.send(message)

    async def receive(self) -> Any:
        """Return the next message of the process; raise ProxyctlError when it is gone."""
        readable = asyncio.Event()
        loop, place = asyncio.get_running_loop(), self._pipe.fileno()
        loop.add_reader(place, readable.set)
        try:
            await readable.wait()
        finally:
            loop.remove_reader(place)
        os.set_blocking(place, True)  # uvloop has made it otherwise; what has begun to come comes whole
        try:
            return self._pipe.recv()
        except (EOFError, OSError) as exc:
            code = await asyncio.to_thread(self._process.wait, _END_SECONDS)
            raise ProxyctlError(f"a worker process ended with {code} before its load did") from exc

    async def outcome(self) -> Outcome:
        """Return the outcome of the process when its load has ended."""
        while True:
            match await self.receive():
                case Progress() as progress:
                    self.progress = progress
                case Outcome() as outcome:
                    return outcome

    def end(self) -> None:
        """End the process, whatever it does."""
        self._pipe.close()
        self._process.terminate()
        self._process.wait(_END_SECONDS)


def serve(place: int) -> None:
    """Be a worker process, with the pipe to its parent at that file descriptor."""
    with asyncio.Runner(loop_factory=new_event_loop) as runner, contextlib.suppress(EOFError):
        runner.run(_serve(Connection(place)))


async def _serve(pipe: Connection) -> None:
    plan, number, count = pipe.recv()
    pipe.send(None)
    began, started_at = pipe.recv()
    tally = Tally(started_at)
    load = load_of(plan, number, count, tally.add)
    loop = asyncio.get_running_loop()

    def listen() -> None:
        with contextlib.suppress(EOFError, OSError):
            pipe.recv()
        with contextlib.suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(load.stop)  # told to, or the parent is gone

    threading.Thread(target=listen, daemon=True).start()
    telling = asyncio.create_task(_report(tally, pipe))
    unfinished = await load.run(began)
    telling.cancel()
    with contextlib.suppress(OSError):
        pipe.send(Outcome(tally, unfinished, load.waited, load.pulse))


async def _report(tally: Tally, pipe: Connection) -> None:
    while True:
        await asyncio.sleep(PROGRESS_SECONDS)
        pipe.send(tally.progress())
