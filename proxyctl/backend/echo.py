"""What `proxyctl echo` answers: its own name and what it received, or whatever a path asks it to do.

Next: `server` listens, and ends as it is told to.
"""

from __future__ import annotations

import asyncio
import random
import socket
import struct
from collections.abc import Callable, Mapping, Sequence

from aiohttp import web

from proxyctl.backend.options import PATHS, Options, bounded

_CHUNK = b"." * 65536
_LIMITS = {"delay": 60.0, "stream": 3600.0, "bytes": 100e6, "status": 599.0}
_LEAST_STATUS = 200
_LINGER_RESET = struct.pack("ii", 1, 0)


class Echo:
    """Answers requests, and counts them; `log` gets a line when a request begins and ends."""

    def __init__(self, options: Options, log: Callable[[str], None]) -> None:
        self.name = options.name
        self.healthy = not options.unhealthy
        self.ending = False
        self.requests = 0
        self._options = options
        self._log = log
        self._idle: dict[asyncio.BaseTransport | None, asyncio.TimerHandle] = {}

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request; those for `/healthz` are not counted."""
        what, *rest = request.path.strip("/").split("/")
        if what == "healthz":
            return self._signed(self._health(request.method, rest))
        self.requests += 1
        number, text = self.requests, f"{request.method} {request.path}"
        if (timer := self._idle.pop(request.transport, None)) is not None:
            timer.cancel()
        self._log(f"{number} {text} begins")
        if self._options.sick and not self.healthy:
            return _hang_up(request, reset=False)
        response = await self._answer(request, number, what, rest)
        self._log(f"{number} {text} is answered")
        if self._options.idle_close:
            self._close_idle(request.transport)
        return response

    def _close_idle(self, transport: asyncio.BaseTransport | None) -> None:
        """Close a connection some time later, unless a request comes before."""

        def close() -> None:
            self._idle.pop(transport, None)
            self._log("closes an idle connection")
            if transport is not None:
                transport.close()

        seconds = self._options.idle_close * random.uniform(0.1, 1)  # noqa: S311 - no secret
        self._idle[transport] = asyncio.get_running_loop().call_later(seconds, close)

    async def _answer(
        self, request: web.BaseRequest, number: int, what: str, rest: Sequence[str]
    ) -> web.StreamResponse:
        size = 0
        async for block in request.content.iter_any():
            size += len(block)
        amount = bounded(rest[0], _LIMITS[what]) if what in _LIMITS and len(rest) == 1 else None
        match what:
            case "close" | "reset":
                response: web.StreamResponse = _hang_up(request, reset=what == "reset")
            case _ if what in _LIMITS and (amount is None or (what == "status" and amount < _LEAST_STATUS)):
                response = web.Response(status=400, text=f"not understood: {request.path}\n\n{PATHS}")
            case "stream":
                return await self._stream(request, amount or 0)
            case "bytes":
                return await self._bytes(request, int(amount or 0))
            case "status":
                response = web.Response(status=int(amount or 0))
            case _:
                await asyncio.sleep(amount or 0)
                response = web.json_response(self._received(request, number, size))
        return self._signed(response)

    def _received(self, request: web.BaseRequest, number: int, size: int) -> Mapping[str, object]:
        path, _, query = request.raw_path.partition("?")
        headers: dict[str, str] = {}
        for key, value in request.headers.items():
            headers[key] = f"{headers[key]}, {value}" if key in headers else value
        return {
            "server": self.name,
            "method": request.method,
            "path": path,
            "query": query,
            "host": request.headers.get("Host"),
            "headers": headers,
            "client": request.remote,
            "body_bytes": size,
            "requests": number,
        }

    def _health(self, method: str, rest: Sequence[str]) -> web.Response:
        if rest:
            if rest not in (["up"], ["down"]):
                return web.Response(status=404, text=PATHS)
            if method not in {"POST", "PUT"}:
                return web.Response(status=405, headers={"Allow": "POST, PUT"}, text="POST or PUT switches it\n")
            self.healthy = rest == ["up"]
            return web.json_response({"server": self.name, "healthy": self.healthy})
        healthy = self.healthy and not self.ending
        return web.json_response({"server": self.name, "healthy": healthy}, status=200 if healthy else 503)

    async def _stream(self, request: web.BaseRequest, seconds: float) -> web.StreamResponse:
        response = self._signed(web.StreamResponse())
        response.enable_chunked_encoding()
        await response.prepare(request)
        if request.method != "HEAD":
            for number in range(max(1, round(seconds * 10))):
                await response.write(f"{self.name} {number}\n".encode())
                await asyncio.sleep(0.1)
        await response.write_eof()
        return response

    async def _bytes(self, request: web.BaseRequest, count: int) -> web.StreamResponse:
        response = self._signed(web.StreamResponse())
        response.content_length = count
        await response.prepare(request)
        if request.method != "HEAD":
            for start in range(0, count, len(_CHUNK)):
                await response.write(_CHUNK[: count - start])
        await response.write_eof()
        return response

    def _signed(self, response: web.StreamResponse) -> web.StreamResponse:
        response.headers["X-Served-By"] = self.name
        if self.ending:
            response.force_close()
        return response


def _hang_up(request: web.BaseRequest, *, reset: bool) -> web.Response:
    if (transport := request.transport) is not None:
        if reset:
            sock: socket.socket = transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_RESET)
            transport.abort()
        else:
            transport.close()
    return web.Response()  # goes nowhere: the connection is closed
