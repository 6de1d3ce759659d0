"""The link to Docker: one connection after the other, pauses between them, and what is told of Docker itself.

Slow is not away: a question that takes long ends nothing, but shows as a reason why the status may be out of date.
Next: `connection`, which follows Docker once.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any

import structlog

from proxyctl.core import codes
from proxyctl.core.model import Problem
from proxyctl.errors import DockerAway, DockerRefuses, DockerUnavailable, mistake
from proxyctl.providers.docker.client import Client
from proxyctl.providers.docker.connection import POLL_EVERY, Connection, Store
from proxyctl.providers.docker.questions import Questions
from proxyctl.providers.port import Wake

log = structlog.get_logger()

FIRST_DELAY, LAST_DELAY = 0.5, 30.0
STEADY = 1.0
"""Seconds after which a connection that ended was a good one, so that the next comes without a longer pause."""
_AWAY = "docker is not answering, the pools stay as they are"
_REFUSES = "docker refuses what proxyctl must know, the pools stay as they are"


class Link:
    """Keeps Docker followed."""

    def __init__(
        self,
        connect: Callable[[], Client],
        questions: Questions,
        *,
        resync: float,
        reachable: Callable[[], Awaitable[None]],
        sleep: Callable[[float], Any],
    ) -> None:
        """Take a function that returns a client for the stream, and one that returns once an engine is back."""
        self._connect, self._ask, self._resync = connect, questions, resync
        self._reachable, self._sleep = reachable, sleep
        self._connection: Connection | None = None
        self._failed = self._no_events = ""
        self._heard_until = 0

    @property
    def connected(self) -> bool:
        """Whether the event stream is open, Docker was listed since, and it answers."""
        now = self._connection
        return now is not None and now.has_stream and now.listed and not self._ask.late

    @property
    def problem(self) -> str:
        """Why Docker does not answer, or has not for long; empty while it does."""
        return self._failed or self._ask.late

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is told of Docker beside that."""
        return (Problem("", "", self._no_events, "warning", code=codes.NO_EVENTS),) if self._no_events else ()

    async def run(self, store: Store, wake: Wake) -> None:
        """Follow Docker for ever; failures back off and end nothing."""
        delay = FIRST_DELAY
        while True:
            self._connection = connection = Connection(
                self._connect,
                self._ask,
                store,
                wake,
                resync=self._resync,
                listed=self._listed,
                heard_until=self._heard_until,
            )
            failure: Exception | None = None
            try:
                await connection.follow()
            except DockerUnavailable as exc:
                failure = exc
                self._lost(connection, exc)
            except Exception as exc:  # a mistake of ours: Docker may be asked again all the same
                log.exception("following docker failed by a mistake of proxyctl")
                self._fails(f"proxyctl itself made a mistake: {mistake(exc)}")
            self._connection, self._heard_until = None, connection.heard_until
            wake("the connection to docker ended")
            if connection.listed and connection.lasted > STEADY:
                delay = FIRST_DELAY
            longest = POLL_EVERY if connection.listed else LAST_DELAY
            await self._pause(min(delay, longest) * random.uniform(0.5, 1.0), failure)  # noqa: S311 - no secret
            delay = min(delay * 2, longest)

    async def _pause(self, seconds: float, failure: Exception | None) -> None:
        """Wait; for an engine that is away no longer than until it is back. One that answers errors is not hurried."""
        waits = [asyncio.ensure_future(self._sleep(seconds))]
        if isinstance(failure, DockerAway):
            waits.append(asyncio.ensure_future(self._reachable()))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waits:
                each.cancel()
            await asyncio.gather(*waits, return_exceptions=True)

    def _lost(self, connection: Connection, exc: Exception) -> None:
        self._ask.reconnect()
        if connection.listed and connection.stream.failed is exc:
            self._without_events(str(exc))
        else:
            self._fails(str(exc), refused=isinstance(exc, DockerRefuses))

    def _fails(self, reason: str, *, refused: bool = False) -> None:
        if self._failed != reason:
            log.warning(_REFUSES if refused else _AWAY, reason=reason)
        self._failed = reason

    def _listed(self, connection: Connection) -> None:
        """Take that Docker was listed."""
        if self._failed:
            log.info("docker answers again")
        self._failed = ""
        if connection.has_stream:
            if self._no_events:
                log.info("docker's events come now")
            self._no_events = ""
        elif connection.stream.failed is None and connection.lasted > POLL_EVERY:
            self._without_events("Docker's answer to the subscription has not begun")

    def _without_events(self, reason: str) -> None:
        text = f"Docker's events do not come, so it is listed every {min(POLL_EVERY, self._resync):g} s: {reason}"
        if not self._no_events:
            log.warning("docker's events do not come, it is listed more often instead", reason=reason)
        self._no_events = text
