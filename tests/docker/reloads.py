"""Clients that never retry, while a box reloads: what they lost, and which configuration answers afterwards."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable

from tests.docker.box import Box, server, world


async def lost_over_eight(box: Box, address: str, edit: Callable[[str], str]) -> tuple[int, int]:
    """Reload eight times, with one server and edited templates, under eight clients; return requests sent and lost."""
    await box.load(world(server("web1", address)), edit)
    stop = asyncio.Event()
    clients = [asyncio.create_task(_client(box.address, stop)) for _ in range(8)]
    for number in range(8):
        await box.load(world(server("web1", address, weight=2 + number)), edit)
    stop.set()
    sent, lost = (sum(column) for column in zip(*await asyncio.gather(*clients), strict=True))
    return sent, lost


async def answers_of_forty(address: str) -> set[str]:
    """Ask on forty new connections at the same time; return the answers that came."""
    return set(await asyncio.gather(*(_ask_once(address) for _ in range(40))))


async def _client(address: str, stop: asyncio.Event) -> tuple[int, int]:
    """Send one POST after the other, kept alive where that is allowed; return how many, and how many were lost."""
    sent = lost = 0
    reader = writer = None
    while not stop.is_set():
        if reader is None or writer is None:
            reader, writer = await asyncio.open_connection(address, 80)
        sent += 1
        try:
            writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi")
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            assert head.startswith(b"http/1.1 200 ")
            await reader.readexactly(int(re.findall(rb"content-length: (\d+)", head)[0]))
            if b"connection: close" in head:
                writer.close()
                reader = None
        except (asyncio.IncompleteReadError, ConnectionError):
            lost += 1
            writer.close()
            reader = None
        await asyncio.sleep(0.003)
    if writer is not None:
        writer.close()
    return sent, lost


async def _ask_once(address: str) -> str:
    reader, writer = await asyncio.open_connection(address, 80)
    writer.write(b"GET / HTTP/1.0\r\n\r\n")
    answer = await reader.read()
    writer.close()
    return answer.rpartition(b"\r\n\r\n")[2].decode()
