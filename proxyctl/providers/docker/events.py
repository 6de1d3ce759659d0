"""Docker's event stream: opened, read and closed; and the fields of an event.

docker-py's events() has no time-out, so a thread opens and reads the stream. Its iterator ends alike after a dropped
socket and after a normal end, but never on a silent socket; so `source` pings beside it. Next: `source`.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable
from typing import Any

import structlog

from proxyctl.errors import DockerUnavailable
from proxyctl.providers.docker.answers import Event
from proxyctl.providers.docker.client import Client, translated

log = structlog.get_logger()

ACTIONS = [
    *("create", "start", "kill", "die", "stop", "destroy", "pause", "unpause", "rename", "restart"),
    *("health_status", "oom", "update", "connect", "disconnect"),
]
OPEN_WITHIN = 10.0


async def subscribe(connect: Callable[[], Client]) -> tuple[Any, asyncio.Queue[Any]]:
    """Return an open stream, for `close`, and the queue of its events' JSON; None in the queue is its end.

    A thread of its own reads the stream. Raise DockerUnavailable when it is not open after `OPEN_WITHIN`.
    """
    queue: asyncio.Queue[Any] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    opened: asyncio.Future[Any] = loop.create_future()

    def settle(stream: Any, exc: Exception | None) -> None:
        if opened.done():  # after the time-out
            close(stream)
        elif exc:
            opened.set_exception(exc)
        else:
            opened.set_result(stream)

    def on_loop(function: Callable[..., None], *args: Any) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(function, *args)

    def read() -> None:
        try:
            stream = _open(connect)
        except Exception as exc:  # noqa: BLE001 - raised again where `opened` is awaited
            on_loop(settle, None, exc)
            return
        on_loop(settle, stream, None)
        with contextlib.suppress(Exception):  # after every kind of end: reconnect
            for event in stream:
                on_loop(queue.put_nowait, event)
        on_loop(queue.put_nowait, None)

    threading.Thread(target=read, name="docker-events", daemon=True).start()
    try:
        async with asyncio.timeout(OPEN_WITHIN):
            return await opened, queue
    except TimeoutError as exc:
        message = f"events: no answer within {OPEN_WITHIN:.0f} s"
        raise DockerUnavailable(message) from exc


def _open(connect: Callable[[], Client]) -> Any:
    with translated("events"):
        client = connect()
        stream = client.events(decode=True, filters={"type": ["container", "network"], "event": ACTIONS})
        # events() checks the status only at the first read: too late to say why there is no stream
        client._raise_for_status(stream._response)  # type: ignore[attr-defined]  # noqa: SLF001
        return stream


def close(stream: Any) -> None:
    """End a stream; a stream that has ended already is no error."""
    with contextlib.suppress(Exception):
        stream.close()


def subject(event: Event) -> str:
    """Return the id of the container that an event is about."""
    return event.actor.attributes.get("container", "") if event.type == "network" else event.actor.id


def log_steps(event: Event, taken: float) -> None:
    """Log the time from Docker's time stamp of an event until it was taken, and the time of its inspect."""
    late, inspect = taken - event.time_nano / 1e9, time.time() - taken
    log.debug("event", what=describe(event), late_ms=round(late * 1000, 1), inspect_ms=round(inspect * 1000, 1))


def describe(event: Event) -> str:
    """Return an event in words, such as `start web1`."""
    return f"{event.action} {event.actor.attributes.get('name', '')}".strip()
