"""`proxyctl.engines.nginx.engine`: how it is seen that nobody listens on an old socket any more."""

from __future__ import annotations

import asyncio
import os
import socket
from pathlib import Path

import uvloop

from proxyctl.engines.nginx.engine import _until_refused


def test_a_socket_closed_with_a_connection_in_its_queue_is_refused_next(tmp_path: Path) -> None:
    """The connection that the last worker never took is reset; that is no error, on the loop that `watch` runs on."""
    path = tmp_path / "accepts.sock"

    async def close_meanwhile() -> None:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(path))
        listener.listen()
        held = os.open(path, os.O_PATH | os.O_CLOEXEC)
        waiting = asyncio.create_task(_until_refused(held))
        while not waiting.done():
            await asyncio.sleep(0)
            listener.close()
        os.close(held)
        await waiting

    uvloop.run(asyncio.wait_for(close_meanwhile(), 5))
