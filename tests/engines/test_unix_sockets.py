"""Unix sockets of proxies, however deep the state folder lies."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxyctl.engines import unix_sockets
from tests.engines.answering import answering


@pytest.mark.parametrize("deep", ["", "deep" * 30])
async def test_a_long_path_is_no_obstacle(deep: str, tmp_path: Path) -> None:
    """Socket addresses hold 108 bytes; a state folder may lie deeper."""
    folder, short = tmp_path / deep, tmp_path / "s"
    folder.mkdir(exist_ok=True)
    async with answering(short, b"hello"):
        short.rename(folder / "admin.sock")
        async with unix_sockets.connected(folder / "admin.sock") as (reader, writer):
            writer.write(b"show info\n")
            assert await reader.read() == b"hello"


async def test_a_socket_that_is_gone_is_an_error_of_the_system(tmp_path: Path) -> None:
    """Each engine says by itself what that means."""
    for path in (tmp_path / "none.sock", tmp_path / ("deep" * 30) / "none.sock"):
        with pytest.raises(FileNotFoundError):
            async with unix_sockets.connected(path):
                pass
