"""Many containers started at once: all of them serve soon, and old proxy processes do not pile up.

A third of the hundred that `make bench` measures, for the engine needs half a minute to start and remove those. Where
none of them costs a reload, fewer show the same.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from bench.processes import children, processes_of
from tests.docker.watching import LABEL, Watch, eventually

pytestmark = pytest.mark.docker

SERVERS = {"nginx": 32, "haproxy": 12}
SHUTDOWN = 2
"""Seconds that old workers may finish in, `[proxy] shutdown`."""
HANDFUL = SERVERS["nginx"] // 3
"""More than there are where the engine starts them within seconds, for where that takes long; without spacing 18."""
_CALLS = 8
"""Calls of the engine's API side by side."""
_SERVER = "daemon off; worker_processes 1; pid /tmp/p; events {} http { server { listen 80; return 200; } }"


@pytest.fixture
def calls() -> Iterator[ThreadPoolExecutor]:
    """Threads for calls of the engine's API."""
    with ThreadPoolExecutor(_CALLS) as pool:
        yield pool


@pytest.fixture
def made(watch: Watch, calls: ThreadPoolExecutor) -> list[Any]:
    """Labelled servers that are not started, removed with the watch: nginx itself, which is light and starts fast."""

    def make(number: int) -> Any:
        return watch.client.containers.create(
            "proxyctl/nginx:latest",
            ["sh", "-c", f"echo '{_SERVER}' >/tmp/c; exec nginx -e stderr -c /tmp/c"],
            name=f"{watch.network}-s{number}",
            network=watch.network,
            labels={"proxyctl.enable": "true", "proxyctl.pool": "web", LABEL: "1"},
        )

    return list(calls.map(make, range(SERVERS[watch.engine])))


def test_a_storm_of_joins_is_a_handful_of_reloads(watch: Watch, made: list[Any], calls: ThreadPoolExecutor) -> None:
    """All come to serve (`make bench` says when); nginx reloads a handful of times, HAProxy never; old workers end.

    Takes 10 s on nginx: the engine needs them to start and remove so many.
    """
    (watch.state.parent / "proxyctl.toml").write_text(f'[proxy]\nshutdown = "{SHUTDOWN}s"\n')
    watch.start("--verbose")
    watch.run("long", labels={"pool": "web"})
    watch.until("web", long="up")
    pid, before = watch.gateway.attrs["State"]["Pid"], watch.log.stat().st_size
    workers = len(children(pid))
    everyone = {"long": "up"} | {f"s{number}": "up" for number in range(len(made))}
    with socket.create_connection((watch.address, 80), 10) as client, processes_of(pid) as processes:
        client.sendall(b"GET /stream/60 HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.recv(100).startswith(b"HTTP/1.1 200")
        list(calls.map(lambda c: c.start(), made))
        eventually(lambda: watch.servers("web") == everyone, "a pool of all servers")
        reloads = len(re.findall("event=applied how=reload", watch.log.read_text()[before:]))
        if watch.engine == "haproxy":
            assert reloads == 0
            assert processes.most == workers
        else:
            assert 1 <= reloads <= HANDFUL
            eventually(lambda: ended(client), "the end of the long request, which an old worker had", 30)
            eventually(lambda: len(children(pid)) == workers, "nobody but the newest workers")
            assert processes.most <= 3 * workers
    watch.stop()  # it need not follow the removal of them all


def ended(client: socket.socket) -> bool:
    """Take what has come, and return whether it was the end."""
    try:
        return not client.recv(1 << 16)
    except ConnectionResetError:
        return True
