"""`status --watch`: a view that stays, on a real terminal; anywhere else it is refused."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from tests.docker.command_line import run_here
from tests.docker.watching import Watch, eventually, watching

SILENT = "no `proxyctl watch` answers"


class Screen:
    """A terminal of 80 columns with one program on it."""

    def __init__(self, *argv: str) -> None:
        self._own, other = pty.openpty()
        fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        os.set_blocking(self._own, False)
        environment = {k: v for k, v in os.environ.items() if k not in {"COLUMNS", "LINES", "NO_COLOR"}}
        self.program = subprocess.Popen(
            argv, stdin=other, stdout=other, stderr=other, env={**environment, "TERM": "xterm"}
        )
        os.close(other)
        self._seen = ""

    def new(self) -> str:
        """Return what has come since it was last forgotten, without colours, in one line."""
        with contextlib.suppress(BlockingIOError, OSError):  # the latter when the program has ended
            while part := os.read(self._own, 65536):
                self._seen += part.decode(errors="replace")
        return " ".join(re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self._seen).split())

    def forget(self) -> None:
        """Look only at what comes from now on."""
        self.new()
        self._seen = ""

    def close(self) -> None:
        """End the program."""
        self.program.kill()
        self.program.wait()
        os.close(self._own)


def frames(screen: Screen) -> list[str]:
    """Return what was drawn, view by view; the first is what was left of the one before."""
    return screen.new().split("generation")


@pytest.fixture
def watch(docker_client: docker.DockerClient, network: str, tmp_path: Path) -> Iterator[Watch]:
    """A watch of either engine: the view is the same."""
    with watching(docker_client, network, "haproxy", tmp_path / "state") as made:
        yield made


@pytest.mark.docker
def test_the_view_outlives_the_watch_that_it_shows(watch: Watch) -> None:
    """While none answers the last view stays and says how old it is; the next watch is shown again; Ctrl-C ends it."""
    watch.start()
    program = (sys.executable, "-m", "proxyctl", "status", "--watch")
    screen = Screen(*program, "--network", watch.network, "--state", str(watch.state))
    try:
        eventually(lambda: f"{watch.network}: haproxy" in screen.new(), "the view")
        watch.stop()
        screen.forget()
        eventually(lambda: f"{SILENT}: as it was" in screen.new(), "the word that nobody answers")
        assert f"{watch.network}: haproxy" in screen.new()
        watch.start()
        screen.forget()
        eventually(lambda: frames(screen)[2:] and SILENT not in "".join(frames(screen)[-2:]), "a view of the new one")
        screen.program.send_signal(signal.SIGINT)
        assert screen.program.wait(10) == 130
        assert "Traceback" not in screen.new()
    finally:
        screen.close()


@pytest.mark.parametrize(
    ("flags", "said"), [((), "a pipe or a file"), (("--json",), "--json"), (("--strict",), "--strict")]
)
def test_a_view_is_refused_where_it_cannot_be(flags: tuple[str, ...], said: str, tmp_path: Path) -> None:
    """One line and exit 2, and not one view as if it had not been asked for."""
    ran = run_here("status", "--watch", *flags, "--network", "web", "--state", str(tmp_path))
    assert (ran.returncode, ran.stdout) == (2, "")
    assert f"not for {said}" in ran.stderr
    assert len(ran.stderr.splitlines()) == 1
