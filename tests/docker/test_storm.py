"""A hundred containers started at once: all of them serve soon, and old proxy processes do not pile up."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import docker
import pytest

from bench.processes import Processes, children
from tests.docker.watching import LABEL, Watch, eventually

pytestmark = pytest.mark.docker

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
def made(docker_client: docker.DockerClient, network: str, calls: ThreadPoolExecutor) -> Iterator[list[Any]]:
    """A hundred labelled servers, not started: nginx itself, which is light and starts fast."""

    def make(number: int) -> Any:
        return docker_client.containers.create(
            "proxyctl/nginx:latest",
            ["sh", "-c", f"echo '{_SERVER}' >/tmp/c; exec nginx -e stderr -c /tmp/c"],
            name=f"{network}-s{number}",
            network=network,
            labels={"proxyctl.enable": "true", "proxyctl.pool": "web", LABEL: "1"},
        )

    containers = list(calls.map(make, range(SERVERS)))
    yield containers
    list(calls.map(lambda c: c.remove(force=True, v=True), containers))


def test_a_storm_of_joins_is_a_handful_of_reloads(watch: Watch, made: list[Any], calls: ThreadPoolExecutor) -> None:
    """All serve; nginx reloads eight times at most, HAProxy never, and the old worker of a long request is ended."""
    (watch.state.parent / "proxyctl.toml").write_text(f'[proxy]\nshutdown = "{SHUTDOWN}s"\n')
    watch.start()
    watch.run("long", labels={"pool": "web"})
    watch.until("web", long="up")
    pid = watch.gateway.attrs["State"]["Pid"]
    before, workers = watch.log.stat().st_size, len(children(pid))
    with socket.create_connection((watch.address, 80), 10) as client, Processes(pid) as processes:
        client.sendall(b"GET /stream/60 HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.recv(100).startswith(b"HTTP/1.1 200")
        list(calls.map(lambda c: c.start(), made))
        everyone = {"long": "up", **{f"s{n}": "up" for n in range(SERVERS)}}
        eventually(lambda: watch.servers("web") == everyone, "a pool of all servers", 5)
        if watch.engine == "nginx":
            eventually(lambda: not client.recv(1 << 16), "the end of the long request", SHUTDOWN + 3)
        eventually(lambda: len(children(pid)) == workers, "only the workers of the newest configuration", 3)
    reloads = len(re.findall("how=reload", watch.log.read_text()[before:]))
    assert set(watch.served_by(3 * SERVERS)) == everyone.keys()
    if watch.engine == "haproxy":
        assert reloads == 0
        assert processes.most == workers
    else:
        assert 1 <= reloads <= 8
        assert processes.most <= 3 * workers
