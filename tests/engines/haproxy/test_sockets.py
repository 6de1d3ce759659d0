"""What is told to HAProxy has to be answered exactly as expected."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxyctl.engines.haproxy import sockets
from proxyctl.errors import RuntimeRefused
from tests.engines.answering import answering


@pytest.mark.parametrize(
    ("answer", "surprise"),
    [
        (b"\n[6]: New server registered.\n\n\n\n\n", ""),
        (b"\n[6]: New server registered.\n", ""),
        (b"\n[3]: Already exists a server with the same name in backend.\n\n", "Already exists"),
        (b"\n[6]: New server registered.\n\n[3]: No such server.\n\n", "No such server"),
        (b"", "'nothing'"),
        (b"\n[6]: New server registered. Not quite.\n", "Not quite"),
    ],
)
async def test_answers_are_matched_exactly(answer: bytes, surprise: str, tmp_path: Path) -> None:
    """Nothing more, nothing less and nothing else than what is expected is a success."""
    path = tmp_path / "admin.sock"
    async with answering(path, answer):
        telling = sockets.command(path, ("add server a/b 1.2.3.4:80", r"New server registered\."), ("enable", ""))
        if surprise:
            with pytest.raises(RuntimeRefused, match=surprise):
                await telling
        else:
            await telling


async def test_nobody_there_is_a_refusal(tmp_path: Path) -> None:
    """A socket that is gone, or that nobody accepts on, refuses the change and says why."""
    with pytest.raises(RuntimeRefused, match="No such file"):
        await sockets.command(tmp_path / "none.sock", ("x", ""))
