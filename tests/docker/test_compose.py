"""The stacks in compose/: brought up as a user would, scaled, torn down."""

from __future__ import annotations

import json
import os
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docker.watching import eventually

pytestmark = pytest.mark.docker

STACKS = Path(__file__).resolve().parents[2] / "compose"


class Stack:
    """One compose project; its published port is chosen by Docker, so that it disturbs nobody."""

    def __init__(self, engine: str) -> None:
        self.engine = engine

    def compose(self, *argv: str) -> str:
        """Run `docker compose` on the stack and return what it printed."""
        file = STACKS / self.engine / "compose.yaml"
        ran = subprocess.run(
            ["docker", "compose", "--file", str(file), *argv],
            capture_output=True,
            text=True,
            check=False,
            timeout=110,
            env={**os.environ, "PORT": "127.0.0.1:"},
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout

    def get(self) -> int:
        """Return the status with which the published port answers; 0 while nothing does."""
        port = self.compose("port", "gateway", "80").strip().rpartition(":")[2]
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as exc:
            exc.close()
            return exc.code
        except OSError:
            return 0

    def up(self) -> list[str]:
        """Return the names of the servers that are up, by `proxyctl status` inside the stack."""
        try:
            told = json.loads(self.compose("exec", "-T", "proxyctl", "proxyctl", "status", "--json"))
        except AssertionError:
            return []
        return [s["name"] for p in told["pools"] for s in p["servers"] if s["state"] == "up"]


@pytest.fixture(params=["haproxy", "nginx"])
def stack(request: pytest.FixtureRequest) -> Iterator[Stack]:
    """One stack, taken down afterwards with its volumes."""
    made = Stack(request.param)
    made.compose("down", "--volumes", "--timeout", "1")
    yield made
    made.compose("down", "--volumes", "--timeout", "1")


def test_a_stack_comes_up_scales_and_goes_down(stack: Stack) -> None:
    """`up -d` serves; `--scale web=5` is seen to join; `down` leaves no container."""
    stack.compose("up", "--detach")
    eventually(lambda: stack.get() == 200, "the published port to answer", 40)
    stack.compose("up", "--detach", "--scale", "web=5", "--no-recreate")
    eventually(lambda: len(stack.up()) == 5, "five servers", 40)
    stack.compose("down", "--volumes", "--timeout", "1")
    assert stack.compose("ps", "--quiet").strip() == ""
