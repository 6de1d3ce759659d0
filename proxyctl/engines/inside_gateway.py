"""The steps that every engine takes inside its gateway: ask binary and kernel, watch for the gateway's end.

Knows no proxy. An engine waits itself for its proxy to boot, because the reason of a failure is in that proxy's log.
"""

from __future__ import annotations

import asyncio
import dataclasses
import ipaddress
import re
import sys
from collections.abc import Coroutine, Sequence
from typing import Any

from proxyctl.errors import ConfigRefused, GatewayError
from proxyctl.gateway.port import Access
from proxyctl.providers.port import Shell

_VERSION = r"(\d+(?:\.\d+)+)"
_OPEN_FILES = re.compile(r"Max open files\s+(\d+)")
_COUNT_FILES = """
for process in /proc/[0-9]*; do
  set -- "$process"/fd/*
  read -r name 2>/dev/null <"$process/comm" || continue
  while read -r a b c soft rest; do
    case "$a $b $c" in "Max open files") echo "$name $# $soft";; esac
  done 2>/dev/null <"$process/limits"
done
"""
"""Prints the name, the open files and their limit of each process in the gateway."""
_FEW_FILES = 1024  # the usual limit of a process, where the kernel does not say
_LISTENS = "0A"  # the state of a listening socket in /proc/net/tcp
_INODE = 9  # the column there that is 0 for a socket without a process
_LOOK = 0.1  # seconds between two looks at the gateway


async def ask_version(gateway: Shell, argv: Sequence[str], before: str) -> tuple[tuple[int, ...], str]:
    """Return the version that a binary prints after `before` (a regular expression), and all that it prints.

    Raise GatewayError where the image has no such binary that runs.
    """
    ran = await gateway.run(argv)
    found = re.search(before + _VERSION, ran.output)
    if ran.code != 0 or found is None:
        raise GatewayError(f"the gateway's image has no {argv[0]} that runs: {last_line(ran.output)}")
    return tuple(map(int, found[1].split("."))), ran.output


def last_line(output: str) -> str:
    """Return the last line that is not empty, without blanks around it."""
    return output.strip().rpartition("\n")[2].strip()


async def allowed_files(gateway: Shell) -> int:
    """Return how many files the proxy (pid 1 of the gateway) may have open, by the kernel."""
    limits = await gateway.run(("cat", "/proc/1/limits"))
    found = _OPEN_FILES.search(limits.output)
    return int(found[1]) if found else _FEW_FILES


async def connected(gateway: Shell, address: str, port: int) -> bool:
    """Return whether a process of the gateway holds a connection to an address; raise GatewayError.

    What the kernel still closes by itself belongs to no process, so it has no inode.
    """
    packed = ipaddress.ip_address(address).packed
    words = [packed[i : i + 4] for i in range(0, len(packed), 4)]
    remote = "".join(f"{int.from_bytes(word, sys.byteorder):08X}" for word in words) + f":{port:04X}"
    sockets = await _sockets(gateway)
    if not sockets:  # a proxy that serves listens, at least
        raise GatewayError("the gateway's connections cannot be seen: its image has no cat")
    return any(row[2] == remote and row[_INODE] != "0" for row in sockets)


async def _sockets(gateway: Shell) -> list[list[str]]:
    """Return the rows of the kernel's tables of TCP sockets in the gateway, as columns; raise GatewayError."""
    # of pid 1: the command itself may have no pid in the gateway's /proc
    ran = await gateway.run(("cat", "/proc/1/net/tcp", "/proc/1/net/tcp6"))
    rows = [line.split() for line in ran.output.splitlines()]
    return [row for row in rows if len(row) > _INODE and row[0] != "sl"]


@dataclasses.dataclass(frozen=True, slots=True)
class OpenFiles:
    """How many files a process of the proxy has open, and how many it may."""

    used: int
    most: int


async def open_files(gateway: Shell, name: str) -> list[OpenFiles]:
    """Return the open files of each process of that name, the fullest first; empty where they cannot be seen."""
    try:
        ran = await gateway.run(("sh", "-c", _COUNT_FILES))
    except GatewayError:
        return []
    rows = (line.split() for line in ran.output.splitlines())
    found = [OpenFiles(int(r[1]), int(r[2])) for r in rows if r[:1] == [name] and r[2:] and r[2].isdecimal()]
    return sorted(found, key=lambda f: f.used / max(1, f.most), reverse=True)


async def refuse_taken(gateway: Shell, new: set[int]) -> None:
    """Raise ConfigRefused when one of these ports cannot be bound, such as a port of Docker's DNS.

    A proxy's own check does not see other listeners in the gateway's network namespace.
    """
    if not new:
        return
    taken = {int(row[1].rpartition(":")[2], 16) for row in await _sockets(gateway) if row[3] == _LISTENS}
    if clash := sorted(new & taken):
        raise ConfigRefused(f"port {clash[0]} cannot be bound in the gateway: something else listens there")


def refuse_ended(gateway: Access) -> None:
    """Raise GatewayError when the gateway has ended, because no proxy is left to answer."""
    if gateway.ended:
        message = "the gateway has ended, and gets its new configuration when it is back"
        raise GatewayError(message)


async def while_it_runs(gateway: Access, waiting: Coroutine[Any, Any, None]) -> None:
    """Await a coroutine; when the gateway ends meanwhile, cancel it and raise GatewayError."""
    task = asyncio.create_task(waiting)
    try:
        while not (await asyncio.wait({task}, timeout=_LOOK))[0]:
            refuse_ended(gateway)
        await task
    finally:
        task.cancel()
        await asyncio.wait({task})
