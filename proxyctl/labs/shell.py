"""Runs commands as typed, beside each other where wanted, and lets none survive the lab.

A command runs in a session of its own: Ctrl-C goes to the lab alone, which lets a `docker run` that is under way
finish before it cleans up. Killed half-way, its container would appear after the cleaning.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from proxyctl.labs.command import Command

GRACE = 5.0
"""Seconds that running commands get to end when the lab is interrupted."""
_WORKERS = 8
_DIES_WITH_US = "setpriv --pdeathsig TERM "  # where the lab itself is killed and can end nothing
TIMED_OUT = 124  # as timeout(1) has it


@dataclasses.dataclass(frozen=True, slots=True)
class Ran:
    """A command that has ended: its text, exit code, and output and errors together as a terminal shows them."""

    text: str
    code: int
    out: str


class Shell:
    """A few workers that run commands."""

    def __init__(self) -> None:
        self._pool = concurrent.futures.ThreadPoolExecutor(_WORKERS, "lab")
        self._running: set[subprocess.Popen[str]] = set()
        self._batch: list[concurrent.futures.Future[Ran]] = []

    def run(self, commands: Sequence[Command]) -> list[Ran]:
        """Run commands beside each other and return them in their order."""
        # also a single one runs in a worker: a signal interrupts the waiting here, not the command
        self._batch = [self._pool.submit(self._run, command) for command in commands]
        try:
            return [future.result() for future in self._batch]
        finally:
            for future in self._batch:  # those that are not begun when the waiting is interrupted
                future.cancel()

    def _run(self, command: Command) -> Ran:
        process = _start(command.text, subprocess.PIPE)
        self._running.add(process)
        try:
            out, _ = process.communicate(timeout=command.within)
        except subprocess.TimeoutExpired:
            _kill(process)
            out, _ = process.communicate()
            return Ran(command.text, TIMED_OUT, f"{out.rstrip()}\n(no end after {command.within:.0f} s)".strip())
        finally:
            self._running.discard(process)
        return Ran(command.text, process.returncode, out.strip("\n"))

    def settle(self) -> None:
        """Wait for what still runs after an interruption; kill what takes longer than GRACE."""
        if concurrent.futures.wait(self._batch, GRACE).not_done:
            for process in tuple(self._running):
                _kill(process)
            concurrent.futures.wait(self._batch)

    def close(self) -> None:
        """End the workers."""
        self._pool.shutdown(wait=True, cancel_futures=True)


class Background:
    """A command that goes on beside the steps, `proxyctl watch` for one; its output is in `log`."""

    def __init__(self, text: str, log: Path) -> None:
        self.log = log
        with log.open("w") as file:
            self.process = _start(f"exec {_DIES_WITH_US if shutil.which('setpriv') else ''}{text}", file)

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self.process.poll() is None

    def end(self) -> int:
        """End it as Ctrl-C would, and return its exit code."""
        if self.alive:
            self.process.send_signal(signal.SIGINT)
        try:
            return self.process.wait(GRACE)
        except subprocess.TimeoutExpired:
            _kill(self.process)
            return self.process.wait()


def _start(text: str, out: int | IO[str]) -> subprocess.Popen[str]:
    # the `proxyctl` that a command names is this one, also where its virtual environment is not active
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)))
    return subprocess.Popen(
        ["sh", "-c", text],
        stdin=subprocess.DEVNULL,
        stdout=out,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
        env={**os.environ, "PATH": path},
    )


def _kill(process: subprocess.Popen[str]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
