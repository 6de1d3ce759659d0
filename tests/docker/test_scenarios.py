"""`proxyctl check scenario`: it makes things happen to a pool under load, judges, and takes them back. Both engines."""

from __future__ import annotations

import functools
import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator

import docker
import pytest

from proxyctl.edges import control
from proxyctl.scenarios import run
from proxyctl.scenarios.events import Scenario
from proxyctl.scenarios.stage import LABEL, Place, Stage
from tests.docker.watching import Watch, eventually, run_proxyctl

pytestmark = pytest.mark.docker


@pytest.fixture
def pool(watch: Watch) -> Iterator[Watch]:
    """A watch with three servers of a user's own in pool web."""
    watch.start()
    for n in (1, 2, 3):
        watch.run(f"web{n}", labels={"pool": "web", "drain": "10s"})
    watch.until(web1="up", web2="up", web3="up")
    yield watch
    assert throwaways(watch) == []


def scenario(watch: Watch, *argv: str) -> subprocess.CompletedProcess[str]:
    """Run scenarios to their end."""
    place = ["--network", watch.network, "--state", str(watch.state)]
    return run_proxyctl("check", "scenario", *argv, *place, timeout=110)


def throwaways(watch: Watch) -> list[str]:
    """Return what scenarios left on this network."""
    filters = {"label": [LABEL], "network": [watch.network]}
    return [str(e["Names"]) for e in watch.client.api.containers(all=True, filters=filters)]


def test_a_pool_of_ones_own_passes_and_is_as_it_was(pool: Watch) -> None:
    """One line each says what was expected and seen; afterwards the same containers serve with the same weights."""
    before = {n: c.id for n in ("web1", "web2", "web3") if (c := pool.container(n))}
    names = ["leave", "pause", "reload", "sticky", "weights"]
    ran = scenario(pool, *names, "--pool", "web", "--json")
    told = json.loads(ran.stdout)
    states = {r["name"]: (r["status"], r["failed"], r["seen"]) for r in told["scenarios"]}
    assert ran.returncode == 0, states
    assert {n: s for n, (s, _, _) in states.items()} == dict.fromkeys(names, "ok") | {"sticky": "skipped"}, states
    pool.until("web", web1="up", web2="up", web3="up")
    assert {n: pool.container(n).id for n in before} == before
    assert {s["weight"] for p in (pool.status() or {})["pools"] for s in p["servers"]} == {1}


def test_throwaway_containers_leave_nothing(watch: Watch) -> None:
    """With --ephemeral it needs no pool: three containers are made, put through it, and removed."""
    watch.start()
    ran = scenario(watch, "join", "kill", "failover", "rollout", "--ephemeral")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stdout.count("✔") == 4
    assert throwaways(watch) == []
    eventually(lambda: watch.servers() == {}, "an empty gateway")


def test_losses_are_failures(pool: Watch, docker_client: docker.DockerClient) -> None:
    """Where requests fail, as when every server is killed, the scenario has failed and says how many and when."""

    def all_die(stage: Stage) -> str:
        for name in stage.some(3):
            stage.kill(name)
        stage.settle()
        return "all were killed"

    ask = functools.partial(control.ask, pool.state)
    place = Place(pool.network, "web", ephemeral=False)
    token = (pool.state / "check.token").read_text().strip()
    target = run.target(docker_client.api, ask, place, token)
    result = run.play(
        Scenario("all", "nothing is lost", all_die), Stage(docker_client.api, ask, place, target, 100, lambda: False)
    )
    assert (result.status, result.failed > 0) == ("failed", True)
    assert re.search(r"^\d+ of \d+ requests failed: \w+ at \d", result.seen), result.seen
    pool.until("web", web1="up", web2="up", web3="up")


def test_ctrl_c_takes_back_what_was_changed(watch: Watch) -> None:
    """Interrupted in the middle, it ends with 130 and leaves no container."""
    watch.start()
    argv = [sys.executable, "-m", "proxyctl", "check", "scenario", "all", "--ephemeral"]
    argv += ["--network", watch.network, "--state", str(watch.state)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        assert "join" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        rest = process.communicate(timeout=60)[0]
    assert process.returncode == 130, rest
    assert "Traceback" not in rest
    assert throwaways(watch) == []


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["nonsense", "--ephemeral"], "there is no scenario nonsense; there are join, leave"),
        (["join"], "give --pool NAME, or --ephemeral"),
        (["join", "--pool", "web", "--ephemeral"], "and not both"),
        (["join", "--pool", "nope"], "--pool nope: there is no such pool"),
        (["join", "--ephemeral", "--image", "no/such:image"], "--image no/such:image: it is not here"),
    ],
)
def test_what_cannot_be_meant_is_one_line(watch: Watch, argv: list[str], said: str) -> None:
    """Exit 2, and what is accepted."""
    watch.start()
    ran = scenario(watch, *argv)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert said in ran.stderr
    assert ran.stderr.count("\n") == 1
