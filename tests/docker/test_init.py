"""What `init` writes, as Docker reads it, and as a newcomer uses it."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import urllib.request
from pathlib import Path

import pytest

from proxyctl.app.parts import PROXIES
from proxyctl.engines import boot
from proxyctl.settings import EngineKind
from tests.docker.command_line import run_here, run_proxyctl
from tests.docker.watching import free_port

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
    assert [word.replace("$$", "$") for word in gateway["entrypoint"]] == list(boot.command())
    assert gateway["stop_signal"] == PROXIES[engine].stop_signal
    assert gateway["container_name"] == "proxyctl-shop"
    assert gateway["labels"] == {"proxyctl.gateway": "shop", "proxyctl.gateway-engine": engine}
    assert watch["environment"]["PROXYCTL_ENGINE"] == engine
    assert made["networks"]["shop"]["name"] == "shop"


def test_what_it_says_comes_next_works(tmp_path: Path) -> None:
    """`docker compose up -d`, `proxyctl watch`, a request, `proxyctl down`, `docker compose down`: as the file says.

    It takes its 12 s: containers, a gateway and a network come and go.
    """
    network, port, state = f"pt-{secrets.token_hex(4)}", free_port(), tmp_path / "state"
    folder = tmp_path / network
    ran = run_here("init", "--dir", str(folder), "--network", network, "--publish", f"127.0.0.1:{port}:80")
    assert ran.returncode == 0, ran.stderr
    text = (folder / "compose.yaml").read_text()
    (folder / "compose.yaml").write_text(text.replace('enable: "true"\n', 'enable: "true"\n      proxyctl.test: "1"\n'))
    compose = ("docker", "compose", "--project-directory", str(folder))
    config = ("--config", str(folder / "proxyctl.toml"), "--state", str(state))
    try:
        web = {**os.environ, "WEB_IMAGE": "proxyctl/echo:latest"}
        subprocess.run([*compose, "up", "--detach"], check=True, capture_output=True, env=web)
        watched = run_proxyctl("watch", "--once", "--api", "off", *config)
        assert watched.returncode == 0, watched.stderr
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as answer:
            assert answer.status == 200
    finally:
        gone = run_here("down", *config)
        subprocess.run([*compose, "down"], check=True, capture_output=True)
    assert gone.returncode == 0, gone.stderr
