"""Asks the servers themselves whether they are ready: a TCP connect each, or an HTTP check again and again.

One task per followed target, through sockets in the network's view; where none can be had there, through
commands inside the gateway. When a checked server counts as up is decided in `core.health`.
"""

from __future__ import annotations

import asyncio
import errno
import functools
import os
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable, Mapping

import structlog

from proxyctl.core import codes
from proxyctl.core.health import Vitals, accepts, judge
from proxyctl.core.model import Finding, HealthCheck, Target
from proxyctl.errors import GatewayError
from proxyctl.providers.port import NetworkView, Shell, Wake

log = structlog.get_logger()

GRACE = 10.0
"""Seconds a server may take to listen, or to pass its first check, before waiting becomes a problem."""

_FIRST, _LAST = 0.001, 0.5
"""Seconds between attempts: a server is often there within 10 ms of its start event."""
_GROWTH = 1.25
"""Each pause is longer by this factor, so that waiting takes at most a quarter longer than the server does."""
_COMMAND_FIRST = 0.2
"""The same where every attempt is a command in the gateway, which takes 60 ms."""
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


def _any_certificate() -> ssl.SSLContext:
    """Return a context that takes any certificate, as the proxies do towards servers."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class _Unprobeable(Exception):
    """No tool is there to ask the server with."""


class Prober:
    """Follows targets and keeps a finding of each; calls `wake` whenever a target begins or ceases to be ready.

    `gateway` runs the commands where `view` gives no sockets; without a gateway such a target is never ready.
    """

    def __init__(self, view: NetworkView, wake: Wake, gateway: Shell | None = None, grace: float = GRACE) -> None:
        self._view = view
        self._wake = wake
        self._gateway = gateway
        self._grace = grace
        self._tls = _any_certificate()
        self._tasks: dict[Target, asyncio.Task[None]] = {}
        self._findings: dict[Target, Finding] = {}

    def follow(self, targets: Iterable[Target]) -> None:
        """Replace the set of targets; a target that stays keeps its task and its finding."""
        asked = frozenset(targets)
        if asked == self._tasks.keys():
            return
        for target in self._tasks.keys() - asked:
            self._tasks.pop(target).cancel()
            self._findings.pop(target, None)
        for target in asked - self._tasks.keys():
            task = asyncio.create_task(self._watch(target), name=f"probe {target.name}")
            task.add_done_callback(functools.partial(self._ended, target))
            self._tasks[target] = task

    def findings(self) -> Mapping[Target, Finding]:
        """Return the finding of each followed target; a target that was not asked yet has none."""
        return dict(self._findings)

    async def close(self) -> None:
        """Stop asking."""
        tasks = list(self._tasks.values())
        self.follow(())
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ended(self, target: Target, task: asyncio.Task[None]) -> None:
        """Report a probe that ended by a fault of its own: its target would otherwise wait for ever."""
        exc = None if task.cancelled() else task.exception()
        if exc is not None and self._tasks.get(target) is task:
            reason = f"the probe itself failed: {exc!r}"
            self._set(target, Finding(ok=False, reason=reason, late=True, code=codes.INTERNAL))

    def _set(self, target: Target, finding: Finding) -> None:
        before = self._findings.get(target)
        self._findings[target] = finding
        if before is None or (before.ok, before.late) != (finding.ok, finding.late):
            self._wake(f"{target.name} {'answers' if finding.ok else finding.reason}")

    async def _watch(self, target: Target) -> None:
        loop = asyncio.get_running_loop()
        began, attempts = loop.time(), 0
        late_at = began + self._grace
        vitals = Vitals()
        pause = _FIRST if self._view.direct else _COMMAND_FIRST
        while True:
            try:
                reason = await self._ask(target)
            except _Unprobeable as exc:
                self._set(target, Finding(ok=True, reason=f"cannot be probed from here: {exc}"))
                return
            check = target.check
            rise, fall = (check.rise, check.fall) if check else (1, 1)
            vitals = judge(vitals, passed=not reason, rise=rise, fall=fall)
            late = vitals.proven or loop.time() >= late_at
            attempts += 1
            if vitals.up:
                if target not in self._findings or not self._findings[target].ok:
                    ms = round((loop.time() - began) * 1000, 1)
                    log.debug("probed", server=target.name, attempts=attempts, ms=ms)
                self._set(target, Finding(ok=True, reason=reason))
            else:
                code = codes.UNCHECKED if check else codes.NOT_READY
                reason = reason or "passes again, not often enough yet"
                self._set(target, Finding(ok=False, reason=reason, late=late, code=code))
            if check is None and vitals.up:
                return
            if check is not None and vitals.proven:
                pause = check.interval_ms / 1000
            await asyncio.sleep(pause)
            pause = min(pause * _GROWTH, _LAST)

    async def _ask(self, target: Target) -> str:
        """Return why the target is not ready, or an empty string; raise _Unprobeable."""
        check = target.check
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
            self._get(target, port, check, url),
            f"GET {url} took longer than {check.timeout_ms} ms",
            lambda exc: f"GET {url} failed ({_text(exc)})",
        )

    async def _connect(self, address: str, port: int) -> str:
        if not self._view.direct:
            await self._command(_CONNECT_COMMAND, address, str(port), str(int(_CONNECT)))
            return ""
        with self._view.open(socket.AF_INET, socket.SOCK_STREAM) as sock:
            await asyncio.get_running_loop().sock_connect(sock, (address, port))
        return ""

    async def _get(self, target: Target, port: int, check: HealthCheck, url: str) -> str:
        if self._view.direct:
            line = await self._exchange(target, port, check.path)
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

    async def _exchange(self, target: Target, port: int, path: str) -> str:
        """Return the status line of one request on a connection of its own."""
        loop = asyncio.get_running_loop()
        host = f"{target.address}:{port}"
        request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: proxyctl\r\nConnection: close\r\n\r\n"
        tls, name = (self._tls, "") if target.protocol == "https" else (None, None)
        with self._view.open(socket.AF_INET, socket.SOCK_STREAM) as sock:
            await loop.sock_connect(sock, (target.address, port))
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
        """Run a probe inside the gateway; raise OSError when it fails, _Unprobeable when it has no tool."""
        if self._gateway is None:
            raise ConnectionError("the network cannot be seen from this process")
        try:
            ran = await self._gateway.run(("sh", "-c", script, "sh", *argv))
        except GatewayError as exc:
            raise ConnectionError(str(exc)) from exc
        if ran.code == _NOWAY:
            raise _Unprobeable("the gateway's image has neither bash nor nc")
        if ran.code != 0:
            refused = "refused" in ran.output
            raise OSError(errno.ECONNREFUSED if refused else errno.EHOSTUNREACH, "")
        return ran.output.strip()


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
