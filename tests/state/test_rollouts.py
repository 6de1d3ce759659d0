"""`proxyctl.state.rollouts`: one rollout of a pool at a time, over all processes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from proxyctl.errors import ProxyctlError
from proxyctl.state import rollouts

OTHER = """
import sys
from pathlib import Path
from proxyctl.state import rollouts
with rollouts.held(Path(sys.argv[1]), {"web", "api"}, "to shop:2"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_pool_is_held_over_processes_until_its_process_ends(tmp_path: Path) -> None:
    """Who has it is told with its process and since when; a process that is killed holds nothing any more."""
    with subprocess.Popen(
        [sys.executable, "-c", OTHER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(ProxyctlError) as raised, rollouts.held(tmp_path, {"api"}, ""):
            pass
        told = rf"pool api is being rolled out already, by process {other.pid} since [\d: -]+ UTC \(to shop:2\): wait"
        assert re.match(told, str(raised.value))
        with rollouts.held(tmp_path, {"shop"}, ""):
            pass
        other.kill()
        other.wait()
    with rollouts.held(tmp_path, {"api"}, ""):
        pass


def test_a_pool_that_is_taken_lets_go_of_the_others(tmp_path: Path) -> None:
    """All or none of them are held; afterwards no file says that somebody has one."""
    with rollouts.held(tmp_path, {"web"}, ""):
        with pytest.raises(ProxyctlError, match="pool web"), rollouts.held(tmp_path, {"api", "web"}, ""):
            pass
        with rollouts.held(tmp_path, {"api"}, ""):
            pass
    assert {f.name: f.read_text() for f in (tmp_path / rollouts.FOLDER).iterdir()} == {"web.lock": "", "api.lock": ""}


@pytest.mark.parametrize("pool", ["..", "a/b", "../../etc/x", "Ü"])
def test_no_name_of_a_pool_leaves_the_folder(tmp_path: Path, pool: str) -> None:
    """A name is one file, whatever stands in it."""
    with rollouts.held(tmp_path, {pool}, ""):
        assert len(list((tmp_path / rollouts.FOLDER).iterdir())) == 1
    assert [f.name for f in tmp_path.iterdir()] == [rollouts.FOLDER]


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """With what to do: the state folder belongs to who runs `watch`."""
    (tmp_path / rollouts.FOLDER).write_text(f"no folder, {os.getpid()}")
    with (
        pytest.raises(ProxyctlError, match="run as the user that runs `proxyctl watch`"),
        rollouts.held(tmp_path, {"web"}, ""),
    ):
        pass
