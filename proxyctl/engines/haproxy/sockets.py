"""HAProxy's command line sockets: one line of commands on one connection.

Knows the protocol (management guide, section 9), but no pool. Next: `answers`, `change`.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from proxyctl.engines.haproxy.answers import Info, NoAnswer, Row, read_info, read_rows, remarks
from proxyctl.engines.unix_sockets import connected
from proxyctl.errors import RuntimeRefused

ANSWER = 3.0
"""Seconds for one answer. Most come within 0.3 ms, the list of 10,000 servers in 8 ms; on a machine with seven runnable
processes for each processor some took more than one second."""

_PROMPT = b"\n> "


class Silent(NoAnswer):
    """HAProxy runs and gives no answer in time, as on an overloaded machine."""


async def ask(path: Path, *commands: str, half_close: bool = False, seconds: float = ANSWER) -> str:
    """Send commands in one line and return the whole answer; raise NoAnswer.

    The master's socket answers most commands only once the sending side is closed (`half_close`).
    """
    try:
        async with asyncio.timeout(seconds), connected(path) as (reader, writer):
            writer.write(("; ".join(commands) + "\n").encode())
            if half_close:
                writer.write_eof()
            return (await reader.read()).decode(errors="replace")
    except TimeoutError as exc:
        raise Silent(f"no answer within {seconds:g} s") from exc
    except OSError as exc:
        raise NoAnswer(exc.strerror or str(exc)) from exc


async def command(path: Path, *steps: tuple[str, str]) -> None:
    """Send (command, expected remark) pairs in one line; raise RuntimeRefused unless the answer is just these remarks.

    A remark is a regular expression; an empty remark stands for no answer. HAProxy goes on after a failed command, so
    each step must be harmless after the failure of an earlier step.
    """
    try:
        answer = await ask(path, "set severity-output number", *(command for command, _ in steps))
    except NoAnswer as exc:
        raise RuntimeRefused(f"the runtime API does not answer: {exc}") from exc
    expected = [remark for _, remark in steps if remark]
    if (surprise := _surprise(remarks(answer), expected)) is not None:
        raise RuntimeRefused(f"`{'; '.join(c for c, _ in steps)}` was answered with {surprise or 'nothing'!r}")


def _surprise(said: Sequence[str], expected: Sequence[str]) -> str | None:
    for remark, pattern in zip(said, expected, strict=False):
        if not re.fullmatch(pattern, remark):
            return remark
    if len(said) == len(expected):
        return None
    return said[len(expected)] if len(said) > len(expected) else ""


async def info(path: Path) -> Info:
    """Return the `show info` of a worker; raise NoAnswer."""
    return read_info(await ask(path, "show info"))


@contextlib.asynccontextmanager
async def keep_worker(path: Path) -> AsyncIterator[Worker]:
    """Yield a connection to the worker that answers now, which lasts through a reload; raise NoAnswer."""
    try:
        async with connected(path) as (reader, writer):
            worker = Worker(reader, writer)
            await worker.ask("prompt")
            yield worker
    except OSError as exc:
        raise NoAnswer(exc.strerror or str(exc)) from exc


class Worker:
    """One connection to one worker, even when another worker accepts new connections."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def ask(self, command: str) -> str:
        """Return the answer to a command; raise NoAnswer."""
        try:
            async with asyncio.timeout(ANSWER):
                self._writer.write(f"{command}\n".encode())
                return (await self._reader.readuntil(_PROMPT)).decode(errors="replace")
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as exc:
            raise NoAnswer(f"the worker has gone: {exc}") from exc

    async def accepts(self) -> bool:
        """Return whether the worker may still take new connections: until it stops or ends."""
        try:
            return not read_info(await self.ask("show info")).stopping
        except NoAnswer:
            return False


async def rows(path: Path, pool: str = "") -> list[Row]:
    """Return the rows of all servers, or of one pool's servers; raise NoAnswer."""
    return read_rows(await ask(path, f"show servers state {pool}".rstrip()))
