"""One connection to Docker, from the subscription until the stream ends or a question fails.

Four things run side by side, so that none waits for a slow one: events are taken, each container's in their order;
Docker is listed; Docker is pinged; the stream is awaited. Where the stream does not open, as behind a proxy that sends
no header before the first event, Docker is listed more often until it does. Next: `source`, which keeps what comes.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import time
from collections.abc import Callable
from typing import Protocol

import structlog

from proxyctl.providers.docker import answers, events
from proxyctl.providers.docker.answers import Event, read
from proxyctl.providers.docker.client import Client
from proxyctl.providers.docker.questions import Questions
from proxyctl.providers.port import Wake

log = structlog.get_logger()

PING_EVERY = 10.0
OPEN_WITHIN = 1.0
"""Seconds that the first listing waits for the stream, so that one listing is enough; an open one takes 5 ms."""
POLL_EVERY = 5.0
"""Seconds between two listings while there is no stream."""
DRIFT_GRACE = 1.0
"""Seconds until the event of a change that a listing showed must come; else the stream counts as broken."""
UNREADABLE_EVENT = 1.0
"""Seconds until Docker is listed because of an event that cannot be read: many of them are one listing a second."""
LAST_TURNS = 10.0
"""Seconds after the end of the stream for the events that came before it."""


class Store(Protocol):
    """What a connection tells of: `source`."""

    async def list_all(self) -> set[str]:
        """List Docker; return the ids of enabled containers that changed with no event. Raise DockerUnavailable."""

    async def take(self, event: Event) -> bool:
        """Take an event; return whether the snapshot changed. Raise DockerUnavailable."""

    def drifts(self, containers: int) -> None:
        """Count containers that changed without an event."""


class Connection:
    """Follows Docker once."""

    def __init__(
        self,
        connect: Callable[[], Client],
        questions: Questions,
        store: Store,
        wake: Wake,
        *,
        resync: float,
        listed: Callable[[Connection], None],
        heard_until: int,
    ) -> None:
        """Take a function that returns a client for the stream, and one that is told of each listing.

        `resync` are the seconds between two listings; events that Docker told after `heard_until` are told again.
        """
        self._connect, self._ask, self._store, self._wake = connect, questions, store, wake
        self._resync, self._on_listed = resync, listed
        self._sooner = asyncio.Event()
        self._soon: asyncio.TimerHandle | None = None
        self._drifted: set[str] = set()
        self._turns: dict[str, collections.deque[Event]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._began = time.monotonic()
        self.heard_until = heard_until
        """Until when Docker's events are known, in Unix nanoseconds; 0 before the first stream."""
        self.stream = events.subscribe(connect, heard_until)
        self._listed_once = asyncio.Event()

    @property
    def listed(self) -> bool:
        """Whether a listing worked."""
        return self._listed_once.is_set()

    @property
    def has_stream(self) -> bool:
        """Whether the event stream is open."""
        return self.stream.is_open

    @property
    def lasted(self) -> float:
        """For how many seconds it has been followed."""
        return time.monotonic() - self._began

    async def follow(self) -> None:
        """Follow Docker until the stream ends; raise DockerUnavailable when Docker fails."""
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(self._list_regularly(), name="docker-listings"),
                    group.create_task(self._ping_regularly(), name="docker-pings"),
                ]
                await self._take_events(group)
                for task in (*tasks, *self._tasks):
                    task.cancel()
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None
        finally:
            self.stream.close()

    # ------------------------------------------------------------------ listings

    async def _list_regularly(self) -> None:
        """List Docker as soon as the stream is open, or does not open; then regularly, and whenever it is needed.

        Raise why there is no stream, after a listing. Return when a change that was listed stays without an event.
        """
        await self._until_open(OPEN_WITHIN)
        has_stream = False
        while True:
            had_stream, has_stream = has_stream, self.has_stream
            if has_stream:
                self.heard_until = self.heard_until or time.time_ns()
            began = time.monotonic()
            changed = await self._store.list_all()
            self._listed_once.set()
            self._on_listed(self)
            self._wake("resync" if had_stream else "listed")
            if not has_stream:
                if self.stream.failed is not None:
                    raise self.stream.failed
                # on a slow engine at most half of the time
                await self._until_open(max(min(POLL_EVERY, self._resync), time.monotonic() - began))
            elif had_stream and changed and await self._unheard(changed):
                self.stream.queue.put_nowait(None)
                return
            else:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._resync):
                        await self._sooner.wait()
                self._sooner.clear()
                self._soon = None

    async def _until_open(self, seconds: float) -> None:
        await asyncio.wait({self.stream.opened}, timeout=seconds)

    async def _unheard(self, changed: set[str]) -> bool:
        """Return whether a change that a listing showed has no event, not even after a grace."""
        self._drifted = changed
        await asyncio.sleep(DRIFT_GRACE)
        if self._drifted:
            log.warning("docker changed without an event, the stream is opened anew", n=len(self._drifted))
            self._store.drifts(len(self._drifted))
        return bool(self._drifted)

    # ------------------------------------------------------------------ events

    async def _take_events(self, group: asyncio.TaskGroup) -> None:
        """Take events until the stream ends; those of different containers do not wait for each other."""
        while (event := await self.stream.queue.get()) is not None:
            try:
                told = read(Event, event)
            except answers.Unreadable as exc:
                log.debug("an event that cannot be read: docker is listed instead", reason=str(exc))
                self._list_soon()
                continue
            id_ = events.subject(told)
            self.heard_until = max(self.heard_until, told.time_nano)
            self._drifted.discard(id_)
            if id_ in self._turns:
                self._turns[id_].append(told)
            else:
                self._turns[id_] = collections.deque([told])
                task = group.create_task(self._turn(id_), name="docker-event")
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=LAST_TURNS)
        # a slow listing comes to its end also where streams end sooner
        await self._listed_once.wait()

    def _list_soon(self) -> None:
        if self._soon is None:
            self._soon = asyncio.get_running_loop().call_later(UNREADABLE_EVENT, self._sooner.set)

    async def _turn(self, id_: str) -> None:
        """Take the events of one container, one after the other."""
        turn = self._turns[id_]
        while turn:
            event, taken = turn.popleft(), time.time()
            if await self._store.take(event):
                events.log_steps(event, taken)
                self._wake(events.describe(event))
        del self._turns[id_]

    # ------------------------------------------------------------------ pings

    async def _ping_regularly(self) -> None:
        """Ping while nothing else is answered: a connection that is half-open says nothing and never ends."""
        while True:
            before = self._ask.answered
            await asyncio.sleep(PING_EVERY)
            if self._ask.answered == before:
                await self._ask.ping()
