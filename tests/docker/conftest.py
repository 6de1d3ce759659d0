"""Real Docker for tests: a client, fresh networks, containers; everything is labelled and removed again."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import docker
import docker.errors
import pytest
from testcontainers.core.network import Network

from proxyctl.settings import EngineKind
from tests.docker.box import Box
from tests.docker.watching import BACKEND, LABEL, Watch, listed, remove, watching

ENGINES = ("haproxy", "nginx")


@pytest.fixture(scope="session")
def docker_client() -> Iterator[docker.DockerClient]:
    """A client to the engine that `make setup` provides."""
    client = docker.from_env()
    yield client
    client.close()


@contextlib.contextmanager
def fresh_network() -> Iterator[str]:
    """Make a user-defined network; remove it with all containers that are still on it, if no test removed it before."""
    network = Network(docker_network_kw={"labels": {LABEL: "1"}, "driver": "bridge"})
    network.name = f"pt-{secrets.token_hex(4)}"
    network.create()
    try:
        yield str(network.name)
    finally:
        with contextlib.suppress(docker.errors.NotFound), contextlib.closing(docker.from_env()) as client:
            remove(client, *listed(client, network=network.name))
            _remove(client.networks.get(network.name))


def _remove(network: Any) -> None:
    """Remove a network, also one whose containers are just going.

    Docker 20.10 loses count of endpoints when many come and go at the same time, and keeps such a network until it is
    restarted: that is left to `make clean`.
    """
    deadline = time.monotonic() + 10
    while True:
        try:
            network.remove()
        except docker.errors.APIError as exc:
            network.reload()
            if time.monotonic() > deadline and not network.containers:
                logging.getLogger(__name__).warning("%s stays: %s", network.name, exc)
                return
            assert time.monotonic() < deadline, f"{network.name} has {network.containers}"
            time.sleep(0.2)
        else:
            return


@pytest.fixture
def network() -> Iterator[str]:
    """A fresh user-defined network, by name."""
    with fresh_network() as name:
        yield name


@contextlib.contextmanager
def started_box(folder: Path, kind: EngineKind, version: str = "") -> Iterator[Box]:
    """Give a box that is started, on a network of its own: for tests that each load all that they look at."""
    with fresh_network() as name:
        made = Box(name, folder / "proxy", kind, version)
        try:
            asyncio.run(made.start())
            yield made
        finally:
            made.close()


@pytest.fixture
def other_network() -> Iterator[str]:
    """A second one, which no gateway serves."""
    with fresh_network() as name:
        yield name


@pytest.fixture
def run_container(docker_client: docker.DockerClient) -> Iterator[Callable[..., Any]]:
    """A function that starts a container from an image and removes it after the test."""
    made: list[Any] = []

    def run(image: str, **kwargs: Any) -> Any:
        labels = {LABEL: "1", **kwargs.pop("labels", {})}
        made.append(docker_client.containers.run(image, detach=True, labels=labels, **kwargs))
        return made[-1]

    yield run
    remove(docker_client, *(container.id for container in made))


@pytest.fixture
def make_image(docker_client: docker.DockerClient) -> Iterator[Callable[..., str]]:
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


@pytest.fixture(params=ENGINES)
def watch(
    request: pytest.FixtureRequest, docker_client: docker.DockerClient, network: str, tmp_path: Path
) -> Iterator[Watch]:
    """A `proxyctl watch` that is not started yet, once for each engine."""
    with watching(docker_client, network, request.param, tmp_path / "state") as made:
        yield made


@pytest.fixture(scope="module", params=ENGINES)
def module_watch(
    request: pytest.FixtureRequest, docker_client: docker.DockerClient, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Watch]:
    """The `proxyctl watch` of `running`."""
    folder = tmp_path_factory.mktemp(request.param)
    with fresh_network() as name, watching(docker_client, name, request.param, folder / "state") as made:
        yield made


@pytest.fixture
def running(module_watch: Watch) -> Iterator[Watch]:
    """A `proxyctl watch` that runs, once for each engine, for all tests of a module; each finds it without a pool."""
    if module_watch.process is None or module_watch.process.poll() is not None:
        module_watch.start()
    yield module_watch
    try:
        module_watch.clear()
    except BaseException:
        module_watch.close()  # the next test has another
        raise
