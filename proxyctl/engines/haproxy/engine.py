"""HAProxy as an Engine: servers join, leave and change at run time, all else takes a confirmed reload.

Owns how HAProxy is started, checked, reloaded and asked; `reconcile.apply` knows when and why. Proves a reload by the
revision that `templates/haproxy/_global.cfg.j2` prints. Next: `change` for run-time changes, `workers` for reloads.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterable
from pathlib import Path

from proxyctl.core import layout
from proxyctl.core.model import ConfigFiles, Features, Running, Server, ServerCount
from proxyctl.core.plan import Plan
from proxyctl.core.usage import Usage
from proxyctl.engines import boot, inside_gateway, loaded
from proxyctl.engines.haproxy import answers, lines, sockets, state, stats, workers
from proxyctl.engines.haproxy.answers import Info, NoAnswer, servers_in_use
from proxyctl.engines.haproxy.change import Abilities, Left, PoolChange, pool_of
from proxyctl.engines.haproxy.paths import ADMIN_SOCKET, CONFIG_NAME, MASTER_SOCKET, STATUS_SOCKET
from proxyctl.engines.haproxy.printed import printed
from proxyctl.engines.port import Printer
from proxyctl.engines.timings import timed
from proxyctl.errors import ConfigRefused, GatewayError, ReloadFailed, RuntimeRefused
from proxyctl.gateway.port import Access
from proxyctl.providers.port import Shell

STOP_SIGNAL = "SIGUSR1"

DEADLINE = 10.0
"""Seconds for a reload. 10,000 servers take 0.2 s; after this time HAProxy has refused or hangs."""

_PAUSE = 0.002
_SPARE_FILES = 200
"""Descriptors beyond two for each connection: for listeners, checks, idle connections to servers."""
_MOST_CONNECTIONS = 10_000


def boot_script() -> str:
    """Return the text of the gateway's `boot.sh`, which becomes HAProxy's master.

    A server whose line is left out is missing in HAProxy's own list, so that `watch` sees the difference; a `disabled`
    one would be there.
    """
    start = f"haproxy -W -db -f {layout.SERVE}/{CONFIG_NAME} -S {layout.RUN}/{MASTER_SOCKET},mode,600"
    return boot.script(reload="USR2", off="", start=start)


async def features(shell: Shell) -> Features:
    """Return what this HAProxy can do, by `haproxy -v` and the file limit of pid 1; raise GatewayError."""
    return (await _abilities(shell))[0]


async def _abilities(shell: Shell) -> tuple[Features, int]:
    """Return what this HAProxy can do, and how many files it may have open."""
    version, _ = await inside_gateway.ask_version(shell, ("haproxy", "-v"), "HAProxy version ")
    allowed = await inside_gateway.allowed_files(shell)
    most = max(1, min((allowed - _SPARE_FILES) // 2, _MOST_CONNECTIONS))
    return Features("haproxy", version, maxconn=most), allowed


class HAProxy:
    """The HAProxy inside a gateway; `run_folder` is `layout.RUN` as this process sees it."""

    kind: str = "haproxy"
    printer: Printer = staticmethod(printed)

    def __init__(self, gateway: Access, run_folder: Path) -> None:
        self._gateway = gateway
        self._run_folder = run_folder
        self._admin = run_folder / ADMIN_SOCKET
        self._master = run_folder / MASTER_SOCKET
        self._status = run_folder / STATUS_SOCKET
        self._known: tuple[Features, int] | None = None
        self._left: Left = {}

    async def features(self) -> Features:
        """Return what the gateway's HAProxy can do; raise GatewayError."""
        return (await self._abilities())[0]

    async def _abilities(self) -> tuple[Features, int]:
        self._known = await _abilities(self._gateway)
        return self._known

    async def check(self, folder: str, files: ConfigFiles) -> None:
        """Have `haproxy -c` read the generation, then check ports and descriptors here; raise ConfigRefused.

        `-c` neither binds ports nor counts descriptors. A reload that fails for one of these reasons makes every
        listener refuse connections for a second, so it must not be tried.
        """
        ran = await self._gateway.run(("haproxy", "-c", "-f", f"{folder}/{CONFIG_NAME}"))
        if ran.code != 0:
            raise ConfigRefused(answers.alerts(ran.output) or f"haproxy -c ended with {ran.code}")
        text = dict(files.files).get(CONFIG_NAME, "")
        await self._check_descriptors(text)
        await inside_gateway.refuse_taken(self._gateway, lines.ports(text) - lines.ports(self._current_text()))
        if await self._info() is None:
            # HAProxy may boot as soon as `current` points to this generation.
            known = state.known(lines.servers(self._current_text()))
            state.write(self._run_folder, lines.servers(text), known)

    async def _check_descriptors(self, text: str) -> None:
        _, allowed = self._known or await self._abilities()
        wanted = lines.maxconn(text)
        if wanted is not None and (needed := 2 * wanted + _SPARE_FILES) > allowed:
            raise ConfigRefused(f"maxconn {wanted} needs {needed} open files, and the gateway is allowed {allowed}")

    async def reload(self, revision: str) -> None:
        """Load `current`; return once a new worker answers with `revision` and the old one accepts nothing more.

        Wait first for a HAProxy that is still booting. Raise GatewayError when it does not answer before the reload has
        begun, as on an overloaded machine.
        """
        inside_gateway.refuse_ended(self._gateway)
        deadline = time.monotonic() + DEADLINE
        try:
            old = await sockets.info(self._admin)
        except sockets.Silent as exc:
            raise GatewayError(f"HAProxy does not answer: {exc}") from exc
        except NoAnswer:
            old = await self._booted(deadline)
            if old.revision == revision:
                state.write(self._run_folder, {}, frozenset())
                return
        await inside_gateway.while_it_runs(self._gateway, self._load(revision, old, deadline))

    async def _load(self, revision: str, old: Info, deadline: float) -> None:
        signalled = False
        try:
            async with sockets.keep_worker(self._admin) as worker:
                await self._keep_health()
                boot.serve_current(self._run_folder)
                signalled = True
                with timed("answers"):
                    await workers.reload(self._master, self._gateway.logs, deadline)
                    await self._until_serves(revision, old, deadline)
                with timed("retires"):
                    while await worker.accepts() and time.monotonic() < deadline:  # noqa: ASYNC110 - HAProxy has no event
                        await asyncio.sleep(_PAUSE)
        except NoAnswer as exc:
            error = ReloadFailed if signalled else GatewayError
            raise error(f"HAProxy does not answer: {exc}") from exc
        finally:
            state.write(self._run_folder, {}, frozenset())
        self._left.clear()

    async def _booted(self, deadline: float) -> Info:
        while (info := await self._info()) is None:
            if time.monotonic() > deadline:
                raise ReloadFailed(f"HAProxy does not answer: {await self._why()}")
            await asyncio.sleep(_PAUSE)
        return info

    async def _keep_health(self) -> None:
        """Have the next worker start with a server as down if it is down now, or new in this generation."""
        now = await sockets.rows(self._admin)
        up = frozenset((r.pool, r.name, r.address, r.port) for r in now if r.up or (r.maintenance and not r.leftover))
        state.write(self._run_folder, lines.servers(self._current_text()), up)

    async def _until_serves(self, revision: str, old: Info, deadline: float) -> None:
        while (new := await self._info()) is None or new.pid == old.pid:
            if time.monotonic() > deadline:
                raise ReloadFailed(f"HAProxy does not answer after its reload: {await self._why()}")
            await asyncio.sleep(_PAUSE)
        if new.revision != revision:
            has = new.revision or "a configuration that names none (is `description` gone from the template?)"
            raise ReloadFailed(f"HAProxy has loaded {has}, and revision {revision} was to be loaded")

    async def change(self, plan: Plan, files: ConfigFiles) -> None:
        """Carry out a plan that needs no reload, and prove it by HAProxy's own list; raise RuntimeRefused.

        Raise GatewayError while HAProxy is silent, as on an overloaded machine: nothing was refused. The servers are
        changed to the lines of `files`, so a user's own template counts here as well.
        """
        text = dict(files.files).get(CONFIG_NAME, "")
        if lines.default_server(text):
            raise RuntimeRefused("default-server does not count for a server that is added at run time")
        (features, _), after = self._known or await self._abilities(), lines.servers(text)
        can = Abilities(init_state=features.since(3, 1), keeps_idle=features.since(3, 3))
        before = lines.servers(self._current_text())
        for pool in sorted({pool_of(change) for change in plan.changes}):
            change = PoolChange(
                self._admin,
                pool,
                after=after.get(pool, {}),
                before=before.get(pool, {}),
                left=self._left,
                can=can,
            )
            await change.carry_out()
            await change.prove(plan.after)

    async def cut(self, servers: Iterable[tuple[str, str]]) -> None:
        """End the sessions of draining servers, also sessions in old workers from before a reload."""
        for pool, name in servers:
            with contextlib.suppress(NoAnswer):
                await sockets.ask(self._admin, f"shutdown sessions server {pool}/{name}")
                await workers.cut_in_old_workers(self._master, pool, name)

    async def running(self) -> Running | None:
        """Return the answer of the serving worker; None when it does not answer.

        Its servers have name, address, port and weight in effect, with `draining` for weight 0: HAProxy lists no other
        field, and `core.effect.same_servers` compares only these.
        """
        try:
            answer = await sockets.ask(self._admin, "show info", "show servers state")
            info, rows = answers.read_info(answer), answers.read_rows(answer)
        except NoAnswer:
            return None
        return Running(info.revision, info.topology, servers_in_use(rows))

    async def quiet(self, keepalive_min: float) -> None:
        """Return at once: a server drains at run time, in the process of the present configuration.

        After a reload, an old process may answer one more request on each connection that it holds.
        """

    async def finished(self, pool: str, server: Server) -> bool:
        """Return whether no session is with a server, nor waits for it, in the present worker and in old ones.

        Raise GatewayError where HAProxy does not say.
        """
        try:
            if await workers.in_old_workers(self._master, pool, server.name):
                return False
        except NoAnswer as exc:
            raise GatewayError(f"HAProxy does not answer: {exc}") from exc
        counts = await self.counts()
        if not counts:
            raise GatewayError("HAProxy does not answer with its statistics")
        return not any(c.busy for c in counts if (c.pool, c.server) == (pool, server.name))

    async def counts(self) -> tuple[ServerCount, ...]:
        """Return the requests since the last reload and the health of each server; empty without an answer."""
        return await asyncio.to_thread(stats.counts, self._status)

    async def usage(self) -> tuple[Usage, ...]:
        """Return the connections of the serving worker, and the open files of the fullest process."""
        info, files = await self._info(), await inside_gateway.open_files(self._gateway, "haproxy")
        connections = (Usage("connections", info.connections, info.maxconn),) if info else ()
        return (*connections, *(Usage("open files", p.used, p.most) for p in files[:1]))

    async def _info(self) -> Info | None:
        try:
            return await sockets.info(self._admin)
        except NoAnswer:
            return None

    async def _why(self) -> str:
        return answers.newest(await self._gateway.logs(50))

    def _current_text(self) -> str:
        return loaded.current_text(self._run_folder, CONFIG_NAME)
