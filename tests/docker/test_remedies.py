"""What a message tells people to run is run, as it is printed, where the problem is there; then it is gone.

The command is taken out of the message, never written again here; tests/test_remedies.py finds those without a
scenario. A remedy asks Docker or `watch`, and knows no engine, so one engine shows it.
"""

from __future__ import annotations

import contextlib
import gc
import http.client
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import docker
import docker.errors
import pytest

from proxyctl.api.client import Client
from proxyctl.operate import rollout
from proxyctl.operate.rollout import RolledBack, Rollout, Wish
from proxyctl.providers.docker.client import connect
from proxyctl.providers.docker.containers import Containers
from tests.docker.command_line import run_here
from tests.docker.relay import Relay
from tests.docker.watching import BACKEND, LABEL, Watch, eventually, listed

pytestmark = pytest.mark.docker

one_engine = pytest.mark.parametrize("module_watch", ["haproxy"], indirect=True)
fresh = pytest.mark.parametrize("watch", ["haproxy"], indirect=True)

cut_off = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
"""docker-py leaves a connection that was cut to the collector, which tells of it."""


def remedy(text: str, command: str) -> str:
    """Return the command in a message that has this form, where `{}` stands for what is filled in."""
    form = re.escape(command).replace(r"\{\}", r"[^`:;]+?")
    found = re.search(rf"`({form})`", text) or re.search(rf"\b({form.replace('[^`:;]', '[^`:; ]')})(?= |$|;)", text)
    assert found, f"{text!r} has no command like {command!r}"
    return found[1]


def run(watch: Watch, command: str, *, code: int = 0) -> str:
    """Run a command line in a shell, with `proxyctl` as it is here; return what it printed."""
    given = re.sub(r"(^|&& )proxyctl ", rf"\1{sys.executable} -m proxyctl ", command)
    environment = {**os.environ, "PROXYCTL_NETWORK": watch.network, "PROXYCTL_STATE": str(watch.state)}
    ran = subprocess.run(given, shell=True, capture_output=True, text=True, timeout=90, env=environment, check=False)
    assert ran.returncode == code, (command, ran.stdout, ran.stderr)
    return ran.stdout + ran.stderr


def problem(watch: Watch, code: str) -> str:
    """Wait for a problem of a kind, and return its reason."""
    return str(eventually(lambda: [p["reason"] for p in watch.problems() if p["code"] == code], f"{code}")[0])


def until_gone(watch: Watch, code: str) -> None:
    """Wait until there is no problem of that kind."""
    eventually(lambda: code not in {p["code"] for p in watch.problems()}, f"the end of {code}")


# ------------------------------------------------------------------ containers


@one_engine
def test_one_that_has_no_network_is_given_one(running: Watch) -> None:
    """P201: Docker lets a container leave the network `none`, and only then takes it to another."""
    made = {"proxyctl.enable": "true", "proxyctl.network": running.network, LABEL: "1"}
    running.client.containers.run(
        BACKEND, name=f"{running.network}-bare", detach=True, network_mode="none", labels=made
    )
    told = problem(running, "P201")
    run(running, remedy(told, "docker network disconnect none {} && docker network connect {} {}"))
    running.until(bare="up")
    until_gone(running, "P201")


@one_engine
def test_one_whose_network_has_ended_with_another_is_served_again(running: Watch) -> None:
    """P211: the other one is started before, as a container cannot have the network of one that does not run."""
    owner = running.run("owner", labels={"enable": None})
    made = {"proxyctl.enable": "true", "proxyctl.port": "8081", LABEL: "1"}
    running.client.containers.run(
        BACKEND,
        ["--port", "8081"],
        name=f"{running.network}-lodger",
        detach=True,
        network_mode=f"container:{owner.id}",
        labels=made,
    )
    running.until(lodger="up")
    owner.stop(timeout=1)
    run(running, remedy(problem(running, "P211"), "docker start {} && docker restart {}"))
    running.until(lodger="up")
    until_gone(running, "P211")


@one_engine
def test_one_that_is_on_another_network_is_connected(other_network: str, running: Watch) -> None:
    """P201: the command connects it, and it serves."""
    running.run("astray", network=other_network, labels={"network": running.network, "pool": "web"})
    run(running, remedy(problem(running, "P201"), "docker network connect {} {}"))
    running.until("web", astray="up")
    until_gone(running, "P201")


@one_engine
def test_one_that_is_unhealthy_shows_what_its_check_answered(running: Watch) -> None:
    """P205: the command shows it."""
    check = {"test": ["CMD-SHELL", "echo no database; exit 1"], "interval": 200_000_000, "retries": 1}
    running.run("sick", healthcheck=check)
    assert "no database" in run(running, remedy(problem(running, "P205"), "docker inspect {}"))


@one_engine
def test_one_that_runs_on_serves_again_or_ends(running: Watch) -> None:
    """P208: the first command starts it anew, the second ends it."""
    running.run("deaf", labels={"pool": "web", "drain": "200ms"}, environment={"ECHO_ON_TERM": "ignore"})
    running.until("web", deaf="up")
    running.container("deaf").kill("SIGTERM")
    run(running, remedy(problem(running, "P208"), "docker restart {}"))
    running.until("web", deaf="up")
    until_gone(running, "P208")
    running.container("deaf").kill("SIGTERM")
    run(running, remedy(problem(running, "P208"), "docker kill {}"))
    until_gone(running, "P208")
    assert running.container("deaf").status == "exited"


# ------------------------------------------------------------------ pools and generations


@one_engine
def test_a_pool_that_nobody_serves_is_closed(running: Watch) -> None:
    """P302: in maintenance it is no problem any more; the command that `explain` prints opens it again."""
    running.run("web", labels={"pool": "web"})
    running.until("web", web="up")
    assert running.ctl("drain", f"{running.network}-web").returncode == 0
    problem(running, "P302")
    page = " ".join(running.ctl("explain", "P302").stdout.split())
    run(running, remedy(page, "proxyctl maintenance POOL on").replace("POOL", "web"))
    until_gone(running, "P302")
    explained = running.ctl("explain", f"{running.network}-web").stdout
    run(running, remedy(explained, "proxyctl maintenance {} off"))
    assert "maintenance" not in running.ctl("explain", f"{running.network}-web").stdout
    assert running.ctl("ready", f"{running.network}-web").returncode == 0
    running.until("web", web="up")


@one_engine
def test_a_gateway_that_is_held_is_let_go(running: Watch) -> None:
    """P404: the command releases it. Where there is nothing to go back to, the command shows what there is."""
    running.run("web", labels={"pool": "web"})
    running.until("web", web="up")
    before = running.status() or {}
    running.run("other", labels={"pool": "other", "host": "other.test"})
    running.until("other", other="up")
    assert running.ctl("rollback", str(before["generation"])).returncode == 0
    run(running, remedy(problem(running, "P404"), "proxyctl rollback --release"))
    until_gone(running, "P404")


@fresh
def test_a_rollback_to_nothing_names_the_list(watch: Watch) -> None:
    """The first generation has none before it: the command lists what there is."""
    watch.start()
    told = watch.ctl("rollback")
    assert told.returncode != 0
    assert "current" in run(watch, remedy(told.stderr, "proxyctl history"))


# ------------------------------------------------------------------ the gateway


def free_port() -> int:
    """Return a port that nobody has at this moment."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@fresh
def test_a_network_that_is_missing_is_made(watch: Watch, docker_client: docker.DockerClient) -> None:
    """The command makes it, and `watch` starts."""
    name = f"pt-{secrets.token_hex(4)}"
    told = run_here("watch", "--network", name, "--state", str(watch.state), "--api", "off", "--once")
    assert told.returncode == 2
    run(watch, remedy(told.stderr, "docker network create {}"))
    try:
        watch.network = name
        watch.start()
    finally:
        watch.close()
        docker_client.networks.get(name).remove()


@fresh
def test_a_gateway_that_was_made_otherwise_is_removed(watch: Watch) -> None:
    """Another engine is asked for, or other ports: after the command `watch` makes the gateway anew."""
    watch.start()
    watch.stop()
    for other in (("--engine", "nginx"), ("--publish", f"127.0.0.1:{free_port()}:80")):
        place = ("--network", watch.network, "--state", str(watch.state), "--api", "off")
        told = run_here("watch", "--engine", watch.engine, *other, *place)
        assert told.returncode == 1, told.stderr
        run(watch, remedy(told.stderr, "proxyctl down --network {}{}"))
        with pytest.raises(docker.errors.NotFound):
            _ = watch.gateway
        watch.start()
        watch.stop()


# ------------------------------------------------------------------ rollouts


@one_engine
def test_old_ones_that_a_rollout_left_are_removed(running: Watch) -> None:
    """It was interrupted while the second one drained: the new ones serve, and the command removes what is left."""
    for name in ("web1", "web2"):
        running.run(name, labels={"pool": "web"})
    running.until("web", web1="up", web2="up")
    assert running.ctl("drain", f"{running.network}-web1").returncode == 0  # so that all requests run on web2
    with answering_for(running, "web2", 50) as cut:
        place = ("--network", running.network, "--state", str(running.state))
        argv = [sys.executable, "-m", "proxyctl", "rollout", "web", "--image", BACKEND, *place]
        with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
            eventually(lambda: "web1" not in running.servers() and "web2" in running.servers(), "the first one to go")
            process.send_signal(signal.SIGINT)
            output, _ = process.communicate(timeout=60)
        assert process.returncode == 1, output
        run(running, remedy(output, "docker rm --force {}"))
        cut()
    eventually(lambda: running.servers() == {"web1-r2": "up", "web2-r2": "up"}, "the new ones alone")


@contextlib.contextmanager
def answering_for(watch: Watch, name: str, seconds: int) -> Iterator[Callable[[], None]]:
    """Keep a request running on a server; give a function that ends it."""
    address = watch.container(name).attrs["NetworkSettings"]["Networks"][watch.network]["IPAddress"]
    held: list[http.client.HTTPConnection] = []
    stopped = threading.Event()

    def ask() -> None:
        connection = http.client.HTTPConnection(watch.address, timeout=seconds)
        held.append(connection)
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection.request("GET", f"/delay/{seconds}")
            connection.getresponse()

    def until_there() -> bool:
        """Ask until one of the requests runs on that server: they take turns."""
        threading.Thread(target=ask, daemon=True).start()
        return stopped.wait(0.3) or any(
            row[3] == "01" and row[2].startswith(_hexadecimal(watch.address))
            for row in watch.sockets(watch.container(name))
        )

    assert address
    eventually(until_there, f"a request on {name}")

    def cut() -> None:
        stopped.set()
        for connection in held:
            connection.close()

    try:
        yield cut
    finally:
        cut()


def _hexadecimal(address: str) -> str:
    return "".join(f"{int(part):02X}" for part in reversed(address.split(".")))


@one_engine
@cut_off
def test_new_ones_that_could_not_be_removed_are(
    running: Watch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Docker went away in the middle of a rollout and stayed away: the command removes them once it is back."""
    running.run("web1", labels={"pool": "web"})
    running.until("web", web1="up")
    relay = Relay(tmp_path / "relay.sock")
    relay.up()
    monkeypatch.setenv("DOCKER_HOST", relay.host)
    monkeypatch.setattr(rollout, "_AWAY", 1.0)
    said: list[str] = []

    def say(text: str) -> None:
        said.append(text)
        if "started from" in text:
            relay.cut()

    dead = image_that_never_serves(running)
    with pytest.raises(RolledBack) as raised, contextlib.closing(connect()) as client:
        Rollout(Containers(client), Client(running.state), say, lambda: False).run(Wish("web", dead, None, 1.0))
    monkeypatch.undo()
    gc.collect()  # of connections that were cut: here, and not in the middle of the next test
    assert "web1-r2" in {n.removeprefix(f"{running.network}-") for n in names(running)}
    run(running, remedy(str(raised.value), "docker rm --force --volumes {}"))
    assert {n.removeprefix(f"{running.network}-") for n in names(running)} == {"web1"}
    running.client.images.remove(dead)
    running.until("web", web1="up")


def names(watch: Watch) -> set[str]:
    """Return the names of the test's containers."""
    return set(listed(watch.client, name=f"^/{watch.network}-").values())


def image_that_never_serves(watch: Watch) -> str:
    """Return an image of a program that listens nowhere."""
    box: Any = watch.client.containers.create(BACKEND, labels={LABEL: "1"})
    repository = f"proxyctl-test/{secrets.token_hex(4)}"
    box.commit(repository, "2", changes='ENTRYPOINT ["sleep", "1000"]')
    box.remove()
    return f"{repository}:2"
