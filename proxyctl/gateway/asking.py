"""One attempt to ask a server whether it is ready: a TCP connect or an HTTP check, by a socket or by a command.

Judges one answer and remembers none; `probe` says when to ask, and what the answers come to.
"""

from __future__ import annotations

import asyncio
import errno
import functools
import os
import socket
import ssl
from collections.abc import Awaitable, Callable

from proxyctl.core.health import accepts
from proxyctl.core.model import HealthCheck, Target
from proxyctl.errors import GatewayError
from proxyctl.gateway import pace
from proxyctl.providers.port import NetworkView, Shell

_CONNECT = 1.0
"""Seconds for one connect: a stopped container's address answers nothing at all for 3 s and more."""
_LONGEST_ANSWER = 65536

_NOWAY = 98
# $1 address, $2 port, $3 seconds. bash is in Debian's images, nc in busybox's.
_CONNECT_COMMAND = f"""
if command -v bash >/dev/null; then timeout "$3" bash -c ': <>"/dev/tcp/$0/$1"' "$1" "$2"
elif command -v nc >/dev/null; then timeout "$3" nc "$1" "$2" -e true
else exit {_NOWAY}; fi
"""
# ... and $4 path. Prints the status line.
_GET_COMMAND = f"""
ask() {{
  printf 'GET %s HTTP/1.1\\r\\nHost: %s\\r\\nUser-Agent: proxyctl\\r\\nConnection: close\\r\\n\\r\\n' "$1" "$2"
}}
if command -v bash >/dev/null; then
  ask "$4" "$1" | timeout "$3" bash -c 'exec 3<>"/dev/tcp/$0/$1"; cat >&3; head -n 1 <&3' "$1" "$2"
elif command -v nc >/dev/null; then ask "$4" "$1" | timeout "$3" nc "$1" "$2" | head -n 1
else exit {_NOWAY}; fi
"""


@functools.cache
def _any_certificate() -> ssl.SSLContext:
    """Return a context that takes any certificate, as the proxies do towards servers."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class Unprobeable(Exception):
    """No tool is there to ask the server with."""


class Asking:
    """Asks one target, again and again, through `view`, or by commands in `gateway` where the view has no sockets.

    A refused connection leaves its socket as it was, so the next attempt takes the same one: 15 µs, where a new one
    in the gateway's namespace takes 250 µs of a processor.
    """

    def __init__(self, target: Target, view: NetworkView, gateway: Shell | None) -> None:
        """Without a gateway, and without sockets, the target is never ready."""
        self._target, self._view, self._gateway = target, view, gateway
        self._kept: socket.socket | None = None
        self._met = False

    @property
    def way(self) -> pace.Way:
        """What the last attempt came to costs so much that the next one should wait."""
        if not self._view.direct:
            return pace.COMMAND
        return pace.CHECK if self._met else pace.CONNECT

    def close(self) -> None:
        """Close the socket that is kept for the next attempt."""
        if self._kept is not None:
            self._kept.close()
            self._kept = None

    async def ask(self) -> str:
        """Return why the target is not ready, or an empty string; raise Unprobeable."""
        target, check = self._target, self._target.check
        self._met = False
        if check is None or not check.path:
            port, seconds = (check.port or target.port, check.timeout_ms / 1000) if check else (target.port, _CONNECT)
            place = f"{target.address}:{port}"
            return await _within(
                seconds,
                self._connect(target.address, port),
                f"nothing answers on {place} (no reply to a connection attempt in {seconds:g} s)",
                lambda exc: f"nothing listens on {place} ({_text(exc)}), or only on the container's own loopback",
            )
        port = check.port or target.port
        url = f"{target.protocol}://{target.address}:{port}{check.path}"
        return await _within(
            check.timeout_ms / 1000,
            self._get(port, check, url),
            f"GET {url} took longer than {check.timeout_ms} ms",
            lambda exc: f"GET {url} failed ({_text(exc)})",
        )

    async def _connect(self, address: str, port: int) -> str:
        if self._view.direct:
            (await self._connected(address, port)).close()
        else:
            await self._command(_CONNECT_COMMAND, address, str(port), str(int(_CONNECT)))
        return ""

    async def _connected(self, address: str, port: int) -> socket.socket:
        """Return a socket with a connection; raise OSError. Only one that was refused is kept for the next attempt.

        After any other failure the socket may be in the namespace of a gateway that is gone.
        """
        sock, self._kept = self._kept or self._view.open(socket.AF_INET, socket.SOCK_STREAM), None
        error = _begun(sock, (address, port))
        if error == errno.ECONNREFUSED:
            self._kept = sock
        elif error == errno.EALREADY:
            try:
                await asyncio.get_running_loop().sock_connect(sock, (address, port))
            except BaseException:
                sock.close()
                raise
            error = 0
        elif error:
            sock.close()
        if error:
            raise OSError(error, os.strerror(error))
        self._met = True
        return sock

    async def _get(self, port: int, check: HealthCheck, url: str) -> str:
        target = self._target
        if self._view.direct:
            line = await self._exchange(port, check.path)
        elif target.protocol == "https":
            return f"GET {url} cannot be made here: for TLS, proxyctl must run as root beside the engine"
        else:
            seconds = str(max(1, check.timeout_ms // 1000))
            line = await self._command(_GET_COMMAND, target.address, str(port), seconds, check.path)
        version, _, rest = line.partition(" ")
        if not version.startswith("HTTP/") or not (rest[:3].isascii() and rest[:3].isdigit()):
            return f"GET {url} was not answered with HTTP"
        if not accepts(check.status, int(rest[:3])):
            return f"GET {url} answered {rest[:3]}, and {check.status} is wanted"
        return ""

    async def _exchange(self, port: int, path: str) -> str:
        """Return the status line of one request on a connection of its own."""
        host = f"{self._target.address}:{port}"
        request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: proxyctl\r\nConnection: close\r\n\r\n"
        tls, name = (_any_certificate(), "") if self._target.protocol == "https" else (None, None)
        with await self._connected(self._target.address, port) as sock:
            reader, writer = await asyncio.open_connection(
                sock=sock, ssl=tls, server_hostname=name, limit=_LONGEST_ANSWER
            )
            try:
                writer.write(request.encode())
                answer = await reader.readline()
            except ValueError:  # a line without an end
                answer = b""
            finally:
                writer.transport.abort()
        return answer.decode(errors="replace").rstrip()

    async def _command(self, script: str, *argv: str) -> str:
        """Run a probe inside the gateway; raise OSError when it fails, Unprobeable when it has no tool."""
        if self._gateway is None:
            raise ConnectionError("the network cannot be seen from this process")
        try:
            ran = await self._gateway.run(("sh", "-c", script, "sh", *argv))
        except GatewayError as exc:
            raise ConnectionError(str(exc)) from exc
        if ran.code == _NOWAY:
            raise Unprobeable("the gateway's image has neither bash nor nc")
        if ran.code != 0:
            refused = "refused" in ran.output
            raise OSError(errno.ECONNREFUSED if refused else errno.EHOSTUNREACH, "")
        return ran.output.strip()


def _begun(sock: socket.socket, place: tuple[str, int]) -> int:
    """Begin a connection; return 0 where it is there, EALREADY where the answer is on its way, or the error.

    A container on the same machine answers before the call returns, and the second call tells it: without the event
    loop, whose part of an attempt would be three quarters.
    """
    error = sock.connect_ex(place)
    return sock.connect_ex(place) if error == errno.EINPROGRESS else error


async def _within(seconds: float, asked: Awaitable[str], too_late: str, failed: Callable[[OSError], str]) -> str:
    """Return what was found out, or the reason why nothing was."""
    try:
        async with asyncio.timeout(seconds):
            return await asked
    except TimeoutError:
        return too_late
    except OSError as exc:
        return failed(exc)


def _text(exc: OSError) -> str:
    """Return what went wrong in the system's words; asyncio replaces them by "Connect call failed"."""
    if isinstance(exc, ssl.SSLError):  # its errno is none of the system's
        return f"TLS: {(exc.reason or str(exc)).lower().replace('_', ' ')}"
    return os.strerror(exc.errno).lower() if exc.errno else str(exc)
