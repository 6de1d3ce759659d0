"""nginx as an Engine: every change takes a reload, which is confirmed once no old worker accepts a connection.

Owns how nginx is started, checked, signalled and asked; `reconcile.apply` knows when and why. Proves a reload by the
revision that `templates/nginx/_status.conf.j2` prints.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
from collections.abc import Iterable
from pathlib import Path

from proxyctl.core import layout
from proxyctl.core.model import ConfigFiles, Features, Running, Server, ServerCount
from proxyctl.core.plan import Plan
from proxyctl.core.usage import Usage
from proxyctl.engines import boot, inside_gateway, loaded, unix_sockets
from proxyctl.engines.nginx.paths import CONFIG_NAME, STATUS_SOCKET
from proxyctl.engines.nginx.printed import printed
from proxyctl.engines.port import Printer
from proxyctl.engines.timings import timed
from proxyctl.errors import ConfigRefused, GatewayError, ReloadFailed, RuntimeRefused
from proxyctl.gateway.port import Access
from proxyctl.providers.port import Shell

STOP_SIGNAL = "SIGQUIT"

DEADLINE = 10.0
"""Seconds for a reload. 10,000 servers take 0.2 s; after this time nginx has refused or hangs."""

_PAUSE = 0.002
_LOOK = 0.05
_OLD_WORKERS = ("sh", "-c", "grep -qs 'is shutting [d]own' /proc/[0-9]*/cmdline")
"""Ends with 0 while an old worker is left, which nginx titles so, and with 1 when none is.

The brackets keep the command from finding itself.
"""
_NONE = 1

_ANSWER = 1.0
"""Seconds for one answer of the status listener, which only returns a constant."""

_LISTEN = re.compile(r"^\s*listen\s+(?:[^\s;]*:)?(\d+)[\s;]", re.MULTILINE)
_CONNECTIONS = re.compile(r"^\s*worker_connections\s+(\d+)\s*;", re.MULTILINE)
_SPARE_FILES = 100
"""Descriptors that a worker needs beside its connections: listeners, logs, temporary files."""


def boot_script() -> str:
    """Return the text of the gateway's `boot.sh`, which becomes nginx's master.

    nginx refuses an upstream without a server, so one that is out is marked `down`.
    """
    start = f"nginx -c {layout.SERVE}/{CONFIG_NAME}"
    return boot.script(reload="HUP", off="down", start=start)


async def features(shell: Shell) -> Features:
    """Return what this nginx can do, by `nginx -V` and the file limit of pid 1; raise GatewayError."""
    version, build = await inside_gateway.ask_version(shell, ("nginx", "-V"), r"nginx version: \S+?/")
    allowed = await inside_gateway.allowed_files(shell)
    return Features("nginx", version, await _stream(shell, build), max(1, (allowed - _SPARE_FILES) // 2))


async def _stream(shell: Shell, build: str) -> str:
    """Return "static" for a built-in stream module, else the path of its file, else ""."""
    options = dict(o.partition("=")[::2] for o in re.findall(r"--([\w-]+(?:=\S+)?)", build))
    if options.get("with-stream") == "":
        return "static"
    if "with-stream" not in options:
        return ""
    prefix = options.get("prefix", "/usr/local/nginx")
    module = f"{options.get('modules-path', f'{prefix}/modules')}/ngx_stream_module.so"
    ran = await shell.run(("test", "-e", module))
    return module if ran.code == 0 else ""


class Nginx:
    """The nginx inside a gateway; `run_folder` is `layout.RUN` as this process sees it."""

    kind: str = "nginx"
    printer: Printer = staticmethod(printed)

    def __init__(self, gateway: Access, run_folder: Path) -> None:
        self._gateway = gateway
        self._run_folder = run_folder

    async def features(self) -> Features:
        """Return what the gateway's nginx can do; raise GatewayError."""
        return await features(self._gateway)

    async def check(self, folder: str, files: ConfigFiles) -> None:
        """Have `nginx -t` read the generation and bind its addresses; raise ConfigRefused with its error line.

        The running nginx is not disturbed: an address in use is no error to `-t`, it unlinks only unix sockets
        that it made, and it creates the pid file at most (nginx 1.22 to 1.30, ngx_connection.c, nginx.c). New
        ports are checked here, because a reload that cannot bind them fails only after seconds.
        """
        ran = await self._gateway.run(("nginx", "-t", "-q", "-c", f"{folder}/{CONFIG_NAME}"))
        if ran.code != 0:
            line = _emergency(ran.output) or inside_gateway.last_line(ran.output) or f"nginx -t ended with {ran.code}"
            raise ConfigRefused(line.replace(f"{folder}/", ""))
        new, now = dict(files.files).get(CONFIG_NAME, ""), loaded.current_text(self._run_folder, CONFIG_NAME)
        await inside_gateway.refuse_taken(self._gateway, _ports(new) - _ports(now))

    async def reload(self, revision: str) -> None:
        """Load `current`; return once nginx answers with `revision` and its old workers accept nothing any more.

        Wait first for a gateway that boots; do nothing where nginx has the revision already.

        The master starts new workers, sleeps 100 ms and only then stops the old ones from accepting, so
        the first answer with the new revision (20 to 70 ms) proves nothing about the next connection.
        """
        inside_gateway.refuse_ended(self._gateway)
        accepting: int | None = None
        try:
            async with asyncio.timeout(DEADLINE):
                before = await self._answer()
                if before.revision == revision:
                    return
                accepting = self._accepting(before.revision)
                await inside_gateway.while_it_runs(self._gateway, self._load(revision, accepting))
        except TimeoutError as exc:
            raise ReloadFailed(await self._why(revision)) from exc
        finally:
            if accepting is not None:
                os.close(accepting)

    async def _load(self, revision: str, accepting: int | None) -> None:
        boot.serve_current(self._run_folder)
        with timed("answers"):
            await self._gateway.signal("HUP")
            await self._until_answers(revision)
        with timed("retires"):
            await _until_refused(accepting)

    async def _answer(self) -> Running:
        """Wait for an answer: it proves that pid 1 is nginx, not yet a shell that a HUP would end."""
        while True:
            running = await self.running()
            if running is not None:
                return running
            await asyncio.sleep(_PAUSE)

    async def _until_answers(self, revision: str) -> None:
        while (await self._answer()).revision != revision:  # noqa: ASYNC110 - nginx has no event for it
            await asyncio.sleep(_PAUSE)

    def _accepting(self, revision: str) -> int | None:
        """Return a descriptor of the socket on which only workers of `revision` accept: the reload unlinks its path."""
        try:
            return os.open(self._run_folder / f"accepts-{revision}.sock", os.O_PATH | os.O_CLOEXEC)
        except FileNotFoundError:  # a user's template without this listener
            return None

    async def change(self, plan: Plan, files: ConfigFiles) -> None:  # noqa: ARG002 - part of the protocol
        """Refuse: nginx takes nothing at run time."""
        raise RuntimeRefused("nginx takes every change by a reload")

    async def cut(self, servers: Iterable[tuple[str, str]]) -> None:
        """Do nothing: a draining server has left the upstream, and worker_shutdown_timeout ends the old workers."""

    async def quiet(self, keepalive_min: float) -> None:
        """Return once the workers of earlier configurations have ended, or after `keepalive_min` seconds.

        A client may have sent its next request on a connection that such a worker holds: it goes to the servers that
        this worker knows. After `keepalive_min` a worker that lives on only finishes requests that it has; an image
        where they cannot be looked for has that wait each time.
        """
        with contextlib.suppress(TimeoutError, GatewayError):  # a gateway that ended has no workers
            async with asyncio.timeout(keepalive_min):
                while (await self._gateway.run(_OLD_WORKERS)).code != _NONE:  # noqa: ASYNC110 - nginx has no event for it
                    await asyncio.sleep(_LOOK)

    async def finished(self, pool: str, server: Server) -> bool:  # noqa: ARG002 - part of the protocol
        """Return whether no worker holds a connection to a server; raise GatewayError where the kernel does not say.

        A server that drains has left the upstream, so only old workers have any, and these close what is idle. An old
        worker with a WebSocket to another server lives on for long, so its end is not waited for.
        """
        return not await inside_gateway.connected(self._gateway, server.address, server.port)

    async def running(self) -> Running | None:
        """Return the revision and topology in a worker's answer; None without an answer."""
        try:
            async with asyncio.timeout(_ANSWER):
                text = await _get(self._run_folder / STATUS_SOCKET, "/revision")
        except (OSError, TimeoutError):
            return None
        found = loaded.read_revision(text)
        return Running(*found) if found else None

    async def counts(self) -> tuple[ServerCount, ...]:
        """Return no figures: open source nginx does not count by server."""
        return ()

    async def usage(self) -> tuple[Usage, ...]:
        """Return the connections and the open files of the fullest process.

        A worker has a descriptor for each connection, and next to no other; nginx counts both sides of a request.
        """
        files = (await inside_gateway.open_files(self._gateway, "nginx"))[:1]
        limit = _CONNECTIONS.search(loaded.current_text(self._run_folder, CONFIG_NAME))
        connections = [Usage("connections", p.used, int(limit[1])) for p in files] if limit else []
        return (*connections, *(Usage("open files", p.used, p.most) for p in files))

    async def _why(self, revision: str) -> str:
        """Say why a reload was not confirmed, from the newest `[emerg]` line, else the last line."""
        logs = await self._gateway.logs(50)
        line = _emergency(logs, newest=True) or inside_gateway.last_line(logs) or "and its log is empty"
        running = await self.running()
        has = f"still has {running.revision}" if running else "does not answer"
        return f"nginx {has}, {revision} was not loaded within {DEADLINE:.0f} s: {line}"


async def _get(path: Path, url: str) -> str:
    """Return the whole answer to one request on a unix socket."""
    async with unix_sockets.connected(path) as (reader, writer):
        writer.write(f"GET {url} HTTP/1.0\r\n\r\n".encode())
        return (await reader.read()).decode(errors="replace")


async def _until_refused(accepting: int | None) -> None:
    """Wait until no worker listens on the socket behind the descriptor; return at once for None."""
    while accepting is not None:
        try:
            _, writer = await asyncio.open_unix_connection(unix_sockets.by_descriptor(accepting))
        except ConnectionRefusedError:
            return
        except ConnectionResetError:  # the last worker closed the socket with this connection still in its queue
            continue
        writer.close()
        await asyncio.sleep(_PAUSE)


def _ports(text: str) -> set[int]:
    """Return the TCP ports that a configuration listens on."""
    return {int(port) for port in _LISTEN.findall(text)}


def _emergency(output: str, *, newest: bool = False) -> str:
    """Return nginx's own error from its first or newest `[emerg]` line, without time and pid, or ""."""
    found = re.findall(r"\[emerg\] (?:\d+#\d+: )?(.+)", output)
    return f"[emerg] {found[-1 if newest else 0].strip()}" if found else ""
