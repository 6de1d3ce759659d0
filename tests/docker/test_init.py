"""What `init` writes, as Docker reads it, and as a newcomer uses it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from proxyctl.app.parts import PROXIES
from proxyctl.settings import EngineKind
from tests.docker.command_line import run_here

pytestmark = pytest.mark.docker


@pytest.mark.parametrize("engine", list(PROXIES))
def test_docker_compose_takes_the_file(engine: EngineKind, tmp_path: Path) -> None:
    """Two labelled servers and a network; with the profile the gateway too, as `watch` would make it."""
    ran = run_here("init", "--dir", str(tmp_path), "--network", "shop", "--engine", engine, "--label-prefix", "edge")
    assert ran.returncode == 0, ran.stderr
    argv = ["docker", "compose", "--profile", "proxyctl", "config", "--format", "json"]
    made = json.loads(subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=True).stdout)
    web, gateway, watch = (made["services"][name] for name in ("web", "gateway", "proxyctl"))
    assert (web["labels"], web["deploy"]["replicas"], web.get("profiles")) == ({"edge.enable": "true"}, 2, None)
    assert [word.replace("$$", "$") for word in gateway["entrypoint"]] == list(PROXIES[engine].command)
    assert gateway["stop_signal"] == PROXIES[engine].stop_signal
    assert gateway["container_name"] == "proxyctl-shop"
    assert gateway["labels"] == {"proxyctl.gateway": "shop", "proxyctl.gateway-engine": engine}
    assert watch["environment"]["PROXYCTL_ENGINE"] == engine
    assert made["networks"]["shop"]["name"] == "shop"
