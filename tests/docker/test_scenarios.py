"""`proxyctl check scenario`: it makes things happen to a pool under load, judges, and takes them back. Both engines."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest

from proxyctl.api import client as control
from proxyctl.check.scenarios import run
from proxyctl.check.scenarios.events import Scenario
from proxyctl.check.scenarios.place import LABEL, Place, target_of
from proxyctl.check.scenarios.stage import Stage
from proxyctl.providers.docker.containers import Containers
from tests.docker.conftest import fresh_network
from tests.docker.loads import in_turn
from tests.docker.watching import Watch, eventually, watching

pytestmark = pytest.mark.docker

OWN = ("web1", "web2", "web3")
FAST = ("--rate", "400")
"""For the scenarios that judge hundreds of requests; in the others more of them only keep the machine busy."""


@pytest.fixture(scope="module", params=["haproxy", "nginx"])
def pool(
    request: pytest.FixtureRequest, docker_client: docker.DockerClient, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Watch]:
    """A watch with three servers of a user's own, in pool web and in two that go by a key."""
    folder = tmp_path_factory.mktemp("scenarios")
    keyed = {f"route.{b}.{k}": v for b in ("uri", "source") for k, v in {"host": b, "pool": b, "balance": b}.items()}
    with fresh_network() as network, watching(docker_client, network, request.param, folder / "state") as watch:
        watch.run_each(**{name: {"pool": "web", "sticky": "who", "drain": "10s", **keyed} for name in OWN})
        watch.start()
        watch.until("web", web1="up", web2="up", web3="up")
        yield watch
        assert throwaways(watch) == []


def scenario(watch: Watch, *argv: str) -> subprocess.CompletedProcess[str]:
    """Run scenarios to their end; on a busy machine a wait for Docker may take longer than a user would like."""
    with in_turn():
        return watch.ctl("check", "scenario", *argv, "--within", "60s")


def results(ran: subprocess.CompletedProcess[str]) -> dict[str, dict[str, Any]]:
    """Return what --json told, by scenario."""
    return {r["name"]: r for r in json.loads(ran.stdout)["scenarios"]}


def throwaways(watch: Watch) -> list[str]:
    """Return what scenarios left on this network."""
    filters = {"label": [LABEL], "network": [watch.network]}
    return [str(e["Names"]) for e in watch.client.api.containers(all=True, filters=filters)]


def test_a_pool_of_ones_own_passes_and_is_as_it_was(pool: Watch) -> None:
    """Each says what was expected and seen; afterwards the same containers serve with the same weights.

    Takes 10 s: servers come and go five times, and nginx's reloads are 2 s apart.
    """
    before = {n: c.id for n in OWN if (c := pool.container(n))}
    states: dict[str, tuple[str, int, str]] = {}
    for names, rate in ((("leave", "pause", "reload", "sticky"), ()), (("weights", "consistent"), FAST)):
        ran = scenario(pool, *names, "--pool", "web", "--json", *rate)
        states |= {name: (r["status"], r["failed"], r["seen"]) for name, r in results(ran).items()}
        assert ran.returncode == 0, states
        assert states.keys() >= set(names)
    seen = {name: status for name, (status, _, _) in states.items()}
    assert seen == dict.fromkeys(seen, "ok") | {"consistent": "skipped"}, states
    assert "this pool has roundrobin" in states["consistent"][2]
    pool.until("web", web1="up", web2="up", web3="up")
    assert {n: pool.container(n).id for n in before} == before
    assert {s["weight"] for p in (pool.status() or {})["pools"] for s in p["servers"]} == {1}


@pytest.mark.parametrize("balance", ["uri", "source"])
def test_one_more_server_takes_its_share_of_keys(pool: Watch, balance: str) -> None:
    """Where keys choose the server, those that move when one joins all go to it.

    Takes 6 s: the server has to join, and every key is asked twice before and twice after.
    """
    ran = scenario(pool, "consistent", "--pool", balance, "--json", *FAST)
    seen = results(ran)["consistent"]
    assert (ran.returncode, seen["status"]) == (0, "ok"), seen
    assert re.match(r"[1-9]\d* of 150 keys moved, 0 of them between servers that stayed", seen["seen"]), seen


def test_throwaway_containers_leave_nothing(pool: Watch) -> None:
    """With --ephemeral it needs no pool: three containers are made, put through it, and removed.

    Takes 10 s: eleven containers come and go, in `rollout` one after the other.
    """
    ran = scenario(pool, "kill", "failover", "rollout", "--ephemeral")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stdout.count("✔") == 3
    assert throwaways(pool) == []
    eventually(lambda: set(pool.servers()) == set(OWN), "a gateway as it was")


def test_losses_are_failures(pool: Watch, docker_client: docker.DockerClient) -> None:
    """Where requests fail, as when every server is killed, the scenario has failed and says how many and when."""

    def all_die(stage: Stage) -> str:
        for name in stage.some(3):
            stage.kill(name)
        stage.settle()
        return "all were killed"

    watch = control.Client(pool.state)
    place = Place(pool.network, "web", ephemeral=False)
    token = (pool.state / "check.token").read_text().strip()
    target = target_of(docker_client.api, watch, place, token)
    result = run.play(
        Scenario("all", "nothing is lost", all_die),
        Stage(Containers(docker_client.api), watch, place, target, 100, lambda: False),
    )
    assert (result.status, result.failed > 0) == ("failed", True)
    assert re.search(r"^\d+ of \d+ requests failed: \w+ at \d", result.seen), result.seen
    pool.until("web", web1="up", web2="up", web3="up")


def test_ctrl_c_takes_back_what_was_changed(pool: Watch) -> None:
    """Interrupted in the second scenario, when the first has passed, it ends with 130 and leaves no container.

    Takes 6 s: throw-away containers start, one more joins, and one that has been stopped comes back.
    """
    argv = [sys.executable, "-m", "proxyctl", "check", "scenario", "join", "leave", "--ephemeral"]
    argv += ["--network", pool.network, "--state", str(pool.state)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("✔  join: ")
        process.send_signal(signal.SIGINT)
        rest = process.communicate(timeout=60)[0]
    assert process.returncode == 130, rest
    assert "Traceback" not in rest
    assert throwaways(pool) == []


@pytest.mark.parametrize("pool", ["haproxy"], indirect=True)
def test_what_cannot_be_meant_is_one_line(pool: Watch) -> None:
    """Exit 2, and what is accepted."""
    for argv, said in (
        (["nonsense", "--ephemeral"], "there is no scenario nonsense; there are join, leave"),
        (["join"], "give --pool NAME, or --ephemeral"),
        (["join", "--pool", "web", "--ephemeral"], "and not both"),
        (["join", "--pool", "nope"], "--pool nope: there is no such pool"),
        (["join", "--ephemeral", "--image", "no/such:image"], "--image no/such:image: it is not here"),
        (["join", "--pool", "web", "--label", "balance=uri"], "--label is for throw-away containers"),
        (["join", "--ephemeral", "--label", "balanze=uri"], "--label: balanze: unknown key; did you mean balance?"),
        (["join", "--pool", "web", "--within", "soon"], "--within: "),
        (["join", "--pool", "web", "--path", "api"], "--path api: it begins with /"),
    ):
        ran = pool.ctl("check", "scenario", *argv)
        assert (ran.returncode, ran.stdout) == (2, ""), ran.stderr
        assert said in ran.stderr
        assert ran.stderr.count("\n") == 1


def test_requests_that_fail_before_stop_a_scenario(pool: Watch) -> None:
    """Nothing is done to a pool that does not answer as it is asked; the line names the option for it."""
    ran = scenario(pool, "kill", "--pool", "web", "--path", "/status/500", "--json")
    seen = results(ran)["kill"]
    assert (ran.returncode, seen["status"]) == (99, "failed")
    assert re.search(r"http_500 at .*; before anything was done, so nothing was; --path says", seen["seen"]), seen
    assert pool.servers("web") == dict.fromkeys(OWN, "up")


@pytest.fixture(scope="module")
def crooked(docker_client: docker.DockerClient, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watch]:
    """An Nginx whose own templates ignore weights, backups and cookies' servers, and hash by a modulo."""
    folder = tmp_path_factory.mktemp("crooked")
    ours = Path(__file__).parents[2] / "templates" / "nginx" / "_upstream.conf.j2"
    text = ours.read_text()
    for was, becomes in (
        (" weight={{ server.weight }}", ""),
        ('" backup" if server.backup', '"" if server.backup'),
        ("hash $uri consistent", "hash $uri"),
        ("sticky cookie {{ pool.sticky }} path=/ httponly samesite=lax", "random"),
    ):
        assert was in text
        text = text.replace(was, becomes)
    (folder / "templates" / "nginx").mkdir(parents=True)
    (folder / "templates" / "nginx" / ours.name).write_text(text)
    with fresh_network() as network, watching(docker_client, network, "nginx", folder / "state") as watch:
        extra = {"host": "uri", "pool": "uri", "balance": "uri"}
        keyed = {f"route.uri.{k}": v for k, v in extra.items()}
        own = {"web1": keyed, "web2": keyed, "spare": {"backup": "true"}}
        watch.run_each(**{n: {"pool": "web", "host": "web", "sticky": "who", **more} for n, more in own.items()})
        watch.start("--templates", str(folder / "templates"))
        watch.until("web", web1="up", web2="up", spare="up")
        yield watch


@pytest.fixture(scope="module")
def caught(crooked: Watch) -> dict[str, str]:
    """What is told of each scenario on it, from the mark on, in one line; every one has failed."""
    told = ""
    for argv in (["weights", "failover", "sticky", "--pool", "web"], ["consistent", "--pool", "uri"]):
        ran = scenario(crooked, *argv, *FAST)
        assert ran.returncode == 99, ran.stdout
        told += ran.stdout
    return {part.partition(":")[0]: " ".join(part.split()) for part in told.split("✘  ")[1:]}


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("weights", r"for the weights .*-web1': 3, .*: "),
        ("failover", r"the backup .*-spare served while others were up"),
        ("sticky", r"\d+ of 12 clients with cookies were moved to another server"),
        ("consistent", r"[1-9]\d* of them between servers that stayed, when .* joined; a consistent hash moves"),
    ],
)
def test_crooked_proxy_is_caught(caught: dict[str, str], name: str, seen: str) -> None:
    """A proxy that does not do what its pool says fails the scenario about it, with a line that says what it did."""
    assert re.search(seen, caught[name]), caught
