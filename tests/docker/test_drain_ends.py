"""Who leaves, is ill or cannot be reached drains at once, and no longer than its pool's `drain`. Both engines."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import functools
import http.client
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from proxyctl.engines.haproxy import sockets
from proxyctl.engines.haproxy.answers import NoAnswer
from proxyctl.engines.haproxy.paths import ADMIN_SOCKET
from tests.docker.watching import Watch, eventually, freeze

pytestmark = pytest.mark.docker

SPACING = 12.0
AT_ONCE = 10.0
"""Seconds; less than the spacing of reloads, so that what waits for that is late, and enough for a busy machine."""

DRAIN = 1.0
LATE = 20.0
"""Seconds; less than a streamed answer takes."""

MS = 1_000_000
LEAVE: tuple[str, ...] = ("stops", "pauses", "leaves", "ill")
CHECK = {"test": ["CMD-SHELL", "test ! -e /tmp/ill"], "interval": 200 * MS, "timeout": 1000 * MS, "retries": 1}

CONTAINERS: dict[str, dict[str, Any]] = {
    "stops": {"environment": {"ECHO_ON_TERM": "ignore"}},
    "pauses": {},
    "leaves": {},
    "ill": {"healthcheck": CHECK},
    "full": {"mem_limit": "64m", "memswap_limit": "64m"},
    "kept": {},
}
"""Each is alone in its pool, behind a host of its own."""


@pytest.fixture
def world(watch: Watch) -> Watch:
    """All containers up, and the last reload just done."""
    watch.env["PROXYCTL_RELOAD_SPACING"] = f"{SPACING:g}s"

    def run(name: str) -> None:
        drain = "20s" if name == "full" else f"{DRAIN:g}s"
        watch.run(name, labels={"pool": name, "host": f"{name}.test", "drain": drain}, **CONTAINERS[name])

    with concurrent.futures.ThreadPoolExecutor(3) as threads:
        list(threads.map(run, CONTAINERS))
    watch.start()
    eventually(lambda: watch.servers() == dict.fromkeys(CONTAINERS, "up"), "all up")
    return watch


@contextlib.contextmanager
def streaming(watch: Watch, name: str) -> Iterator[http.client.HTTPResponse]:
    """Keep one long answer of a server running."""
    connection = http.client.HTTPConnection(watch.address, timeout=LATE)
    connection.request("GET", "/stream/60", headers={"Host": f"{name}.test"})
    answer = connection.getresponse()
    assert answer.read(5)
    try:
        yield answer
    finally:
        answer.close()
        connection.close()


def was_cut(answer: http.client.HTTPResponse) -> bool:
    """Read on until the answer ends; return whether that was soon, rather than silence or its own end."""
    deadline = time.monotonic() + LATE
    try:
        while time.monotonic() < deadline:
            if not answer.read1(65536):
                return True
    except TimeoutError:
        return False
    except (OSError, http.client.HTTPException):
        return True
    return False


def until_servers(watch: Watch, pool: str, expected: dict[str, str], within: float = 60) -> None:
    """Wait until a pool has exactly these servers in these states."""
    eventually(lambda: watch.servers(pool) == expected, f"{pool} with {expected}", within)


def has_left(watch: Watch, name: str, gone: dict[str, str]) -> bool:
    """Return whether a pool's only server gets nothing new; on a busy machine its whole drain is over between looks."""
    return watch.servers(name) in ({name: "draining"}, gone)


def until_deleted(watch: Watch, pool: str) -> None:
    """Wait until HAProxy itself knows no server in the pool, or no such pool any more."""
    admin = watch.state / "proxy" / "run" / ADMIN_SOCKET

    def deleted() -> bool:
        try:
            return not asyncio.run(sockets.rows(admin, pool))
        except NoAnswer as exc:
            return "Can't find backend" in str(exc)

    eventually(deleted, f"{pool}'s server to be deleted")


def act(watch: Watch, name: str) -> None:
    """Do to a container what its name says."""
    network = watch.client.networks.get(watch.network)
    deeds: dict[str, Callable[[], Any]] = {
        "stops": lambda: watch.container(name).kill("SIGTERM"),
        "pauses": lambda: freeze(watch.container(name)),
        "leaves": lambda: network.disconnect(watch.container(name)),
        "ill": lambda: watch.container(name).exec_run(["touch", "/tmp/ill"]),
    }
    deeds[name]()


def out_of_memory(watch: Watch) -> None:
    """Have the kernel kill a process of the container, but not its server: it drains."""
    with concurrent.futures.ThreadPoolExecutor(1) as threads:
        done = threads.submit(watch.container("full").exec_run, ["python3", "-c", "bytearray(256 << 20)"])
        watch.until("full", full="draining", within=AT_ONCE)
        assert watch.get(host="full.test").status == 503
        assert done.result().exit_code == 137


def test_a_drain_starts_at_once_and_ends_in_time(world: Watch) -> None:
    """Nothing new comes, not even before the next spaced reload; after `drain` it is gone with what ran on it.

    HAProxy cuts that; nginx's old workers have it until `[proxy] shutdown`. An operator's drain has no end.
    Takes 15 s: five servers leave one after the other, for the spacing of reloads must just have begun each time.
    """
    assert world.ctl("drain", f"{world.network}-kept").returncode == 0
    for name in LEAVE:
        gone = {name: "down"} if name in {"ill", "stops"} else {}  # both run on, and have a problem
        with streaming(world, name) as answer:
            start = time.monotonic()
            act(world, name)
            eventually(
                functools.partial(has_left, world, name, gone),
                f"{name} to drain, or to be gone after its drain",
                AT_ONCE,
            )
            assert world.get(host=f"{name}.test").status == 503
            until_servers(world, name, gone)
            assert time.monotonic() - start > DRAIN
            if world.engine == "haproxy":
                assert was_cut(answer)
                until_deleted(world, name)
            elif name == "stops":
                assert answer.read(1)
    assert world.servers("kept") == {"kept": "draining"}
    out_of_memory(world)

    # All of them can come back, under the same name; the last one does by itself.
    world.container("stops").restart(timeout=0)
    world.container("pauses").unpause()
    world.client.networks.get(world.network).connect(world.container("leaves"))
    world.container("ill").exec_run(["rm", "/tmp/ill"])
    for name in (*LEAVE, "full"):
        until_servers(world, name, {name: "up"})
        assert world.get(host=f"{name}.test").status == 200


@pytest.mark.parametrize("watch", ["nginx"], indirect=True)
def test_a_drain_is_answered_when_no_old_worker_takes_requests(watch: Watch) -> None:
    """A client keeps a connection to a worker that knows the drained server: after the verb none of it gets there.

    The connection is closed by then. HAProxy drains in the process that holds it.
    """
    (watch.state.parent / "proxyctl.toml").write_text('[proxy]\nkeepalive_min = "2s"\n')
    watch.start()
    watch.run("web1", labels={"pool": "web"})
    watch.until(web1="up")
    with socket.create_connection((watch.address, 80), timeout=5) as kept:
        kept.sendall(b"GET / HTTP/1.1\r\nHost: web.test\r\n\r\n")
        assert kept.recv(65536).startswith(b"HTTP/1.1 200")
        assert watch.ctl("drain", f"{watch.network}-web1").returncode == 0
        kept.settimeout(0)
        assert kept.recv(1) == b""
