"""`proxyctl echo`: the small web server that demos, tests and labs put behind the proxy.

It listens, and ends gracefully, abruptly or not at all; `echo` answers. It starts fast (aiohttp and nothing
heavier), so it is also `python -m proxyctl.backend.server`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import time
from collections.abc import Callable, Sequence

from aiohttp import web
from aiohttp.http import HttpProcessingError

from proxyctl.backend.echo import Echo
from proxyctl.backend.options import Options, parse

_SETTLE = 0.05
LONGEST_LINGER = 5.0
"""Seconds, where `linger` is not longer itself: `docker stop` kills after 10."""


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
    await _until_quiet(echo, options.linger)
    listener.close()
    # The last connections that were accepted must have begun to wait: aiohttp forgets those that have not.
    await asyncio.sleep(_SETTLE)
    server.pre_shutdown()  # idle connections: `shutdown` alone would wait for them, all of `drain`
    await server.shutdown(options.drain)


async def _until_quiet(echo: Echo, linger: float) -> None:
    """Return once no request has come for `linger` seconds, or after LONGEST_LINGER: a proxy can be slow."""
    end = time.monotonic() + LONGEST_LINGER
    before = -1
    while echo.requests != before and (before < 0 or time.monotonic() < end):
        before = echo.requests
        await asyncio.sleep(linger)


def _ours(record: logging.LogRecord) -> bool:
    """Leave out clients that went away or do not speak HTTP: load generators and port probes do both all the time."""
    return not (record.exc_info and isinstance(record.exc_info[1], ConnectionError | HttpProcessingError))


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
