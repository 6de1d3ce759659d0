"""The files of `proxyctl check`: written when it ends, refused before it starts."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from proxyctl.cli.check import command as module
from proxyctl.errors import ThresholdFailed, UsageError
from tests.check.proxies import balancing, in_thread
from tests.junit_shape import validated


def test_both_files(tmp_path: Path) -> None:
    """One run leaves its verdicts for CI and its page, and its table on stdout; it fails as without them."""
    junit, page = tmp_path / "check.xml", tmp_path / "check.html"
    with in_thread(balancing("web1", "<b>web2</b>")) as proxy:
        argv = [proxy.url(), "-r", "40", "--server-from", "header:X-Served-By", "--expect", "requests==41"]
        result = CliRunner().invoke(module.app, [*argv, "--junit", str(junit), "--html", str(page)])
    assert isinstance(result.exception, ThresholdFailed)
    assert "40 requests in " in result.output
    root = validated(junit.read_text())
    (failure,) = root.iter("failure")
    assert failure.get("message") == "requests is 40, expected == 41 (off by 1)"
    assert {p.get("name"): p.get("value") for p in root.iter("property")}["requests.<b>web2</b>"] == "20"
    assert "&lt;b&gt;web2&lt;/b&gt;" in page.read_text()
    assert "<b>web2" not in page.read_text()


@pytest.mark.parametrize("flag", ["--junit", "--html"])
@pytest.mark.parametrize(
    ("name", "reason"), [("missing/file", "there is no folder "), (".", " is a folder; give the name of a file")]
)
def test_refused_before_the_load(tmp_path: Path, flag: str, name: str, reason: str) -> None:
    """A file that cannot be written is refused before anything is sent."""
    with in_thread(balancing("web1")) as proxy:
        error = CliRunner().invoke(module.app, [proxy.url(), "-r", "5", flag, str(tmp_path / name)]).exception
    assert isinstance(error, UsageError)
    assert str(error).startswith(f"{flag}: ")
    assert reason in str(error)
    assert proxy.heads == []


def test_no_permission(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """So is one that this user may not write; root may write everything, so the answer is made up here."""
    monkeypatch.setattr("os.access", lambda path, mode: False)
    error = CliRunner().invoke(module.app, ["http://127.0.0.1:1/", "--html", str(tmp_path / "file")]).exception
    assert str(error) == f"--html: {tmp_path / 'file'} cannot be written"


def test_a_full_disk() -> None:
    """What fails at the end after all is one line too."""
    error = CliRunner().invoke(module.app, ["http://127.0.0.1:1/", "-r", "1", "--html", "/dev/full"]).exception
    assert str(error) == "--html: /dev/full: the disk is full"
