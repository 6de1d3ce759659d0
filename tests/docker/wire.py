"""A long wire in front of a gateway or a server: what is sent takes a while, so something is always on its way.

On a loopback a request is under way for microseconds, and who closes idle connections too early is hardly ever
caught at it. Behind 10 ms of wire it is caught each time. Both ends can be in other network namespaces.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Self, cast

from proxyctl.check.load.loop import new_event_loop

DELAY = 0.01


class Wire:
    """Listens on a port of 127.0.0.1, or on `listening`, and leads to `address`:`port` while the block runs.

    Either way takes `DELAY` seconds. `enter` is called once, in the thread that connects: with it the thread can enter
    the network namespace of the far end. A thread for each connection, which enters and ends, is not fast enough
    (docs/decisions/0025).
    """

    def __init__(
        self,
        address: str,
        *,
        port: int = 80,
        listening: socket.socket | None = None,
        enter: Callable[[], None] | None = None,
    ) -> None:
        self._far, self._enter = (address, port), enter
        self._listening = listening or socket.create_server(("127.0.0.1", 0))
        self._loop = new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="wire", daemon=True)
        self._pipes: set[asyncio.Task[None]] = set()
        self.port = 0

    @property
    def url(self) -> str:
        """Where the near end is."""
        return f"http://127.0.0.1:{self.port}/"

    def __enter__(self) -> Self:
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._serve(), self._loop).result(5)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, at: TracebackType | None) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(30)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    async def _serve(self) -> asyncio.Server:
        if self._enter is not None:
            self._enter()
        return await self._loop.create_server(self._near, sock=self._listening, backlog=1024)

    async def _close(self) -> None:
        self._server.close()
        for task in self._pipes:
            task.cancel()
        await asyncio.gather(*self._pipes, return_exceptions=True)

    def _near(self) -> _End:
        near, far = _End(), _End()
        near.other, far.other = far, near
        task = self._loop.create_task(self._lead(near, far))
        self._pipes.add(task)
        task.add_done_callback(self._pipes.discard)
        return near

    async def _lead(self, near: _End, far: _End) -> None:
        """Connect the far end, then wait until both have ended."""
        try:
            await self._loop.create_connection(lambda: far, *self._far)
            await asyncio.gather(near.ended.wait(), far.ended.wait())
        except OSError:
            pass  # refused: the client sees a connection that is reset at once
        finally:
            near.abort()
            far.abort()


class _End(asyncio.Protocol):
    """One end; everything that happens here happens at the other end a little later, in the same order."""

    other: _End

    def __init__(self) -> None:
        self.ended = asyncio.Event()
        self._transport: asyncio.Transport | None = None
        self._waiting: list[Callable[[], None]] = []
        self._on_its_way: deque[Callable[[_End], None]] = deque()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        for do in self._waiting:
            do()

    def data_received(self, data: bytes) -> None:
        self._send(lambda other: other.write(data))

    def eof_received(self) -> bool:
        self._send(lambda other: other.write_eof())
        return True  # the other direction goes on

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended.set()
        self._send(lambda other: other.abort() if exc else other.close())

    @property
    def _open(self) -> asyncio.Transport:
        assert self._transport is not None
        return self._transport

    def write(self, data: bytes) -> None:
        """Put bytes out, once there is a connection."""
        self._do(lambda: self._open.write(data))

    def write_eof(self) -> None:
        """Say that nothing more comes."""
        self._do(self._half_close)

    def close(self) -> None:
        """End it in good order."""
        self._do(self._close)

    def abort(self) -> None:
        """Reset it."""
        self.ended.set()
        if self._transport is not None:
            self._transport.abort()

    def _half_close(self) -> None:
        with contextlib.suppress(OSError, RuntimeError):
            self._open.write_eof()

    def _close(self) -> None:
        self._open.close()

    def _do(self, action: Callable[[], None]) -> None:
        if self._transport is None:
            self._waiting.append(action)
        elif not self._transport.is_closing():
            action()

    def _send(self, action: Callable[[_End], None]) -> None:
        self._on_its_way.append(action)
        asyncio.get_running_loop().call_later(DELAY, self._arrive)

    def _arrive(self) -> None:
        self._on_its_way.popleft()(self.other)
