"""A stand-in for the gateway: names a server for requests that carry the token, by the weights it was given."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import threading
from collections.abc import Iterator

from proxyctl.core.layout import CHECK_HEADER, SERVER_HEADER
from tests.backend.backends import Connection, Peer, RawServer, raw_server

TOKEN = "s3cret"


def balancing(*servers: str) -> Connection:
    """Answer as the servers in turn, each as often as it is listed."""
    turn = itertools.cycle(servers)

    async def behave(peer: Peer) -> None:
        while head := await peer.request():
            name = next(turn)
            headers = [f"X-Served-By: {name}"]
            if f"{CHECK_HEADER}: {TOKEN}\r\n" in head:
                headers.append(f"{SERVER_HEADER}: {name}")
            await peer.answer("200 OK", b"ok", *headers)

    return behave


@contextlib.contextmanager
def in_thread(behave: Connection) -> Iterator[RawServer]:
    """Run a server beside a test that is not async itself."""
    ready = threading.Event()
    running: list[tuple[asyncio.AbstractEventLoop, asyncio.Event, RawServer]] = []

    async def serve() -> None:
        async with raw_server(behave) as server:
            ended = asyncio.Event()
            running.append((asyncio.get_running_loop(), ended, server))
            ready.set()
            await ended.wait()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    assert ready.wait(10)
    loop, ended, server = running[0]
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join(10)
