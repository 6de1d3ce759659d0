"""How commands run: in order, beside each other, never for ever, and never after the lab."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from proxyctl.labs.command import Command
from proxyctl.labs.shell import TIMED_OUT, Background, Ran, Shell
from tests.docker.watching import eventually


@pytest.fixture
def shell() -> Iterator[Shell]:
    """A shell that is closed after the test."""
    made = Shell()
    yield made
    made.close()


def test_commands_run_as_typed_and_their_output_is_what_a_terminal_shows(shell: Shell) -> None:
    """Pipes and quotes work; errors and output come together, in order."""
    (ran,) = shell.run([Command("echo 'a  b' | tr a c; echo oops >&2; exit 3")])
    assert (ran.code, ran.out) == (3, "c  b\noops")


def test_commands_run_beside_each_other(shell: Shell, tmp_path: Path) -> None:
    """Each of two waits for the other, which only two at once can; results keep the order of the commands."""
    there, back = tmp_path / "there", tmp_path / "back"
    subprocess.run(["mkfifo", there, back], check=True)
    first, second = shell.run(
        [Command(f"echo 1 > {there}; cat {back}", within=10), Command(f"cat {there}; echo 2 > {back}", within=10)]
    )
    assert (first.out, second.out) == ("2", "1")


def test_a_command_that_does_not_end_is_ended_with_its_children(shell: Shell) -> None:
    """After its seconds, with a code and a line that say so; output so far is kept."""
    (ran,) = shell.run([Command("echo begun; sleep 300 & echo $!; wait", within=0.3)])
    begun, child, reason = ran.out.splitlines()
    assert (ran.code, begun) == (TIMED_OUT, "begun")
    assert "no end after" in reason
    eventually(lambda: not Path(f"/proc/{child}").exists(), "the child's end", 5)


def test_ctrl_c_does_not_reach_a_command(shell: Shell) -> None:
    """It is in another session than the lab: a `docker run` cut short leaves a container that appears afterwards."""
    (ran,) = shell.run([Command("cut -d' ' -f6 /proc/$$/stat")])
    assert int(ran.out) != os.getsid(0)


def test_proxyctl_in_a_command_is_this_one(shell: Shell) -> None:
    """Also where its virtual environment is not active."""
    (ran,) = shell.run([Command("command -v proxyctl")])
    assert Path(ran.out).parent == Path(sys.executable).parent


def test_a_background_command_ends_with_the_lab(tmp_path: Path) -> None:
    """As by Ctrl-C; its output was written meanwhile."""
    log = tmp_path / "log"
    background = Background("sh -c 'trap \"echo bye; exit 7\" INT; echo ready; while :; do sleep 0.05; done'", log)
    eventually(lambda: log.read_text() == "ready\n", "the command's start", 5)
    assert background.alive
    assert background.end() == 7
    assert not background.alive
    assert log.read_text() == "ready\nbye\n"


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="setpriv is of util-linux")
def test_a_background_command_ends_with_a_lab_that_is_killed() -> None:
    """`kill -9` of the lab leaves nobody to end it: the kernel does."""
    code = (
        "import pathlib, sys, tempfile, time; from proxyctl.labs.shell import Background; "
        "b = Background('sleep 300', pathlib.Path(tempfile.mkdtemp()) / 'log'); "
        "print(b.process.pid, flush=True); time.sleep(300)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as lab:
        assert lab.stdout is not None
        child = Path("/proc", lab.stdout.readline().strip())
        # between the fork and setpriv's own call the child is not tied to us yet
        eventually(lambda: (child / "comm").read_text() == "sleep\n", "the command's start", 5)
        lab.send_signal(signal.SIGKILL)
        lab.wait(5)
    eventually(lambda: not child.exists(), "the command's end", 5)


def test_settling_waits_for_what_runs(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An interrupted lab lets a command finish that is under way, and kills it only after the grace."""
    done = tmp_path / "done"
    with under_way(shell, f"sleep 0.3; touch {done}"):
        shell.settle()
        assert done.exists()
    monkeypatch.setattr("proxyctl.labs.shell.GRACE", 0.1)
    with under_way(shell, "sleep 300") as ended:
        shell.settle()
    assert [ran.code for ran in ended] == [-signal.SIGKILL]


@contextlib.contextmanager
def under_way(shell: Shell, text: str) -> Iterator[list[Ran]]:
    """Have a command begun by another thread; give the list in which it will be."""
    ended: list[Ran] = []
    thread = threading.Thread(target=lambda: ended.extend(shell.run([Command(text)])))
    thread.start()
    eventually(lambda: shell._running, "the command's start", 5)
    yield ended
    thread.join(5)
    assert not thread.is_alive()
