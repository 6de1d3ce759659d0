"""`proxyctl echo`: the small web server that demos, tests and labs put behind the proxy.

It answers with its own name and with what it received, and it can be made slow, unhealthy or rude at its
end. It starts fast (aiohttp and nothing heavier), so it is also `python -m proxyctl.backend.server`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import dataclasses
import logging
import math
import os
import random
import signal
import socket
import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NoReturn

from aiohttp import web
from aiohttp.http import HttpProcessingError

OnTerm = Literal["graceful", "abrupt", "ignore"]

PATHS = """\
paths:
  /                  what was received, as JSON, for every method
  /healthz           200 or 503; POST or PUT /healthz/up and /healthz/down switch it
  /delay/SECONDS     the same after a delay of up to 60 s
  /stream/SECONDS    a chunk every 100 ms, up to 3600 s
  /status/CODE       that status, 200 to 599
  /bytes/N           N bytes, up to 100000000
  /close             ends the connection without an answer
  /reset             resets the connection without an answer
"""

_CHUNK = b"." * 65536
_LIMITS = {"delay": 60.0, "stream": 3600.0, "bytes": 100e6, "status": 599.0}
_LEAST_STATUS = 200
_SETTLE = 0.05
_LINGER_RESET = struct.pack("ii", 1, 0)


@dataclasses.dataclass(frozen=True, slots=True)
class Options:
    """How the server runs; times in seconds.

    A graceful end takes three steps: for `linger` it still accepts, and each answer closes its
    connection; then it stops listening and finishes what runs, for `drain` at most; then it exits with 0.
    """

    name: str
    host: str = "0.0.0.0"  # noqa: S104 - it is there to be reached
    port: int = 8080
    on_term: OnTerm = "graceful"
    linger: float = 0.2
    drain: float = 30.0
    start_delay: float = 0.0
    unhealthy: bool = False
    sick: bool = False
    idle_close: float = 0.0
    log_requests: bool = False


class Echo:
    """The request handler, and the little that it remembers; `log` gets a line when a request begins and ends."""

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
        amount = _number(rest[0], _LIMITS[what]) if what in _LIMITS and len(rest) == 1 else None
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


def _number(text: str, most: float) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and 0 <= value <= most else None


def _hang_up(request: web.BaseRequest, *, reset: bool) -> web.Response:
    if (transport := request.transport) is not None:
        if reset:
            sock: socket.socket = transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_RESET)
            transport.abort()
        else:
            transport.close()
    return web.Response()  # goes nowhere: the connection is closed


async def serve(options: Options, announce: Callable[[str], None]) -> None:
    """Listen until told to end; `announce` gets the line that says where. Raise OSError when it cannot.

    Must run in the main thread, because it takes the signals.
    """
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    if options.on_term == "abrupt":
        signal.signal(signal.SIGTERM, lambda *_: os._exit(128 + signal.SIGTERM))
    elif options.on_term == "ignore":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    else:
        loop.add_signal_handler(signal.SIGTERM, ended.set)
    try:
        await asyncio.wait_for(ended.wait(), options.start_delay)
    except TimeoutError:
        await _serve(options, announce, ended)


async def _serve(options: Options, announce: Callable[[str], None], ended: asyncio.Event) -> None:
    echo = Echo(options, announce if options.log_requests else lambda _: None)
    logger = logging.getLogger("proxyctl.echo")
    logger.addFilter(_ours)
    server = web.Server(echo, access_log=None, logger=logger, auto_decompress=False)
    listener = await asyncio.get_running_loop().create_server(
        server, options.host, options.port, reuse_address=True, backlog=4096
    )
    host, port = listener.sockets[0].getsockname()[:2]
    announce(f"echo {options.name} listens on {host}:{port}")
    await ended.wait()
    # Closing at once would lose what is on its way: connections in the backlog, requests on idle ones.
    echo.ending = True
    await asyncio.sleep(options.linger)
    listener.close()
    # The last connections that were accepted must have begun to wait: aiohttp forgets those that have not.
    await asyncio.sleep(_SETTLE)
    server.pre_shutdown()  # idle connections: `shutdown` alone would wait for them, all of `drain`
    await server.shutdown(options.drain)


def _ours(record: logging.LogRecord) -> bool:
    """Leave out clients that went away or do not speak HTTP: load generators and port probes do both all the time."""
    return not (record.exc_info and isinstance(record.exc_info[1], ConnectionError | HttpProcessingError))


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """End with one line, like every other verb."""
        self.exit(2, f"{self.prog}: {message}\n")


def _seconds(text: str) -> float:
    value = _number(text.removesuffix("s"), 86_400)
    if value is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds")
    return value


def _port(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or int(text) > 65535:  # noqa: PLR2004
        raise argparse.ArgumentTypeError(f"{text!r} is not a port")
    return int(text)


def _on_term(text: str) -> str:
    if text not in ("graceful", "abrupt", "ignore"):
        raise argparse.ArgumentTypeError(f"{text!r} is not one of graceful, abrupt, ignore")
    return text


def parse(argv: Sequence[str], environ: Mapping[str, str]) -> Options:
    """Return the options of a command line; end the process with 2 and one line where it is wrong."""
    parser = _Parser(
        prog="proxyctl echo",
        description="A small web server that says who it is and what it received.",
        epilog=PATHS + "\nEach option can also be set as ECHO_NAME, ECHO_PORT, ECHO_ON_TERM and so on.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )

    def option(flag: str, kind: Callable[[str], object], default: str, text: str) -> None:
        name = "ECHO_" + flag.upper().replace("-", "_")
        parser.add_argument(f"--{flag}", type=kind, default=environ.get(name) or default, help=text)

    option("name", str, socket.gethostname(), "what it calls itself (the host name)")
    option("host", str, "0.0.0.0", "the address it listens on (all)")  # noqa: S104
    option("port", _port, "8080", "the port it listens on; 0 picks one (8080)")
    option("on-term", _on_term, "graceful", "on SIGTERM: graceful, abrupt or ignore (graceful)")
    option("linger", _seconds, "0.2", "graceful: how long it still accepts (0.2 s)")
    option("drain-seconds", _seconds, "30", "graceful: how long running requests may take (30 s)")
    option("start-delay", _seconds, "0", "how long it waits before it listens (0 s)")
    option("idle-close", _seconds, "0", "closes idle connections at random times up to this (0: never)")

    def switch(flag: str, text: str) -> None:
        name = "ECHO_" + flag.upper().replace("-", "_")
        on = environ.get(name, "").lower() in {"1", "true", "yes", "on"}
        parser.add_argument(f"--{flag}", action="store_true", default=on, help=text)

    switch("unhealthy", "/healthz says 503 at first")
    switch("sick", "while unhealthy it ends every connection without an answer")
    switch("log-requests", "prints a line when a request begins and when it is answered")
    given = parser.parse_args(argv)
    return Options(
        name=given.name,
        host=given.host,
        port=given.port,
        on_term=given.on_term,
        linger=given.linger,
        drain=given.drain_seconds,
        start_delay=given.start_delay,
        unhealthy=given.unhealthy,
        sick=given.sick,
        idle_close=given.idle_close,
        log_requests=given.log_requests,
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the server; return the exit code. Light on purpose: `proxyctl echo` comes here directly."""
    import sys  # noqa: PLC0415

    options = parse(sys.argv[1:] if argv is None else argv, os.environ)
    new_event_loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
    with contextlib.suppress(ImportError):
        from uvloop import new_event_loop  # noqa: PLC0415 - where it is available
    try:
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            runner.run(serve(options, lambda line: print(line, flush=True)))  # noqa: T201
    except OSError as exc:
        sys.stderr.write(f"proxyctl echo: cannot listen on {options.host}:{options.port}: {exc.strerror}\n")
        return 1
    except KeyboardInterrupt:
        return 0
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
