"""`proxyctl.engines.nginx.engine`: how it is seen that nobody listens on an old socket, and that old workers ended."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import uvloop

from proxyctl.engines.nginx import engine
from proxyctl.engines.nginx.engine import Nginx, _until_refused
from proxyctl.errors import GatewayError
from proxyctl.providers.port import Ran


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


class Looked:
    """A gateway in which each look for old workers ends with the next of these codes; None: it has ended."""

    ended = False

    def __init__(self, codes: Iterator[int | None]) -> None:
        self._codes = codes
        self.looks = 0

    async def run(self, argv: Sequence[str]) -> Ran:
        """Look once."""
        assert argv[0] == "sh"
        self.looks += 1
        code = next(self._codes)
        if code is None:
            raise GatewayError("it ended")
        return Ran(code, "")

    async def signal(self, name: str) -> None:
        """Nobody is signalled."""
        raise AssertionError(name)

    async def logs(self, lines: int) -> str:
        """No log is read."""
        raise AssertionError(lines)


@pytest.mark.parametrize(
    ("codes", "looks"),
    [((1,), 1), ((0, 0, 1), 3), ((0, None), 2), ((2, 127, 1), 3)],
    ids=["there are none", "they end", "the gateway ends", "it cannot be looked"],
)
async def test_a_drain_is_quiet_when_no_old_worker_is_left(
    codes: tuple[int | None, ...], looks: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is looked for them again and again, at once first; those of a gateway that ended have ended.

    A process that ends while it is read makes grep end with 2: that is no answer.
    """
    monkeypatch.setattr(engine, "_LOOK", 0.001)
    gateway = Looked(iter(codes))
    await asyncio.wait_for(Nginx(gateway, tmp_path).quiet(60), 5)
    assert gateway.looks == looks


async def test_an_old_worker_that_lives_on_is_waited_for_while_it_may_take_a_request(tmp_path: Path) -> None:
    """After `keepalive_min` it only finishes what it has, a download or a WebSocket."""
    start = time.monotonic()
    await asyncio.wait_for(Nginx(Looked(iter(lambda: 0, 1)), tmp_path).quiet(0.2), 5)
    assert time.monotonic() - start >= 0.2
