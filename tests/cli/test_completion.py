"""`proxyctl completion`, read by a real bash."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from proxyctl.cli import names
from proxyctl.cli.app import VERBS, run
from tests.statuses import pool, server, status

ASK = """
eval "$(proxyctl completion bash)"
COMP_WORDS=({words}) COMP_CWORD={at}
{function} proxyctl
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.fixture
def path(tmp_path: Path) -> str:
    """A PATH with this proxyctl in front."""
    script = tmp_path / "proxyctl"
    script.write_text(f'#!/bin/sh\nexec {sys.executable} -m proxyctl "$@"\n')
    script.chmod(0o755)
    return f"{tmp_path}:/usr/bin:/bin"


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["w"], {"watch", "weight"}),
        (["check", "sc"], {"scenario"}),
        (["status", "--str"], {"--strict"}),
        (["maintenance", "web", "o"], {"on", "off"}),
        (["lab", "r"], {"run"}),
        (["check", "--dur"], {"--duration"}),
    ],
)
def test_bash_completes_verbs_and_flags(words: list[str], offered: set[str], path: str) -> None:
    """By the very script that a user evaluates; it takes its second a case, for bash asks a process of its own."""
    bash = shutil.which("bash") or "bash"
    line = " ".join(["proxyctl", *words])
    script = ASK.format(words=line, at=len(words), function="_proxyctl_completion")
    ran = subprocess.run(
        [bash, "-c", script], capture_output=True, text=True, check=False, env={"PATH": path}, timeout=60
    )
    assert set(ran.stdout.split()) == offered, ran.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_a_script(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    """It names the variable by which the program knows that it is asked."""
    assert run(["completion", shell]) == 0
    assert "_PROXYCTL_COMPLETE=complete_" in capsys.readouterr().out


def test_all_verbs_are_offered_where_none_is_typed(path: str) -> None:
    """And the answer has nothing else in it."""
    env = {"PATH": path, "_PROXYCTL_COMPLETE": "complete_bash", "COMP_WORDS": "proxyctl ", "COMP_CWORD": "1"}
    ran = subprocess.run(["proxyctl"], capture_output=True, text=True, check=False, env=env, timeout=60)
    assert set(ran.stdout.split()) == set(VERBS)


def test_names_of_the_running_gateway(monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers and pools, by their first letters; where no watch answers, nothing and no error."""
    found = status(pool("shop", server("shop-1"), server("other")), pool("api"))
    monkeypatch.setattr("proxyctl.api.client.status_if_running", lambda _: found)

    context: Any = SimpleNamespace(params={"network": "web"})

    assert names.servers(context, "sho") == ["shop-1"]
    assert names.pools(context, "") == ["api", "shop"]
    monkeypatch.setattr("proxyctl.api.client.status_if_running", lambda _: None)
    assert names.pools(context, "") == []
    context.params = {"network": "no network"}
    assert names.servers(context, "") == []
