"""`proxyctl init`: two files in a folder, never over others."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxyctl.cli.app import run
from proxyctl.sources import load


def test_it_writes_two_files_and_says_what_comes_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In the current folder; the settings file is then read by every verb that runs there."""
    monkeypatch.chdir(tmp_path)
    assert run(["init"]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[0] == "wrote proxyctl.toml and compose.yaml"
    assert "docker compose up -d && proxyctl watch" in out
    assert sorted(p.name for p in tmp_path.iterdir()) == ["compose.yaml", "proxyctl.toml"]
    assert load({}, {}).network == "web"


def test_what_is_asked_for_is_in_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By flags; in a folder that is made, with a blank in its name."""
    folder = tmp_path / "a shop"
    assert run(["init", "--dir", str(folder), "--network", "shop", "--engine", "nginx", "--publish", "9000:80"]) == 0
    assert f"cd '{folder}' && docker compose" in capsys.readouterr().out
    made = load({"config": folder / "proxyctl.toml"}, {})
    assert (made.network, made.engine, str(made.publish[0])) == ("shop", "nginx", "0.0.0.0:9000:80")


@pytest.mark.parametrize("there", ["proxyctl.toml", "compose.yaml"])
def test_nothing_is_overwritten(there: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One line, exit 2, and not one of the two files is written; --force replaces."""
    (tmp_path / there).write_text("mine")
    assert run(["init", "--dir", str(tmp_path)]) == 2
    line = capsys.readouterr().err
    assert line == (
        f"proxyctl: {tmp_path / there}: already there, so nothing was written; --force replaces, --dir goes elsewhere\n"
    )
    assert [p.read_text() for p in tmp_path.iterdir()] == ["mine"]
    assert run(["init", "--dir", str(tmp_path), "--force"]) == 0
    assert "mine" not in (tmp_path / there).read_text()


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file is in the way."""
    (tmp_path / "file").write_text("")
    assert run(["init", "--dir", str(tmp_path / "file" / "x")]) == 2
    assert "a part of the path is a file, not a folder; --dir goes elsewhere" in capsys.readouterr().err
