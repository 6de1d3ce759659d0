"""Real servers on loopback for the load generator to meet: `proxyctl echo`, and ones that misbehave to order."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import ssl
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import IO

READY_SECONDS = 60

Connection = Callable[["Peer"], Awaitable[None]]


class EchoProcess:
    """A running `proxyctl echo`."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.process = process
        self.port = port

    def url(self, path: str = "/") -> str:
        """Return the URL of a path."""
        return f"http://127.0.0.1:{self.port}{path}"

    def end(self, number: int = signal.SIGTERM, within: float = 30) -> int:
        """Send a signal and return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(within)


@contextlib.contextmanager
def echo_process(
    *arguments: str, environ: dict[str, str] | None = None, stderr: IO[str] | None = None
) -> Iterator[EchoProcess]:
    """Run `proxyctl echo` on a free port for the length of the block."""
    command = [sys.executable, "-m", "proxyctl.backend.server", "--port", "0", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, text=True, env=environ) as process:
        watchdog = threading.Timer(READY_SECONDS, process.kill)
        watchdog.start()
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert " listens on " in line, f"echo did not start within {READY_SECONDS} s"
            watchdog.cancel()
            yield EchoProcess(process, int(line.rsplit(":", 1)[1]))
        finally:
            watchdog.cancel()
            process.kill()


class Peer:
    """One client's connection, as a server sees it that misbehaves to order."""

    def __init__(self, server: RawServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._server = server
        self._reader = reader
        self.writer = writer

    async def request(self) -> str | None:
        """Return the head of the next request; None when the client has closed."""
        try:
            head = await self._reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        self._server.heads.append(head.decode("latin-1"))
        return self._server.heads[-1]

    async def body(self, size: int) -> bytes:
        """Return the request's body of that size."""
        return await self._reader.readexactly(size)

    async def answer(self, status: str = "200 OK", body: bytes = b"ok", *headers: str) -> None:
        """Send a whole answer."""
        lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
        await self.raw("\r\n".join(lines).encode() + body)

    async def raw(self, octets: bytes) -> None:
        """Send exactly these octets."""
        self.writer.write(octets)
        await self.writer.drain()

    def reset(self) -> None:
        """End the connection with a TCP reset."""
        self.writer.transport.abort()


class RawServer:
    """Counts what it was asked and behaves as it was told."""

    def __init__(self) -> None:
        self.heads: list[str] = []
        self.connections = 0
        self.port = 0

    def url(self, path: str = "/", scheme: str = "http") -> str:
        """Return the URL of a path."""
        return f"{scheme}://127.0.0.1:{self.port}{path}"


@contextlib.asynccontextmanager
async def raw_server(behave: Connection, tls: ssl.SSLContext | None = None) -> AsyncIterator[RawServer]:
    """Listen on a free port; each connection is handed to `behave` and closed when that returns."""
    server = RawServer()
    peers: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.connections += 1
        if (task := asyncio.current_task()) is not None:
            peers.add(task)
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            await behave(Peer(server, reader, writer))
        writer.close()
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            await writer.wait_closed()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
        for task in peers:
            task.cancel()
        await asyncio.gather(*peers, return_exceptions=True)
        await listener.wait_closed()


async def well_behaved(peer: Peer) -> None:
    """Answer every request with 200 and keep the connection."""
    while await peer.request():
        await peer.answer()
