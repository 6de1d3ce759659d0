"""HAProxy's master: a reload with its verdict, and what its log means.

Knows no configuration. Called by `haproxy`.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from proxyctl.engines.haproxy.runtime import NoAnswer, ask
from proxyctl.errors import ReloadFailed

Logs = Callable[[int], Awaitable[str]]
"""Returns the last lines that HAProxy wrote."""

_PAUSE = 0.002
_LINES = 50
_MOST = 3
_PROC = re.compile(r"^\d+\s+master\s+(\d+)(?:\s+\[failed: (\d+)\])?", re.MULTILINE)
_WORKER = re.compile(r"^(\d+)\s+worker\b", re.MULTILINE)
_PLACE = r"(?:config : )?(?:parsing |Binding )?(?:\[(?P<place>[^]]+:\d+)\] ?:? ?)?"
_ALERT = re.compile(rf"\[ALERT\]\s+\(\d+\) : {_PLACE}(?P<text>.*)")
_SUMMARY = re.compile(r"(Error\(s\) found in|Fatal errors found in|Some protocols failed|Loading failure).*")


async def reload(socket: Path, logs: Logs, deadline: float) -> None:
    """Have the master load its configuration anew; raise ReloadFailed with HAProxy's own reason.

    From 2.7 the answer is the verdict. Before, it is empty, the master then resets connections for some
    milliseconds while it executes itself, and `show proc` counts what failed.
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
    """End the sessions with a server in every worker that only finishes what it has; raise NoAnswer.

    One by one: `shutdown sessions server` is answered there with "Proxy is disabled."
    """
    _, _, old = (await ask(socket, "show proc", half_close=True)).partition("# old workers")
    for pid in _WORKER.findall(old):
        sessions = await ask(socket, f"@!{pid} show sess", half_close=True)
        for session in re.findall(
            rf"^(0x\w+): .* be={re.escape(pool)} srv={re.escape(server)} ", sessions, re.MULTILINE
        ):
            await ask(socket, f"@!{pid} shutdown session {session}", half_close=True)


def alerts(output: str, *, newest_first: bool = False) -> str:
    """Return HAProxy's own errors in one line, each with file name and line number, or an empty string."""
    found = []
    for match in _ALERT.finditer(output):
        place = (match["place"] or "").rpartition("/")[2]
        found.append(f"{place}: {match['text'].strip()}" if place else match["text"].strip())
    found = list(dict.fromkeys([f for f in found if not _SUMMARY.match(f)] or found))
    shown = found[:-_MOST:-1] if newest_first else found[:_MOST]
    more = f" (and {len(found) - len(shown)} more)" if len(found) > len(shown) and not newest_first else ""
    return "; ".join(shown) + more


def newest(log: str) -> str:
    """Return the newest errors of a log, else its last line."""
    return alerts(log, newest_first=True) or last_line(log) or "its log is empty"


def last_line(output: str) -> str:
    """Return the last line that is not empty."""
    return output.strip().rpartition("\n")[2].strip()
