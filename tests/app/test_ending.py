"""How a `watch` is told to end, in a process of its own, since signals are one's own."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

WAITS = """
import asyncio
from proxyctl.app.ending import Ending, code

async def main():
    ending = Ending()
    print("ready", flush=True)
    await ending.asked()
    print("asked by", ending.signal.name, flush=True)
    await asyncio.sleep(LONG)

LONG = {long}
asyncio.run(main())
"""


def started(*, long: int, nohup: bool = False) -> subprocess.Popen[str]:
    """Return a process that waits for its end, and then takes so many seconds for it."""
    argv = [sys.executable, "-c", WAITS.format(long=long)]
    made = subprocess.Popen(["nohup", *argv] if nohup else argv, stdout=-1, stderr=-1, text=True)
    assert made.stdout is not None
    assert made.stdout.readline() == "ready\n"
    return made


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_each_signal_asks_for_the_end(number: signal.Signals) -> None:
    """Ctrl-C, systemd, a terminal that is closed."""
    process = started(long=0)
    process.send_signal(number)
    out, err = process.communicate(timeout=10)
    assert (out, err, process.returncode) == (f"asked by {number.name}\n", "", 0)


def test_a_second_signal_does_not_wait() -> None:
    """Docker may hang; the exit code is the signal's, as a shell tells it."""
    process = started(long=60)
    process.send_signal(signal.SIGTERM)
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=10)
    assert process.returncode == 130
    assert "ended at once; a gateway that runs serves on" in err


def test_under_nohup_a_closed_terminal_ends_nothing() -> None:
    """SIGHUP is ignored there before the program starts, and stays so."""
    process = started(long=0, nohup=True)
    process.send_signal(signal.SIGHUP)
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=10)
    assert out == "asked by SIGTERM\n"
