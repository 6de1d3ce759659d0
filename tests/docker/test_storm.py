"""A hundred containers started at once: all of them serve soon, and old proxy processes do not pile up.

The containers are on two networks, one for each engine, so that both meet the same storm: starting and removing a
hundred of them takes the engine most of a minute.
"""

from __future__ import annotations

import contextlib
import re
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import docker
import pytest

from bench.processes import Processes, children
from tests.docker.watching import LABEL, Watch, eventually, watching

pytestmark = [pytest.mark.docker, pytest.mark.timeout(240)]

SERVERS = 100
SHUTDOWN = 2
"""Seconds that old workers may finish in, `[proxy] shutdown`."""
_SERVER = "daemon off; worker_processes 1; pid /tmp/p; events {} http { server { listen 80; return 200; } }"


@pytest.fixture
def calls() -> Iterator[ThreadPoolExecutor]:
    """Calls of the engine's API side by side."""
    with ThreadPoolExecutor(16) as pool:
        yield pool


@pytest.fixture
def made(
    docker_client: docker.DockerClient, network: str, other_network: str, calls: ThreadPoolExecutor
) -> Iterator[list[Any]]:
    """A hundred labelled servers on both networks, not started: nginx itself, which is light and starts fast."""
    other = docker_client.networks.get(other_network)

    def make(number: int) -> Any:
        container = docker_client.containers.create(
            "proxyctl/nginx:latest",
            ["sh", "-c", f"echo '{_SERVER}' >/tmp/c; exec nginx -e stderr -c /tmp/c"],
            name=f"{network}-s{number}",
            network=network,
            labels={"proxyctl.enable": "true", "proxyctl.pool": "web", LABEL: "1"},
        )
        other.connect(container)
        return container

    containers = list(calls.map(make, range(SERVERS)))
    yield containers
    list(calls.map(lambda c: c.remove(force=True, v=True), containers))


class Storm:
    """One engine in the storm, with a client that holds a long request all the time."""

    def __init__(self, watch: Watch) -> None:
        (watch.state.parent / "proxyctl.toml").write_text(f'[proxy]\nshutdown = "{SHUTDOWN}s"\n')
        watch.start("--verbose")
        watch.run("long", labels={"pool": "web"})
        watch.until("web", long="up")
        self.watch = watch
        self.pid = watch.gateway.attrs["State"]["Pid"]
        self.workers = len(children(self.pid))
        self.processes = Processes(self.pid)
        self._log_before = watch.log.stat().st_size
        self._client = socket.create_connection((watch.address, 80), 10)
        self._client.sendall(b"GET /stream/60 HTTP/1.1\r\nHost: x\r\n\r\n")
        assert self._client.recv(100).startswith(b"HTTP/1.1 200")

    @property
    def reloads(self) -> int:
        """How many there were in the storm."""
        return len(re.findall(r"event=applied how=reload", self.watch.log.read_text()[self._log_before :]))

    def all_serve(self) -> bool:
        """Whether every server of the storm is up in the pool."""
        told = self.watch.status() or {"pools": []}
        states = [s["state"] for p in told["pools"] for s in p["servers"]]
        return states == ["up"] * (SERVERS + 1)

    def long_request_ended(self) -> bool:
        """Whether the client was told so, or cut off; takes what has come."""
        try:
            return not self._client.recv(1 << 16)
        except ConnectionResetError:
            return True

    def close(self) -> None:
        """Let go of the client; the daemon need not follow the removal of a hundred containers."""
        self._client.close()
        self.watch.stop()


@pytest.fixture
def storm(
    docker_client: docker.DockerClient, network: str, other_network: str, made: list[Any], tmp_path: Path
) -> Iterator[dict[str, Storm]]:
    """HAProxy and nginx, each on its network."""
    with contextlib.ExitStack() as stack:
        found = {}
        for engine, on in (("haproxy", network), ("nginx", other_network)):
            watch = stack.enter_context(watching(docker_client, on, engine, tmp_path / engine / "state"))
            found[engine] = Storm(watch)
            stack.callback(found[engine].close)
            stack.enter_context(found[engine].processes)
        yield found


def test_a_storm_of_joins_is_a_handful_of_reloads(
    storm: dict[str, Storm], made: list[Any], calls: ThreadPoolExecutor
) -> None:
    """All serve 3 s after the last start; HAProxy never reloads, nginx eight times at most, and old workers end."""
    list(calls.map(lambda c: c.start(), made))
    for engine, one in storm.items():
        eventually(one.all_serve, f"{engine}: a pool of all servers", 3)
    haproxy, nginx = storm["haproxy"], storm["nginx"]
    assert haproxy.reloads == 0
    assert haproxy.processes.most == haproxy.workers
    assert not haproxy.long_request_ended()
    assert 1 <= nginx.reloads <= 8
    eventually(nginx.long_request_ended, "the end of the long request, which an old worker had", SHUTDOWN + 3)
    eventually(lambda: len(children(nginx.pid)) == nginx.workers, "nobody but the newest workers", 3)
    assert nginx.processes.most <= 3 * nginx.workers
