"""`proxyctl rollout`: new containers in the place of the old ones, or everything as before.

What goes through the proxy is shown with both engines. The rest is shown with HAProxy alone: a rollout asks Docker and
`watch`, and knows no engine.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import http.client
import json
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.docker.rolling import MakeImage, assert_nothing_lost, names, one_engine, rollout, under_load
from tests.docker.watching import BACKEND, LABEL, Watch, eventually

pytestmark = pytest.mark.docker


@pytest.fixture
def watch(running: Watch) -> Watch:
    """The one that all tests here share."""
    return running


def test_a_rollout_under_load_loses_nothing_and_carries_over_what_was_asked_for(
    other_network: str, watch: Watch, make_image: MakeImage, tmp_path: Path
) -> None:
    """Two plain containers give way to two of another image: 0 failed; their wishes stay, their image's defaults go.

    It takes its 8 s: four backends start or end one after the other, beside the load.
    """
    wishes: dict[str, Any] = {
        "labels": {"pool": "web", "weight": "2"},
        "environment": {"ECHO_NAME": "mine"},
        "mem_limit": "256m",
        "restart_policy": {"Name": "on-failure", "MaximumRetryCount": 3},
        "volumes": {str(tmp_path): {"bind": "/mine", "mode": "ro"}},
        "user": "1000:1000",
    }
    watch.run("web1", **wishes)
    watch.run("web2", **wishes)
    watch.client.networks.get(other_network).connect(watch.container("web1"), aliases=["shop"])
    watch.until(web1="up", web2="up")
    new = make_image("ENV PYTHONUNBUFFERED=2", "WORKDIR /tmp", "LABEL from=image")
    ran: list[subprocess.CompletedProcess[str]] = []

    def event() -> None:
        ran.append(watch.ctl_process("rollout", "web", "--image", new, "--json"))

    report = under_load(watch, event)
    assert ran[0].returncode == 0, ran[0].stderr
    assert_nothing_lost(report)
    told = json.loads(ran[0].stdout)
    assert told["new"] == [f"{watch.network}-web1-r2", f"{watch.network}-web2-r2"]
    assert told["old"] == [f"{watch.network}-web1", f"{watch.network}-web2"]
    assert set(names(watch)) == {"web1-r2", "web2-r2"}
    assert watch.servers() == {"web1-r2": "up", "web2-r2": "up"}
    attrs = watch.container("web1-r2").attrs
    config, host = attrs["Config"], attrs["HostConfig"]
    assert config["Image"] == new
    assert {"ECHO_NAME=mine", "PYTHONUNBUFFERED=2"} <= set(config["Env"])
    assert "PYTHONUNBUFFERED=1" not in config["Env"]
    assert (config["WorkingDir"], config["Labels"]["from"], config["User"]) == ("/tmp", "image", "1000:1000")
    assert config["Labels"]["proxyctl.weight"] == "2"
    assert (host["Memory"], host["RestartPolicy"]["Name"]) == (256 * 2**20, "on-failure")
    assert [(m["Destination"], m["RW"]) for m in attrs["Mounts"]] == [("/mine", False)]
    networks = attrs["NetworkSettings"]["Networks"]
    assert {"shop", f"{watch.network}-web1"} <= set(networks[other_network]["Aliases"])
    assert f"{watch.network}-web1" in networks[watch.network]["Aliases"]
    assert watch.problems() == []


def test_a_rollout_that_fails_under_load_is_rolled_back(watch: Watch, make_image: MakeImage, tmp_path: Path) -> None:
    """One of the new ones serves, then the other ends: both go, nothing is lost, and the log's last line is told.

    It takes its 7 s: four backends start or end one after the other, beside the load.
    """
    shared = {str(tmp_path): {"bind": "/shared", "mode": "ro"}}
    watch.run("web1", labels={"pool": "web"}, hostname="good")
    watch.run("web2", labels={"pool": "web"}, hostname="bad", volumes=shared)
    watch.until(web1="up", web2="up")
    before = names(watch)
    bad = 'until [ -e /shared/end ]; do sleep 0.1; done; echo "no database" >&2; exit 7'
    script = f'if [ "$(hostname)" = bad ]; then {bad}; fi; exec proxyctl echo'
    new = make_image(f"ENTRYPOINT {json.dumps(['sh', '-c', script])}")
    ran: list[tuple[int, str]] = []

    def event() -> None:
        with rollout(watch, "web", "--image", new) as process:
            eventually(lambda: watch.servers().get("web1-r2") == "up", "the good new one to serve")
            (tmp_path / "end").touch()
            output, _ = process.communicate(timeout=100)
            ran.append((process.returncode, output))

    report = under_load(watch, event)
    (code, output), name = ran[0], f"{watch.network}-web2-r2"
    assert code == 4, output
    last = output.strip().rpartition("\n")[2]
    assert last == f"proxyctl: rolled back, the old ones serve on: {name}: it ended with exit code 7: no database"
    assert_nothing_lost(report)
    assert names(watch) == before
    watch.until(web1="up", web2="up")


def test_what_runs_on_an_old_one_that_drains_already_is_finished(watch: Watch) -> None:
    """An operator drained it before the rollout: it is stopped like the others, not killed.

    It takes its 6 s: the request has to run still when the new one serves.
    """
    watch.run("web1", labels={"pool": "web"})
    watch.until(web1="up")

    with concurrent.futures.ThreadPoolExecutor(1) as threads:
        status = threads.submit(posted, watch, 4)
        eventually(lambda: connections(watch, "web1"), "the request to reach web1")
        assert watch.ctl("drain", f"{watch.network}-web1").returncode == 0
        watch.until(web1="draining")
        ran = watch.ctl("rollout", "web", "--image", BACKEND)
        assert ran.returncode == 0, ran.stderr
        assert status.result() == 200
    assert set(names(watch)) == {"web1-r2"}


def connections(watch: Watch, name: str) -> bool:
    """Return whether a container has an open connection from the gateway."""
    gateway = socket.inet_aton(watch.address)[::-1].hex().upper()
    return any(gateway in row[2] and row[3] == "01" for row in watch.sockets(watch.container(name)))


@one_engine
def test_more_and_again(watch: Watch) -> None:
    """--count gives another number; names count up from the first, whose name all of them answer to.

    A port that Docker chooses is published by each, and is no obstacle. It takes its 6 s: four backends start, three
    end one after the other.
    """
    watch.run("web1", labels={"pool": "web"}, ports={"8080/tcp": ("127.0.0.1", 0)})
    watch.until(web1="up")
    more = watch.ctl("rollout", "web", "--image", BACKEND, "--count", "2")
    assert more.returncode == 0, more.stderr
    assert set(names(watch)) == {"web1-r2", "web1-r3"}
    again = watch.ctl("rollout", "web", "--image", BACKEND, "--count", "1")
    assert again.returncode == 0, again.stderr
    assert set(names(watch)) == {"web1-r4"}
    seen = watch.container("web1-r4").attrs["NetworkSettings"]
    assert f"{watch.network}-web1" in seen["Networks"][watch.network]["Aliases"]
    assert seen["Ports"]["8080/tcp"][0]["HostPort"]


def compose(folder: Path, *argv: str) -> str:
    """Run `docker compose` in a folder and return what it printed."""
    ran = subprocess.run(
        ["docker", "compose", *argv], cwd=folder, capture_output=True, text=True, check=False, timeout=60
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@one_engine
def test_a_service_of_compose_stays_compose_s(watch: Watch, make_image: MakeImage, tmp_path: Path) -> None:
    """`docker compose ps` lists the new ones, and `up -d` finds nothing to do once the file names their image.

    It takes its 12 s: compose is a program of its own, and is run eight times.
    """
    tag = make_image("LABEL from=image")
    service: dict[str, Any] = {
        "image": tag,
        "scale": 2,
        "labels": {"proxyctl.enable": "true", LABEL: "1"},
        "networks": ["edge"],
    }
    stack = {
        "name": watch.network,
        "services": {"web": service},
        "networks": {"edge": {"name": watch.network, "external": True}},
    }
    (tmp_path / "compose.yaml").write_text(json.dumps(stack))
    compose(tmp_path, "up", "--detach")
    try:
        eventually(lambda: watch.servers() == {"web-1": "up", "web-2": "up"}, "two servers of compose")
        # the same tag, built anew, as a deploy does it
        box = watch.client.containers.create(BACKEND, labels={LABEL: "1"})
        box.commit(tag.partition(":")[0], "2", changes="ENV PYTHONUNBUFFERED=2")
        box.remove()
        ran = watch.ctl("rollout", f"{watch.network}-web", "--image", tag)
        assert ran.returncode == 0, ran.stderr
        assert set(names(watch)) == {"web-3", "web-4"}
        listed = compose(tmp_path, "ps", "--format", "{{.Name}}").split()
        assert sorted(listed) == [f"{watch.network}-web-3", f"{watch.network}-web-4"]
        before = names(watch)
        compose(tmp_path, "up", "--detach")
        assert names(watch) == before
        compose(tmp_path, "up", "--detach", "--scale", "web=3", "--no-recreate")
        eventually(lambda: list(watch.servers().values()) == ["up"] * 3, "compose's own third one")
        # another tag: the file may be changed before or after
        ran = watch.ctl("rollout", f"{watch.network}-web", "--image", BACKEND, "--count", "2")
        assert ran.returncode == 0, ran.stderr
        before = names(watch)
        assert len(before) == 2
        service["image"] = BACKEND
        (tmp_path / "compose.yaml").write_text(json.dumps(stack))
        compose(tmp_path, "up", "--detach")
        assert names(watch) == before
    finally:
        compose(tmp_path, "down", "--timeout", "1")


@one_engine
def test_a_pool_that_no_label_names_is_rolled_out_too(watch: Watch) -> None:
    """The new container is in the pool of the one that it replaces, and so is the next."""
    watch.run("solo")
    pool = f"{watch.network}-solo"
    watch.until(pool, solo="up")
    for new in ({"solo-r2": "up"}, {"solo-r3": "up"}):
        ran = watch.ctl("rollout", pool, "--image", BACKEND)
        assert ran.returncode == 0, ran.stderr
        eventually(lambda new=new: watch.servers(pool) == new, f"{new} alone")  # type: ignore[misc]
    assert watch.problems() == []


def test_pools_of_every_kind_lose_nothing(watch: Watch) -> None:
    """A default-named pool, and tcp with several replicas: 0 failed, by whichever way they are reached.

    What a client keeps through tcp lasts until the drain is over; the server then ends it between two answers.
    It takes its 12 s: six backends start or end one after the other, beside two loads.
    """
    watch.run("solo", labels={"host": watch.address})
    for name in ("tcp1", "tcp2"):
        watch.run(name, labels={"pool": "tcp.x_1", "protocol": "tcp", "listen": "5432", "drain": "2s"})
    watch.until(solo="up", tcp1="up", tcp2="up")
    for pool, port in ((f"{watch.network}-solo", 80), ("tcp.x_1", 5432)):
        ran: list[subprocess.CompletedProcess[str]] = []

        def event(pool: str = pool, ran: list[subprocess.CompletedProcess[str]] = ran) -> None:
            ran.append(watch.ctl_process("rollout", pool, "--image", BACKEND))

        report = under_load(watch, event, port)
        assert ran[0].returncode == 0, ran[0].stderr
        assert_nothing_lost(report)
    assert set(names(watch)) == {"solo-r2", "tcp1-r2", "tcp2-r2"}
    assert watch.problems() == []


@pytest.mark.parametrize("protocol", ["http", "tcp"])
def test_a_container_that_ends_at_once_has_nothing_left_to_lose(watch: Watch, protocol: str) -> None:
    """It ends on its stop signal whatever runs on it: it gets that signal when nothing does, and not before.

    It takes its 6 s: the request has to run still when the new one serves.
    """
    port = 80 if protocol == "http" else 5432
    kind = {} if protocol == "http" else {"protocol": "tcp", "listen": str(port)}
    watch.run("web1", labels={"pool": "web", **kind}, environment={"ECHO_ON_TERM": "abrupt"})
    watch.until(web1="up")
    with concurrent.futures.ThreadPoolExecutor(1) as threads:
        status = threads.submit(posted, watch, 4, port)
        eventually(lambda: connections(watch, "web1"), "the request to reach web1")
        ran = watch.ctl_process("rollout", "web", "--image", BACKEND)
        assert ran.returncode == 0, ran.stderr
        assert status.result() == 200
    assert set(names(watch)) == {"web1-r2"}


def test_what_runs_on_others_keeps_nobody(watch: Watch) -> None:
    """A long request to another pool has nothing to do with it, also where it holds an old worker of nginx."""
    watch.run("long", labels={"pool": "long", "host": "long.test"})
    watch.run("web1", labels={"pool": "web", "host": "web.test", "drain": "60s"})
    watch.until(long="up", web1="up")
    with contextlib.closing(http.client.HTTPConnection(watch.address, timeout=60)) as other:
        other.request("GET", "/stream/40", headers={"Host": "long.test"})
        answer = other.getresponse()
        assert answer.read(5)
        began = time.monotonic()
        ran = watch.ctl("rollout", "web", "--image", BACKEND)
        assert (ran.returncode, "drain of" in ran.stderr) == (0, False), ran.stderr
        assert time.monotonic() - began < 40
        assert answer.read(5)


def posted(watch: Watch, seconds: int, port: int = 80) -> int:
    """Send a POST that takes so long, and return its status."""
    connection = http.client.HTTPConnection(watch.address, port, timeout=20)
    with contextlib.closing(connection):
        connection.request("POST", f"/delay/{seconds}", body=b"x")
        answer = connection.getresponse()
        answer.read()
        return answer.status


def test_what_runs_longer_than_the_drain_is_told_and_ends(watch: Watch) -> None:
    """The drain bounds the rollout, not the longest request."""
    watch.run("web1", labels={"pool": "web", "drain": "1s"}, environment={"ECHO_ON_TERM": "abrupt"})
    watch.until(web1="up")
    with concurrent.futures.ThreadPoolExecutor(1) as threads:
        status = threads.submit(posted, watch, 15)
        eventually(lambda: connections(watch, "web1"), "the request to reach web1")
        ran = watch.ctl("rollout", "web", "--image", BACKEND)
        assert ran.returncode == 0, ran.stderr
        assert f"{watch.network}-web1: its drain of 1 s is over, and something still runs on it" in ran.stderr
        with contextlib.suppress(OSError, http.client.HTTPException):
            assert status.result() == 502
    assert set(names(watch)) == {"web1-r2"}
