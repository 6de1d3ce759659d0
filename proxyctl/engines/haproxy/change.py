"""Brings one pool of a running HAProxy to its section of the new file, without a reload, and proves it.

Every answer is matched exactly; any other answer is RuntimeRefused, and the caller reloads. Called by `engine`.
"""

from __future__ import annotations

import asyncio
import dataclasses
import re
import time
from collections.abc import Mapping
from pathlib import Path

from proxyctl.core.changes import Change, ServerAdded, ServerChanged, ServerRemoved
from proxyctl.core.effect import same_servers
from proxyctl.core.model import Desired
from proxyctl.engines.haproxy.answers import NoAnswer, Row, remarks, servers_in_use
from proxyctl.engines.haproxy.lines import ServerLine
from proxyctl.engines.haproxy.sockets import Silent, ask, command, rows
from proxyctl.errors import GatewayError, RuntimeRefused

SETTLE = 0.5
"""Seconds until HAProxy's list must show a change: HAProxy 3 sets a new address only after its answer."""

_PAUSE = 0.001
_ADDED = r"New server registered\."
_MOVED = r"(IP changed from|no need to change the addr).*"
_DELETED = "Server deleted."
_BUSY = re.compile(r"Server still has .* attached to it, cannot remove it\.")
_REMOVABLE_MS = 50


Step = tuple[str, str]
"""A command and the remark that must answer it, as for `sockets.command`."""

Left = dict[tuple[str, str], ServerLine]
"""The lines of removed servers that still have connections, by (pool, name): HAProxy does not list their options."""


@dataclasses.dataclass(frozen=True, slots=True)
class Abilities:
    """What this HAProxy can do at run time."""

    init_state: bool  # from 3.1 a new server can start as down
    keeps_idle: bool  # from 3.3 `del server` does not close idle connections: wait for their end


def pool_of(change: Change) -> str:
    """Return the pool that a change at run time is in; raise RuntimeRefused for a change that takes a reload."""
    if isinstance(change, ServerAdded | ServerRemoved | ServerChanged):
        return change.pool
    raise RuntimeRefused(f"{type(change).__name__} takes a reload")


class PoolChange:
    """One pool, with its servers as they are and as they should be."""

    def __init__(
        self,
        path: Path,
        pool: str,
        *,
        after: Mapping[str, ServerLine],
        before: Mapping[str, ServerLine],
        left: Left,
        can: Abilities,
    ) -> None:
        """Take the runtime socket, and the pool's lines in the new file and in the one before it."""
        self._path, self._pool, self._can = path, pool, can
        self._after, self._before, self._left = after, before, left

    async def carry_out(self) -> None:
        """Let servers join, then change, then leave; raise RuntimeRefused, or GatewayError while HAProxy is silent."""
        there = {row.name: row for row in await self._rows()}
        for name, line in self._after.items():
            if name not in there:
                await self._add(line)
            elif there[name].leftover:
                await self._revive(line)
        for name, line in self._after.items():
            if name in there and not there[name].leftover:
                await self._change(there[name], line)
        for name in there.keys() - self._after.keys():
            await self._remove(there[name])

    async def prove(self, after: Desired) -> None:
        """Raise RuntimeRefused unless HAProxy's list is as desired, by name, address, port and weight in effect."""
        expected = Desired((), tuple(p for p in after.pools if p.name == self._pool))
        deadline = time.monotonic() + SETTLE
        while True:
            try:
                found = servers_in_use(await rows(self._path, self._pool))
            except NoAnswer as exc:
                raise RuntimeRefused(str(exc)) from exc
            if same_servers(found, expected):
                return
            if time.monotonic() > deadline:
                have = ", ".join(f"{s.name} {s.address}:{s.port} weight {s.weight}" for _, s in found) or "nobody"
                raise RuntimeRefused(f"pool {self._pool} now has {have}, which is not what was asked for")
            await asyncio.sleep(_PAUSE)

    async def _add(self, line: ServerLine) -> None:
        name = f"{self._pool}/{line.name}"
        options = [o for o in line.options if o != "disabled"]
        starts_down = line.checked and self._can.init_state
        if starts_down and "init-state" not in options:
            options += ["init-state", "down"]
        add = " ".join(("add server", name, f"{line.address}:{line.port}", *options))
        health = [(f"enable health {name}", "")] if line.checked else []
        await command(self._path, (add, _ADDED), *health, *_ready(name, line, down=line.checked and not starts_down))

    async def _revive(self, line: ServerLine) -> None:
        """Let a server join under the name of a removed server that could not be deleted yet."""
        if await self._delete(line.name):
            await self._add(line)
            return
        before = self._left.get((self._pool, line.name))
        if before is None or before.fixed != line.fixed or before.maxconn != line.maxconn:
            raise RuntimeRefused(f"{self._pool}/{line.name}: its predecessor still has connections")
        row = next(r for r in await self._rows() if r.name == line.name)
        await self._move(row, line)

    async def _change(self, row: Row, line: ServerLine) -> None:
        name = f"{self._pool}/{row.name}"
        before = self._before.get(row.name)
        if before is not None and before.maxconn != line.maxconn:
            if before.maxconn is None or line.maxconn is None:
                raise RuntimeRefused(f"{name}: maxconn can be changed at run time, not given or taken away")
            await command(self._path, (f"set maxconn server {name} {line.maxconn}", ""))
        if (row.address, row.port) != (line.address, line.port):
            await self._move(row, line)
            return
        steps = []
        if row.weight != line.weight:
            steps.append((f"set server {name} weight {line.weight}", ""))
        if line.disabled and not row.maintenance:
            steps.append((f"set server {name} state maint", ""))
        elif not line.disabled and (row.maintenance or row.drain):
            steps.append((f"set server {name} state ready", ""))
        if steps:
            await command(self._path, *steps)

    async def _move(self, row: Row, line: ServerLine) -> None:
        """Give a server another address; it gets nothing until HAProxy's list shows the new one."""
        name = f"{self._pool}/{row.name}"
        where = f"set server {name} addr {line.address} port {line.port}"
        await command(self._path, (f"set server {name} state maint", ""), (where, _MOVED))
        try:
            async with asyncio.timeout(SETTLE):
                while not await self._is_at(row.name, line.address, line.port):  # noqa: ASYNC110 - HAProxy has no event
                    await asyncio.sleep(_PAUSE)
        except TimeoutError as exc:
            raise RuntimeRefused(f"{name} does not move to {line.address}:{line.port}") from exc
        await command(self._path, *_ready(name, line, down=line.checked))

    async def _is_at(self, server: str, address: str, port: int) -> bool:
        return (server, address, port) in {(r.name, r.address, r.port) for r in await self._rows()}

    async def _remove(self, row: Row) -> None:
        """Remove a server; while it has connections it stays in maintenance, and a later change deletes it."""
        name = f"{self._pool}/{row.name}"
        if not row.leftover:
            await command(self._path, (f"set server {name} state maint", ""), (f"set server {name} weight 1", ""))
            if row.name in self._before:
                self._left[self._pool, row.name] = self._before[row.name]
        await self._delete(row.name)

    async def _delete(self, server: str) -> bool:
        name = f"{self._pool}/{server}"
        try:
            if self._can.keeps_idle:
                await ask(self._path, f"wait {_REMOVABLE_MS}ms srv-removable {name}")
            said = remarks(await ask(self._path, "set severity-output number", f"del server {name}"))
        except NoAnswer as exc:
            raise RuntimeRefused(f"the runtime API does not answer: {exc}") from exc
        if said == [_DELETED]:
            self._left.pop((self._pool, server), None)
            return True
        if len(said) == 1 and _BUSY.fullmatch(said[0]):
            return False
        raise RuntimeRefused(f"`del server {name}` was answered with {' '.join(said)!r}")

    async def _rows(self) -> list[Row]:
        try:
            return await rows(self._path, self._pool)
        except Silent as exc:  # a reload would only ask it three times more
            raise GatewayError(f"HAProxy does not answer: {exc}") from exc
        except NoAnswer as exc:
            raise RuntimeRefused(str(exc)) from exc


def _ready(name: str, line: ServerLine, *, down: bool) -> list[Step]:
    """Return the steps by which a server leaves maintenance; with `down` it gets no request before its check passes.

    A server in maintenance forgets a `health down`, so that step follows `state ready`; until then weight 0 keeps
    requests away.
    """
    weight = f"set server {name} weight"
    if line.disabled:
        return [(f"{weight} {line.weight}", "")]
    quiet = [(f"{weight} 0", "")] if down else []
    fails = [(f"set server {name} health down", "")] if down else []
    return [*quiet, (f"set server {name} state ready", ""), *fails, (f"{weight} {line.weight}", "")]
