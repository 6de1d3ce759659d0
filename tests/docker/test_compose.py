"""The stacks in compose/: brought up as a user would, scaled, torn down."""

from __future__ import annotations

import functools
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

    @functools.cached_property
    def url(self) -> str:
        """Where the stack that is up answers."""
        return f"http://127.0.0.1:{self.compose('port', 'gateway', '80').strip().rpartition(':')[2]}/"

    def asked(self) -> str:
        """Return the server that answers at the published port; nothing while none does."""
        try:
            with urllib.request.urlopen(self.url, timeout=5) as answer:
                return str(json.load(answer)["server"])
        except urllib.error.HTTPError as exc:
            exc.close()
        except OSError:
            pass
        return ""

    def up(self) -> list[str]:
        """Return the names of the servers that are up, by `proxyctl status` inside the stack."""
        told = json.loads(self.compose("exec", "-T", "proxyctl", "proxyctl", "status", "--json"))
        return [s["name"] for p in told["pools"] for s in p["servers"] if s["state"] == "up"]


@pytest.fixture(params=["haproxy", "nginx"])
def stack(request: pytest.FixtureRequest) -> Iterator[Stack]:
    """One stack, taken down afterwards with its volumes."""
    made = Stack(request.param)
    made.compose("down", "--volumes", "--timeout", "1")
    yield made
    made.compose("down", "--volumes", "--timeout", "1")


def test_a_stack_comes_up_scales_and_goes_down(stack: Stack) -> None:
    """`up -d` serves; `--scale web=5` is seen to join; `down` leaves no container.

    Takes 8 s: compose starts and removes seven containers.
    """
    stack.compose("up", "--detach")
    eventually(stack.asked, "the published port to answer")
    stack.compose("up", "--detach", "--scale", "web=5", "--no-recreate")
    served: set[str] = set()

    def all_served() -> bool:
        served.add(stack.asked())
        return len(served - {""}) == 5

    eventually(all_served, "answers of five servers")
    assert len(stack.up()) == 5
    stack.compose("down", "--volumes", "--timeout", "1")
    assert stack.compose("ps", "--quiet").strip() == ""
