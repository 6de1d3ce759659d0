"""HAProxy's command line sockets: one line of commands on one connection, and what its answers mean.

Knows the protocol (management guide, section 9), not what is to be changed. Next: `haproxy_change`.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
import re
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from proxyctl.errors import RuntimeRefused

ANSWER = 3.0
"""Seconds for one answer. Most come within 0.3 ms, the list of 10,000 servers in 8 ms; on a machine with seven runnable
processes for each processor some took more than one second."""

_LONGEST_PATH = 100  # of 108 bytes in sockaddr_un
_REVISION = re.compile(r"proxyctl revision=(\w*) topology=(\w*)")
_REMARK = re.compile(r"\[\d\]: (.*)")
_PROMPT = b"\n> "
# server-t.h, SRV_ADMF_*. Not 0x04, `disabled` in the file: it stays set when such a server is made ready.
_MAINTENANCE = 0x01 | 0x02 | 0x20  # forced, inherited, no address
_DRAIN = 0x08 | 0x10


class NoAnswer(Exception):
    """Nobody answers on the socket; the message says how that showed."""


class Silent(NoAnswer):
    """It is there and says nothing, as on a machine that has no time for it."""


@dataclasses.dataclass(frozen=True, slots=True)
class Info:
    """What a worker says of itself in `show info`."""

    pid: int
    revision: str
    topology: str
    stopping: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """One server in `show servers state`."""

    pool: str
    name: str
    address: str
    port: int
    weight: int
    up: bool
    maintenance: bool
    drain: bool

    @property
    def leftover(self) -> bool:
        """Whether it was removed and only waits to be deleted.

        A server that drains in maintenance (a sticky pool's) has weight 0; one that was removed is given
        another weight with its maintenance, so HAProxy's own list tells them apart after any restart.
        """
        return self.maintenance and self.weight != 0


async def ask(path: Path, *commands: str, half_close: bool = False, seconds: float = ANSWER) -> str:
    """Send commands in one line and return all that is answered; raise NoAnswer.

    The master's socket answers most commands only once the sending side is closed (`half_close`).
    """
    try:
        async with asyncio.timeout(seconds), _connection(path) as (reader, writer):
            writer.write(("; ".join(commands) + "\n").encode())
            if half_close:
                writer.write_eof()
            return (await reader.read()).decode(errors="replace")
    except TimeoutError as exc:
        raise Silent(f"no answer within {seconds:g} s") from exc
    except OSError as exc:
        raise NoAnswer(exc.strerror or str(exc)) from exc


async def tell(path: Path, *steps: tuple[str, str]) -> None:
    """Send (command, expected remark) pairs in one line; raise RuntimeRefused unless exactly these are answered.

    A remark is a regular expression, an empty one stands for silence. HAProxy does not stop at a command that
    fails, so steps in one line must be harmless after a failure of those before them.
    """
    try:
        answer = await ask(path, "set severity-output number", *(command for command, _ in steps))
    except NoAnswer as exc:
        raise RuntimeRefused(f"the runtime API does not answer: {exc}") from exc
    expected = [remark for _, remark in steps if remark]
    if (surprise := _surprise(remarks(answer), expected)) is not None:
        raise RuntimeRefused(f"`{'; '.join(c for c, _ in steps)}` was answered with {surprise or 'nothing'!r}")


def remarks(answer: str) -> list[str]:
    """Return what was said, one text per line that is not empty, without the severity."""
    return [m[1] if (m := _REMARK.fullmatch(line)) else line for line in answer.splitlines() if line.strip()]


def _surprise(said: Sequence[str], expected: Sequence[str]) -> str | None:
    for remark, pattern in zip(said, expected, strict=False):
        if not re.fullmatch(pattern, remark):
            return remark
    if len(said) == len(expected):
        return None
    return said[len(expected)] if len(said) > len(expected) else ""


async def info(path: Path) -> Info:
    """Ask a worker who it is; raise NoAnswer."""
    return read_info(await ask(path, "show info"))


def read_info(text: str) -> Info:
    """Read the answer to `show info`; raise NoAnswer when it is none."""
    fields = dict(line.partition(": ")[::2] for line in text.splitlines())
    if not fields.get("Pid", "").isdecimal():
        raise NoAnswer(f"not an answer of a worker: {text.strip()[:80]!r}")
    found = _REVISION.search(fields.get("description", ""))
    revision, topology = (found[1], found[2]) if found else ("", "")
    return Info(int(fields["Pid"]), revision, topology, fields.get("Stopping", "0") != "0")


@contextlib.asynccontextmanager
async def held(path: Path) -> AsyncIterator[Worker]:
    """Stay connected to the worker that answers now, through a reload; raise NoAnswer."""
    try:
        async with _connection(path) as (reader, writer):
            worker = Worker(reader, writer)
            await worker.ask("prompt")
            yield worker
    except OSError as exc:
        raise NoAnswer(exc.strerror or str(exc)) from exc


class Worker:
    """One connection to one worker, whoever answers new ones."""

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
        """Whether the worker may still take new connections; not once it has been told to stop, or has ended."""
        try:
            return not read_info(await self.ask("show info")).stopping
        except NoAnswer:
            return False


async def rows(path: Path, pool: str = "") -> list[Row]:
    """Ask for all servers, or those of one pool; raise NoAnswer."""
    return read_rows(await ask(path, f"show servers state {pool}".rstrip()))


def read_rows(text: str) -> list[Row]:
    """Read the answer to `show servers state`; raise NoAnswer when it is none."""
    _, hash_sign, table = text.partition("# be_id ")
    if not hash_sign:
        raise NoAnswer(f"not a list of servers: {text.strip()[:80]!r}")
    header, *lines = ("be_id " + table).splitlines()
    names = header.split()
    found = []
    for line in lines:
        row = dict(zip(names, line.split(), strict=False))
        if "srv_port" in row:
            admin = int(row["srv_admin_state"])
            found.append(
                Row(
                    pool=row["be_name"],
                    name=row["srv_name"],
                    address=row["srv_addr"],
                    port=int(row["srv_port"]),
                    weight=int(row["srv_uweight"]),
                    up=row["srv_op_state"] != "0",
                    maintenance=bool(admin & _MAINTENANCE),
                    drain=bool(admin & _DRAIN),
                )
            )
    return found


@contextlib.asynccontextmanager
async def _connection(path: Path) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Connect to a unix socket, however long its path is."""
    folder = None
    try:
        name = str(path)
        if len(os.fsencode(name)) > _LONGEST_PATH:
            folder = os.open(path.parent, os.O_PATH | os.O_CLOEXEC)
            name = f"/proc/self/fd/{folder}/{path.name}"
        reader, writer = await asyncio.open_unix_connection(name)
    finally:
        if folder is not None:
            os.close(folder)
    try:
        yield reader, writer
    finally:
        writer.close()
