"""Whose container is whose: compose projects, one-offs, addresses that go from one container to the next."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest

from proxyctl.api import client as control
from tests.docker.watching import BACKEND, LABEL, Watch, eventually

pytestmark = pytest.mark.docker

PROJECT, SERVICE, ONE_OFF = (f"com.docker.compose.{key}" for key in ("project", "service", "oneoff"))


def of_compose(
    watch: Watch, name: str, project: str, service: str = "web", *, one_off: bool = False, **own: str
) -> None:
    """Start a container as compose does, so far as its labels go."""
    labels = {PROJECT: project, SERVICE: service, ONE_OFF: str(one_off), LABEL: "1", "proxyctl.enable": "true"}
    labels |= {f"proxyctl.{key}": value for key, value in own.items()}
    full = f"{watch.network}-{name}"
    watch.client.containers.run(BACKEND, name=full, detach=True, network=watch.network, labels=labels)


def test_each_project_is_its_own_site_and_a_one_off_is_none(running: Watch) -> None:
    """Two projects have a service `web`; `docker compose run` starts one more with another host."""
    for project in ("shop", "blog"):
        of_compose(running, project, project, host=f"{project}.example")
    of_compose(running, "run", "shop", one_off=True, host="moved.example")
    running.until("shop-web", shop="up")
    running.until("blog-web", blog="up")
    for project in ("shop", "blog"):
        assert running.served_by(4, host=f"{project}.example") == {project: 4}
    assert running.get(host="moved.example").status == 404
    assert running.problems() == []
    told = running.ctl("explain", f"{running.network}-run")
    assert told.returncode == 3
    assert "is a one-off container of compose" in told.stdout


def test_equal_names_by_chance_are_told(running: Watch) -> None:
    """`a` with service `b-c`, `a-b` with service `c`: the first keeps the pool, the second is told how to have one."""
    for name, project, service in (("x", "a", "b-c"), ("y", "a-b", "c")):
        of_compose(running, name, project, service)
        running.until("a-b-c", x="up")
    (problem,) = eventually(running.problems, "a problem")
    assert (problem["code"], problem["label"]) == ("P110", "proxyctl.pool")
    assert problem["container"].endswith("-y")


def address(watch: Watch, name: str) -> str:
    """Return where a container is."""
    return str(watch.container(name).attrs["NetworkSettings"]["Networks"][watch.network]["IPAddress"])


def test_an_address_serves_the_container_that_has_it(watch: Watch) -> None:
    """While nobody watched, `a` went, and `c`, another site, got its address: the first pass of a new watch ends that.

    The gateway alone takes up to six seconds for it (tests/docker/test_boot.py).
    """
    watch.start()
    watch.run("a", labels={"host": "a.example"})
    watch.until(f"{watch.network}-a", a="up")
    had = address(watch, "a")
    watch.stop()
    watch.container("a").remove(force=True)
    watch.run("c", labels={"host": "c.example"})
    assert address(watch, "c") == had, "Docker gives the lowest free address"
    watch.until_listening("c")
    watch.start()
    watch.until(f"{watch.network}-c", c="up", within=10)  # a listing that is not believed lasts 30 s
    eventually(lambda: watch.get(host="a.example").status in {404, 503}, "the end of a.example", 10)
    assert watch.served_by(2, host="c.example") == {"c": 2}
    assert not any("is not in Docker's list" in p["reason"] for p in watch.problems())


def test_what_docker_says_of_strangers_ends_no_watch(running: Watch) -> None:
    """Ranges of ports, by the API alone: of a stranger on the network, and of one on another network."""
    api = running.client.api
    made: list[str] = []
    try:
        for network, labels in ((running.network, {}), ("bridge", {"proxyctl.enable": "true"})):
            body: dict[str, Any] = {
                "Image": BACKEND,
                "ExposedPorts": {"9091-9092/tcp": {}, "x/tcp": {}, "53/udp": {}},
                "Labels": {LABEL: "1", **labels},
                "HostConfig": {"NetworkMode": network},
            }
            made.append(api.create_container_from_config(body, f"{running.network}-odd{len(made)}")["Id"])  # type: ignore[no-untyped-call]
            api.start(made[-1])
        running.run("web", labels={"pool": "web"})
        running.until("web", web="up")
        running.stop()
        running.start()
        running.until("web", web="up")
    finally:
        for id_ in made:
            api.remove_container(id_, force=True)


def test_a_stop_signal_may_be_a_real_time_one(running: Watch) -> None:
    """systemd in a container has SIGRTMIN+3: the server drains with it, and is a problem where it runs on."""
    ignores = "import os, signal; signal.signal(37, signal.SIG_IGN); os.execvp('proxyctl', ['proxyctl', 'echo'])"
    running.client.containers.run(
        BACKEND,
        name=f"{running.network}-init",
        entrypoint=["python3", "-c", ignores],
        detach=True,
        network=running.network,
        labels={LABEL: "1", "proxyctl.enable": "true", "proxyctl.pool": "init", "proxyctl.drain": "1s"},
        stop_signal="SIGRTMIN+3",
    )
    running.until("init", init="up")
    running.container("init").kill("SIGRTMIN+3")
    codes = {"P208", "P302"}  # it runs on, and its pool has nobody else
    eventually(lambda: {p["code"] for p in running.problems()} == codes, "a problem that it runs on")
    assert running.get().status == 503
    subprocess.run(["docker", "restart", "--time", "0", f"{running.network}-init"], check=True, capture_output=True)
    running.until("init", init="up")
    eventually(lambda: running.problems() == [], "the end of the problem")


def test_a_gateway_that_was_cut_off_is_connected_again(running: Watch) -> None:
    """Somebody disconnected it: it is on its network again at once, and serves on its ports."""
    running.run("web", labels={"pool": "web"})
    running.until("web", web="up")
    running.client.networks.get(running.network).disconnect(running.gateway)
    eventually(
        lambda: any("was cut off its network" in event.text for event in control.events(running.state)), "the event"
    )
    assert running.served_by(2) == {"web": 2}
