"""`status --watch`: a view that stays, on a real terminal; anywhere else it is refused."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from tests.docker.command_line import run_here
from tests.docker.screen import Screen
from tests.docker.watching import Watch, eventually, watching

SILENT = "no `proxyctl watch` answers"


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
