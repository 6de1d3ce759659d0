"""The stacks in compose/: brought up as a user would, both beside each other, used from inside, scaled, torn down."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import secrets
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import docker
import pytest

from tests.docker.watching import LABEL, eventually

pytestmark = pytest.mark.docker

STACKS = Path(__file__).resolve().parents[2] / "compose"
ENGINES = ("haproxy", "nginx")


class Stack:
    """One compose project with a name of its own; Docker chooses its published port, so that it disturbs nobody.

    The proxy's image is the official one, or, where no registry answered `make setup`, one that is laid out like it.
    """

    def __init__(self, engine: str) -> None:
        self.engine = engine
        self.name = f"pt-{engine}-{secrets.token_hex(3)}"

    def run(self, *argv: str) -> subprocess.CompletedProcess[str]:
        """Run `docker compose` on the stack."""
        file = STACKS / self.engine / "compose.yaml"
        return subprocess.run(
            ["docker", "compose", "--project-name", self.name, "--file", str(file), *argv],
            capture_output=True,
            text=True,
            check=False,
            timeout=110,
            env={**os.environ, "PORT": "127.0.0.1:", "GATEWAY_IMAGE": f"proxyctl/official-{self.engine}:latest"},
        )

    def compose(self, *argv: str) -> str:
        """Run it, and return what it printed."""
        ran = self.run(*argv)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout

    def proxyctl(self, *argv: str) -> str:
        """Run a verb inside the stack, in proxyctl's own container; return what it printed."""
        return self.compose("exec", "-T", "proxyctl", "proxyctl", *argv)

    @functools.cached_property
    def url(self) -> str:
        """Where the stack that is up answers."""
        return f"http://127.0.0.1:{self.compose('port', 'gateway', '80').strip().rpartition(':')[2]}/"

    def asked(self, host: str = "") -> str:
        """Return the server that answers at the published port; nothing while none does."""
        try:
            asked = urllib.request.Request(self.url, headers={"Host": host} if host else {})
            with urllib.request.urlopen(asked, timeout=5) as answer:
                return str(json.load(answer)["server"])
        except urllib.error.HTTPError as exc:
            exc.close()
        except OSError:
            pass
        return ""

    def serves(self, *names: str) -> bool:
        """Whether these servers are up, and no others."""
        return sorted(self.up()) == sorted(names)

    def up(self) -> list[str]:
        """Return the names of the servers that are up, by `proxyctl status` inside the stack; none before it runs."""
        ran = self.run("exec", "-T", "proxyctl", "proxyctl", "status", "--json")
        pools = json.loads(ran.stdout)["pools"] if ran.returncode == 0 else []
        return [s["name"] for p in pools for s in p["servers"] if s["state"] == "up"]


@pytest.fixture(scope="module")
def stacks() -> Iterator[dict[str, Stack]]:
    """Both stacks, up at the same time, and taken down with their volumes; 10 s for eight containers."""
    made = {engine: Stack(engine) for engine in ENGINES}
    with ThreadPoolExecutor() as threads:
        try:
            list(threads.map(lambda stack: stack.compose("up", "--detach", "--scale", "web=2"), made.values()))
            yield made
        finally:
            down = [threads.submit(stack.run, "down", "--volumes", "--timeout", "1") for stack in made.values()]
            left = [ran.stderr for each in down if (ran := each.result()).returncode != 0]
    assert not left


@pytest.fixture(params=ENGINES)
def stack(request: pytest.FixtureRequest, stacks: dict[str, Stack]) -> Stack:
    """One of them, which serves."""
    chosen = stacks[request.param]
    eventually(chosen.asked, "the published port to answer")
    return chosen


def test_both_stacks_run_beside_each_other(stacks: dict[str, Stack]) -> None:
    """Each serves its own servers on its own port, and has a gateway and a network by the name of its project."""
    for stack in stacks.values():
        first, second = (f"{stack.name}-web-{number}" for number in (1, 2))
        eventually(functools.partial(stack.serves, first, second), "two servers")
        assert eventually(stack.asked, "an answer")
        assert f"proxyctl-{stack.name}" in stack.compose("ps", "--format", "{{.Name}}")


def test_a_stack_scales(stack: Stack) -> None:
    """`--scale web=4` is seen to join.

    Takes its 6 s: compose starts and removes containers one after the other.
    """
    stack.compose("up", "--detach", "--scale", "web=4", "--no-recreate")
    served: set[str] = set()

    def all_served() -> bool:
        served.add(stack.asked())
        return len(served - {""}) == 4

    eventually(all_served, "answers of four servers")
    assert len(stack.up()) == 4
    stack.compose("up", "--detach", "--scale", "web=2", "--no-recreate")
    eventually(lambda: len(stack.up()) == 2, "two servers")


def test_scenarios_are_played_inside_a_stack(stack: Stack) -> None:
    """The requests go to the gateway's own address: the published port is not there in proxyctl's container.

    It takes its 8 s: a load runs while a server joins and leaves.
    """
    told = json.loads(stack.proxyctl("check", "scenario", "join", "leave", "--pool", f"{stack.name}-web", "--json"))
    assert told["ok"], told
    assert [s["status"] for s in told["scenarios"]] == ["ok", "ok"], told
    assert all(s["requests"] and not s["failed"] for s in told["scenarios"]), told


def test_two_checks_are_compared_inside_a_stack(stack: Stack) -> None:
    """Both runs name the servers, and are kept and compared in proxyctl's container."""
    for name in ("a", "b"):
        check = f"proxyctl check http://gateway/ --requests 400 --json > /tmp/{name}.json"
        stack.compose("exec", "-T", "proxyctl", "sh", "-c", check)
    seen = json.loads(stack.compose("exec", "-T", "proxyctl", "cat", "/tmp/a.json"))
    assert sum(s["requests"] for s in seen["servers"].values()) == 400, seen
    # the exit code is not looked at: a busy machine may differ from itself
    compared = stack.run(
        "exec", "-T", "proxyctl", "proxyctl", "check", "compare", "/tmp/a.json", "/tmp/b.json", "--json"
    )
    assert json.loads(compared.stdout)["shares"].keys() == seen["servers"].keys(), compared.stderr


def test_a_rollback_inside_a_stack(stack: Stack) -> None:
    """A route that came is in `history`, `rollback` takes it back, and `--release` brings it again."""
    with contextlib.closing(docker.from_env()) as client:
        labels = {LABEL: "1", "proxyctl.enable": "true", "proxyctl.pool": "blog", "proxyctl.host": "blog.example"}
        blog = client.containers.run("proxyctl/echo:latest", detach=True, network=stack.name, labels=labels)
        try:
            eventually(lambda: stack.asked("blog.example") == blog.short_id, "the blog's answer")
            assert "blog" in stack.proxyctl("history")
            stack.proxyctl("rollback")
            eventually(lambda: stack.asked("blog.example") != blog.short_id, "the blog's end")
            stack.proxyctl("rollback", "--release")
            eventually(lambda: stack.asked("blog.example") == blog.short_id, "the blog's return")
        finally:
            blog.remove(force=True)
