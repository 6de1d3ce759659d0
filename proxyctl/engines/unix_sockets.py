"""Unix sockets at paths of any length: a state folder may lie deeper than the address of a socket can say."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

_LONGEST_PATH = 100  # of 108 bytes in sockaddr_un


@contextlib.asynccontextmanager
async def connected(path: Path) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Connect to a Unix socket, however long its path is; raise OSError."""
    folder = None
    try:
        name = str(path)
        if len(os.fsencode(name)) > _LONGEST_PATH:
            folder = os.open(path.parent, os.O_PATH | os.O_CLOEXEC)
            name = by_descriptor(folder, path.name)
        reader, writer = await asyncio.open_unix_connection(name)
    finally:
        if folder is not None:
            os.close(folder)
    try:
        yield reader, writer
    finally:
        writer.close()


def by_descriptor(descriptor: int, *below: str) -> str:
    """Return a short path to the open `descriptor`, or to a file below it; its own path may be too long, or gone."""
    return "/".join(("/proc/self/fd", str(descriptor), *below))
