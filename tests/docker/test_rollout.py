"""`proxyctl rollout`: new containers in the place of the old ones, or everything as before.

What goes through the proxy is shown with both engines. The rest is shown with HAProxy alone: a rollout asks Docker and
`watch`, and knows no engine.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import http.client
import json
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import docker
import docker.errors
import pytest

from proxyctl.check.report import Report
from proxyctl.check.steady import SteadyLoad
from tests.docker.loads import in_turn
from tests.docker.watching import BACKEND, LABEL, Watch, eventually, listed

pytestmark = pytest.mark.docker

MakeImage = Callable[..., str]
SLOW = "delay/0.15"  # so that every server has requests in it at any moment
one_engine = pytest.mark.parametrize("module_watch", ["haproxy"], indirect=True)


@pytest.fixture
def watch(running: Watch) -> Watch:
    """The one that all tests here share."""
    return running


@pytest.fixture
def image(docker_client: docker.DockerClient) -> Iterator[MakeImage]:
    """A function that makes an image of the backend with other defaults, as Dockerfile lines."""
    made: list[str] = []

    def make(*changes: str) -> str:
        box = docker_client.containers.create(BACKEND, labels={LABEL: "1"})
        repository = f"proxyctl-test/{secrets.token_hex(4)}"
        box.commit(repository, "2", changes="\n".join(changes))
        box.remove()
        made.append(f"{repository}:2")
        return made[-1]

    yield make
    for name in made:
        with contextlib.suppress(docker.errors.NotFound):
            docker_client.images.remove(name, force=True)


def under_load(watch: Watch, event: Callable[[], None]) -> Report:
    """Send load that is never repeated, let `event` happen in the middle of it, and return what the load saw."""
    with in_turn(), SteadyLoad(watch.url + SLOW, rate=100, method="POST", body=b"x" * 100) as load:
        load.wait(60)
        event()
        load.wait(60)
        return load.stop()


def assert_nothing_lost(report: Report) -> None:
    """Fail with what was lost, and when."""
    assert report.failed == 0, f"{report.errors}: {report.failures[:5]}"


def names(watch: Watch) -> dict[str, str]:
    """Return the containers of the test by short name, with their ids; the gateway is none of them."""
    found = listed(watch.client, name=f"^/{watch.network}-")
    return {name.removeprefix(f"{watch.network}-"): id_ for id_, name in found.items()}


@contextlib.contextmanager
def rollout(watch: Watch, *argv: str) -> Iterator[subprocess.Popen[str]]:
    """Give a rollout that the test goes on beside; one that still runs is told to roll back."""
    place = ("--network", watch.network, "--state", str(watch.state))
    with subprocess.Popen(
        [sys.executable, "-m", "proxyctl", "rollout", *argv, *place],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.terminate()


def test_a_rollout_under_load_loses_nothing_and_carries_over_what_was_asked_for(
    other_network: str, watch: Watch, image: MakeImage, tmp_path: Path
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
    new = image("ENV PYTHONUNBUFFERED=2", "WORKDIR /tmp", "LABEL from=image")
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


def test_a_rollout_that_fails_under_load_is_rolled_back(watch: Watch, image: MakeImage, tmp_path: Path) -> None:
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
    new = image(f"ENTRYPOINT {json.dumps(['sh', '-c', script])}")
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


@one_engine
def test_a_rollout_that_never_serves_ends_after_its_wait(watch: Watch, image: MakeImage) -> None:
    """The reason is what status says of the new one; the old one was never touched."""
    watch.run("web1", labels={"pool": "web", "health.path": "/healthz", "health.interval": "200ms"})
    watch.until(web1="up")
    before = names(watch)
    ran = watch.ctl("rollout", "web", "--image", image("ENV ECHO_UNHEALTHY=1"), "--wait", "1500ms")
    assert ran.returncode == 4
    assert f"{watch.network}-web1-r2 does not serve after 1.5 s: " in ran.stderr
    assert names(watch) == before
    assert set(watch.served_by(4)) == {"web1"}


@one_engine
def test_ctrl_c_rolls_back(watch: Watch, image: MakeImage) -> None:
    """SIGINT while it waits: exit 4, the new one is gone, the old one was never touched."""
    watch.run("web1", labels={"pool": "web", "health.path": "/healthz", "health.interval": "200ms"})
    watch.until(web1="up")
    before = names(watch)
    with rollout(watch, "web", "--image", image("ENV ECHO_UNHEALTHY=1")) as process:
        eventually(lambda: "web1-r2" in watch.servers(), "the new one to wait in the pool")
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=100)
    assert process.returncode == 4, output
    assert output.strip().endswith("rolled back, the old ones serve on: interrupted")
    assert names(watch) == before
    watch.until(web1="up")


@one_engine
def test_what_cannot_be_rolled_out_is_refused_before_anything_happens(watch: Watch) -> None:
    """An unknown pool, an image that is not here, a published port: one line each."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    watch.run("web1", labels={"pool": "web"})
    watch.run("pub1", labels={"pool": "pub", "path": "/pub"}, ports={"8080/tcp": ("127.0.0.1", port)})
    watch.until(web1="up", pub1="up")
    before = names(watch)
    unknown = watch.ctl("rollout", "wbe", "--image", BACKEND)
    assert (unknown.returncode, unknown.stderr) == (1, "proxyctl: no pool is named wbe; known are pub, web\n")
    missing = watch.ctl("rollout", "web", "--image", "nowhere/nothing:1")
    assert missing.returncode == 4
    assert "image nowhere/nothing:1 is not here: pull or build it first" in missing.stderr
    wrong = watch.ctl("rollout", "web", "--image", BACKEND, "--wait", "soon")
    assert wrong.returncode == 2
    assert "--wait" in wrong.stderr
    published = watch.ctl("rollout", "pub", "--image", BACKEND)
    assert published.returncode == 1
    assert published.stderr.startswith(f"proxyctl: {watch.network}-pub1 publishes host port {port}, which two")
    assert names(watch) == before


def test_what_runs_on_an_old_one_that_drains_already_is_finished(watch: Watch) -> None:
    """An operator drained it before the rollout: it is stopped like the others, not killed.

    It takes its 6 s: the request has to run still when the new one serves.
    """
    watch.run("web1", labels={"pool": "web"})
    watch.until(web1="up")

    def posted() -> int:
        connection = http.client.HTTPConnection(watch.address, timeout=20)
        with contextlib.closing(connection):
            connection.request("POST", "/delay/4", body=b"x")
            answer = connection.getresponse()
            answer.read()
            return answer.status

    with concurrent.futures.ThreadPoolExecutor(1) as threads:
        status = threads.submit(posted)
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
def test_a_service_of_compose_stays_compose_s(watch: Watch, image: MakeImage, tmp_path: Path) -> None:
    """`docker compose ps` lists the new ones, and `up -d` finds nothing to do as long as the file says the same.

    It takes its 7 s: compose is a program of its own, and is run five times.
    """
    tag = image("LABEL from=image")
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
        eventually(lambda: len(watch.servers()) == 3, "compose's own third one")
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
