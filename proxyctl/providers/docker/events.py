"""Docker's event stream: opened, read and closed; and the fields of an event.

A thread opens and reads the stream, because docker-py blocks. A proxy in front of the socket may send no header before
the first event, so that nobody can tell a stream that will come from one that will not: `connection` goes on without
it meanwhile, and pings beside it, because a silent stream never ends by itself. Next: `connection`.
"""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import docker.types
import docker.utils
import structlog

from proxyctl.errors import DockerUnavailable
from proxyctl.providers.docker.answers import Event
from proxyctl.providers.docker.client import Client, attempted
from proxyctl.providers.docker.threads import on_loop

log = structlog.get_logger()

ACTIONS = [
    *("create", "start", "kill", "die", "stop", "destroy", "pause", "unpause", "rename", "restart"),
    *("health_status", "oom", "update", "connect", "disconnect"),
]
HEADERS_WITHIN = 600.0
"""Seconds for the first word of an answer. Then it is asked anew: the other end may be gone for long."""
_BLOCK = 65536
_LONGEST = 1 << 20
"""Characters without a whole event in them that are waited for; Docker's longest events have some thousands."""


class Stream:
    """One subscription. `opened` is done with the first word of the answer, or fails with why there is no stream.

    `queue` gets the JSON of each event, text where it is none, and None at the end.
    """

    def __init__(self) -> None:
        """Begin with a stream that is not open yet; needs a running loop."""
        self.queue: asyncio.Queue[Any] = asyncio.Queue()
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.opened.add_done_callback(lambda opened: opened.cancelled() or opened.exception())
        self._response: Any = None
        self._closed = False

    @property
    def is_open(self) -> bool:
        """Whether the answer has begun."""
        return self.opened.done() and not self.opened.cancelled() and self.failed is None

    @property
    def failed(self) -> BaseException | None:
        """Why there is no stream; None while that is not known, or there is one."""
        return self.opened.exception() if self.opened.done() and not self.opened.cancelled() else None

    def opens(self, response: Any) -> None:
        """Take the answer once it has begun."""
        self._response = response
        if self._closed:
            self.close()
        else:
            self.opened.set_result(None)

    def fails(self, reason: Exception) -> None:
        """Take the reason why there is no stream."""
        if not self.opened.done():
            self.opened.set_exception(reason)

    def close(self) -> None:
        """End the stream; one that has ended already is no error."""
        self._closed = True
        self.opened.cancel()
        if self._response is not None:
            with contextlib.suppress(Exception):
                docker.types.CancellableStream(iter(()), self._response).close()


def subscribe(connect: Callable[[], Client], since: int) -> Stream:
    """Return a stream that a thread of its own opens and reads; Docker tells again what it told after `since`.

    `since` are Unix nanoseconds, 0 for nothing. So no event is lost to a proxy that ends silent streams every minute.
    """
    stream, loop = Stream(), asyncio.get_running_loop()

    def read() -> None:
        try:
            response = _open(connect, since)
        except Exception as exc:  # noqa: BLE001 - raised again where `opened` is awaited
            on_loop(loop, stream.fails, exc)
            return
        on_loop(loop, stream.opens, response)
        with contextlib.suppress(Exception):  # after every kind of end: reconnect
            for event in parsed(iter(lambda: response.raw.read1(_BLOCK), b"")):
                on_loop(loop, stream.queue.put_nowait, event)
        on_loop(loop, stream.queue.put_nowait, None)

    threading.Thread(target=read, name="docker-events", daemon=True).start()
    return stream


def _open(connect: Callable[[], Client], since: int) -> Any:
    """Return the answer once it has begun. Not by docker-py's `events()`, which reads chunked answers only."""
    with attempted("events", failure=DockerUnavailable):
        client: Any = connect()
        filters = docker.utils.convert_filters({"type": ["container", "network"], "event": ACTIONS})
        seconds, nanoseconds = divmod(since + 1, 10**9)
        asked = {"filters": filters} | ({"since": f"{seconds}.{nanoseconds:09d}"} if since else {})
        url = client._url("/events")  # noqa: SLF001
        answer = client._get(url, params=asked, stream=True, timeout=HEADERS_WITHIN)  # noqa: SLF001
        client._raise_for_status(answer)  # noqa: SLF001
        client._disable_socket_timeout(client._get_raw_response_socket(answer))  # noqa: SLF001
        return answer


def parsed(blocks: Iterable[bytes]) -> Iterator[Any]:
    """Return the JSON values of a stream, however it was cut into blocks; a line that is none comes as text."""
    decode, text, scan = codecs.getincrementaldecoder("utf-8")("replace").decode, "", json.JSONDecoder().raw_decode
    for block in blocks:
        text = (text + decode(block)).lstrip()
        while text:
            try:
                value, end = scan(text)
            except ValueError:
                line, newline, rest = text.partition("\n")
                if not newline and len(text) < _LONGEST:
                    break  # the rest of it comes with the next block
                value, end = line, len(text) - len(rest)
            text = text[end:].lstrip()
            yield value


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
