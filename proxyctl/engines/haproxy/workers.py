"""HAProxy's workers, through their master: a reload starts a new worker, and the old workers finish their requests.

Knows no configuration. Called by `engine`.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from proxyctl.engines.haproxy.answers import NoAnswer, alerts, newest
from proxyctl.engines.haproxy.sockets import ask
from proxyctl.engines.inside_gateway import last_line
from proxyctl.errors import ReloadFailed

Logs = Callable[[int], Awaitable[str]]
"""Returns the last lines that HAProxy wrote."""

_PAUSE = 0.002
_LINES = 50
_PROC = re.compile(r"^\d+\s+master\s+(\d+)(?:\s+\[failed: (\d+)\])?", re.MULTILINE)
_WORKER = re.compile(r"^(\d+)\s+worker\b", re.MULTILINE)


async def reload(socket: Path, logs: Logs, deadline: float) -> None:
    """Have the master load its configuration anew; raise ReloadFailed with HAProxy's own reason.

    From 2.7 on the answer says whether the reload succeeded. Before 2.7 it is empty, the master resets connections
    for some milliseconds while it executes itself, and `show proc` counts failed reloads.
    """
    before = await _proc(socket, deadline)
    try:
        answer = await ask(socket, "reload", half_close=True, seconds=max(0.1, deadline - time.monotonic()))
    except NoAnswer as exc:
        raise ReloadFailed(f"the master does not take a reload: {exc}") from exc
    if "Success=1" in answer:
        return
    if "Success=0" in answer:
        raise ReloadFailed(alerts(answer) or last_line(answer))
    while (after := await _proc(socket, deadline)) == before:
        if time.monotonic() > deadline:
            raise ReloadFailed(f"the master did not reload: {newest(await logs(_LINES))}")
        await asyncio.sleep(_PAUSE)
    if after[1] > before[1]:
        raise ReloadFailed(newest(await logs(_LINES)))


async def _proc(socket: Path, deadline: float) -> tuple[int, int]:
    """Return how often the master was reloaded, and how often that failed."""
    while True:
        try:
            answer = await ask(socket, "show proc", half_close=True)
        except NoAnswer as exc:
            answer = str(exc)
        if found := _PROC.search(answer):
            return int(found[1]), int(found[2] or 0)
        if time.monotonic() > deadline:
            raise ReloadFailed(f"the master does not answer: {last_line(answer)}")
        await asyncio.sleep(_PAUSE)


async def cut_in_old_workers(socket: Path, pool: str, server: str) -> None:
    """End the sessions with a server in every old worker; raise NoAnswer.

    One by one: `shutdown sessions server` is answered there with "Proxy is disabled."
    """
    for pid, session in await in_old_workers(socket, pool, server):
        await ask(socket, f"@!{pid} shutdown session {session}", half_close=True)


async def in_old_workers(socket: Path, pool: str, server: str) -> list[tuple[str, str]]:
    """Return the sessions with a server in every old worker, as (worker's pid, session); raise NoAnswer."""
    _, _, old = (await ask(socket, "show proc", half_close=True)).partition("# old workers")
    with_server = re.compile(rf"^(0x\w+): .* be={re.escape(pool)} srv={re.escape(server)} ", re.MULTILINE)
    found = []
    for pid in _WORKER.findall(old):
        sessions = await ask(socket, f"@!{pid} show sess", half_close=True)
        found += [(pid, session) for session in with_server.findall(sessions)]
    return found
