"""`proxyctl lab` without Docker: list, show, and what is refused before anything runs."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from rich.cells import cell_len

from proxyctl.cli.app import run
from proxyctl.labs.catalog import LABS
from tests.docker.command_line import run_proxyctl


@pytest.fixture(autouse=True)
def _no_docker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Show that none is asked."""
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")
    monkeypatch.delenv("COLUMNS", raising=False)


def test_list_names_every_lab(capsys: pytest.CaptureFixture[str]) -> None:
    """With its title, in the language of the locale or of --lang; --json for scripts."""
    assert run(["lab", "list"]) == 0
    english = capsys.readouterr().out
    assert all(lab.id in english and lab.title.en in english for lab in LABS)
    assert run(["lab", "list", "--lang", "ko"]) == 0
    assert LABS[0].title.ko in capsys.readouterr().out
    assert run(["lab", "list", "--json"]) == 0
    assert [lab["id"] for lab in json.loads(capsys.readouterr().out)] == [lab.id for lab in LABS]


@pytest.mark.parametrize("lang", ["ko", "en"])
def test_show_says_everything_in_80_columns_and_runs_nothing(lang: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Goals, commands and explanations of all labs, without Docker; wide letters are counted as two."""
    assert run(["lab", "show", "all", "--lang", lang]) == 0
    out = capsys.readouterr().out
    assert [line for line in out.splitlines() if cell_len(line) > 80] == []
    assert "\x1b" not in out
    words = re.sub(r"\s+", " ", out)
    for step in (step for lab in LABS for step in lab.steps):
        assert step.why.to("ko" if lang == "ko" else "en") in words
    assert "docker run -d --label proxyctl.lab=clip1 --name lab-box" in words


@pytest.mark.parametrize("verb", ["show", "run"])
def test_an_unknown_clip_is_a_usage_error_of_one_line(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 2, and the line names what there is."""
    assert run(["lab", verb, "clip1", "clip9"]) == 2
    message = capsys.readouterr().err
    assert message.startswith("proxyctl: no lab 'clip9': there are clip1, clip2")
    assert message.count("\n") == 1


def test_a_file_that_cannot_be_written_is_refused_before_the_labs_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 2, naming the flag."""
    for flag in ("--junit", "--html"):
        assert run(["lab", "run", "clip1", flag, str(tmp_path / "nowhere" / "x")]) == 2
        assert flag in capsys.readouterr().err
        assert run(["lab", "run", "clip1", flag, str(tmp_path)]) == 2


def test_pause_needs_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody could press Enter."""
    assert run(["lab", "run", "clip1", "--pause"]) == 2
    assert "--pause" in capsys.readouterr().err


def test_without_docker_it_ends_in_one_line() -> None:
    """Exit 1, no traceback."""
    ran = run_proxyctl("lab", "run", "clip1")
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr.count("\n") == 1
