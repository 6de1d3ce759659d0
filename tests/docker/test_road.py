"""Green means that it works: the published port, the limits and Docker's DNS are asked, and told with their codes.

One `watch` for all tests of an engine, whose gateway is published at a port of 127.0.0.1 and may have few connections.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from proxyctl.api import client as control
from proxyctl.engines.nginx.printed import SPARE_CONNECTIONS
from tests.docker.conftest import ENGINES, fresh_network
from tests.docker.watching import Watch, eventually, watching

pytestmark = pytest.mark.docker

MAXCONN = 40


@pytest.fixture(scope="module", params=ENGINES)
def module_watch(
    request: pytest.FixtureRequest, docker_client: docker.DockerClient, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Watch]:
    """The `watch` of `running`, in place of the usual one."""
    folder = tmp_path_factory.mktemp(request.param)
    (folder / "proxyctl.toml").write_text(f"[proxy]\nmaxconn = {MAXCONN}\n")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with fresh_network() as name, watching(docker_client, name, request.param, folder / "state") as made:
        made.flags = ("--publish", f"127.0.0.1:{port}:80", "--config", str(folder / "proxyctl.toml"))
        yield made


def codes(watch: Watch) -> list[str]:
    """Return the codes of the problems now."""
    return [p["code"] for p in watch.problems()]


def told_alike(watch: Watch, code: str, *, red: bool = True) -> str:
    """Check that `status`, `/healthz` and `doctor` tell a problem; return its reason."""
    (problem,) = eventually(lambda: [p for p in watch.problems() if p["code"] == code], code, 40)
    health = control.ask(watch.state, "/healthz")
    assert problem in health["problems"]
    assert health["ok"] != red
    ran = watch.ctl("doctor", "--engine", watch.engine)
    assert ran.returncode == 3
    assert f"✘ problem {code}: " in ran.stdout
    assert watch.ctl("status", "--strict").returncode == 3
    return str(problem["reason"])


def content(watch: Watch) -> bool:
    """Return whether `/healthz` and `doctor` have nothing to tell."""
    health = control.ask(watch.state, "/healthz")
    return health["ok"] and watch.ctl("doctor", "--engine", watch.engine).returncode == 0


def remedy(reason: str) -> None:
    """Run the command that a message gives."""
    command = re.findall(r"`(docker [^`]+)`", reason)[0]
    subprocess.run(command.split(), check=True, capture_output=True)


def port_of(watch: Watch) -> int:
    """Return the port of 127.0.0.1 at which the gateway is published."""
    return int(watch.flags[1].split(":")[1])


def end_docker_proxy(port: int) -> None:
    """Kill the process by which Docker publishes a port on loopback."""
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (entry / "cmdline").read_bytes().split(b"\0")
            if b"docker-proxy" in words[0] and str(port).encode() in words:
                os.kill(int(entry.name), signal.SIGKILL)


def test_a_published_port_that_does_not_lead_to_the_gateway_is_told(running: Watch) -> None:
    """Nothing answers there, then something else does; the remedy in the message mends it.

    The gateway itself counts none of the questions as a request of a client. Takes its 30 s: `watch` looks every 15 s,
    after nothing has happened, and HAProxy takes 10 to stop.
    """
    running.run("web", labels={"pool": "web"})
    running.until("web", web="up")
    port = port_of(running)
    assert eventually(lambda: content(running), "a content doctor")
    end_docker_proxy(port)
    reason = told_alike(running, "P505")
    assert f"published at 127.0.0.1:{port}, and nothing answers there: connection refused" in reason

    def answer(stranger: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                taken, _ = stranger.accept()
                with taken:
                    taken.recv(4096)
                    taken.sendall(b"HTTP/1.0 200 OK\r\n\r\nhello\n")

    with socket.create_server(("127.0.0.1", port)) as stranger:
        threading.Thread(target=answer, args=(stranger,), daemon=True).start()
        assert f"127.0.0.1:{port}, and something else answers there" in told_alike(running, "P506")
        assert "P505" not in codes(running)
        stranger.shutdown(socket.SHUT_RDWR)
    remedy(told_alike(running, "P505"))
    eventually(lambda: codes(running) == [], "the end of the problem")
    assert eventually(lambda: content(running), "a content doctor")
    with socket.create_connection(("127.0.0.1", port), 5) as client:
        client.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert b" 200 OK" in client.recv(4096)
    counted = {p["name"]: [s["requests"] for s in p["servers"]] for p in (running.status() or {})["pools"]}
    assert counted["web"] in ([1], [None])


def test_docker_s_dns_that_is_gone_blames_no_container(running: Watch) -> None:
    """Who is new joins all the same; there is one problem, about the DNS of the gateway; the remedy mends it.

    Takes its 6 s, and 10 more for HAProxy's stop: a silence counts after 3 s.
    """
    running.run("before", labels={"pool": "web"})
    running.until("web", before="up")
    running.in_gateway_namespace("iptables", "-t", "nat", "-F")
    running.run("after", labels={"pool": "web"})
    running.until("web", before="up", after="up", within=20)
    assert running.served_by(10, path="/") == {"before": 5, "after": 5}
    reason = told_alike(running, "P508")
    assert codes(running) == ["P508"]
    assert not any("after" in e.text for e in control.events(running.state) if e.kind == "problem")
    remedy(reason)
    eventually(lambda: codes(running) == [], "the end of the problem")
    running.until("web", before="up", after="up")


def test_a_limit_that_is_nearly_reached_is_told(running: Watch) -> None:
    """Clients that hold connections and ask for nothing: a warning before others have to wait.

    Takes its 11 s: `watch` looks every 15 s, after nothing has happened.
    """
    running.run("web", labels={"pool": "web"})
    running.until("web", web="up")
    each_worker = 2 * MAXCONN + SPARE_CONNECTIONS - 5
    clients = MAXCONN - 5 if running.engine == "haproxy" else each_worker * (os.cpu_count() or 1)
    with contextlib.ExitStack() as held:
        for _ in range(clients):
            client = held.enter_context(socket.create_connection((running.address, 80), 5))
            client.sendall(b"GET / HTTP/1.1\r\n")
        reason = told_alike(running, "P507", red=False)
        assert "connections that it may have" in reason
    eventually(lambda: codes(running) == [], "the end of the problem", 40)


def test_explain_says_of_a_url_that_nobody_serves_it(running: Watch) -> None:
    """Exit 3, and why: the last server is drained by an operator."""
    running.run("web", labels={"pool": "web", "host": "shop.example"})
    running.until("web", web="up")
    asked = ("explain", "http://shop.example/", "--engine", running.engine)
    assert running.ctl(*asked).returncode == 0
    assert running.ctl("drain", f"{running.network}-web").returncode == 0
    told = running.ctl(*asked)
    assert told.returncode == 3
    assert f"the gateway answers 503: {running.network}-web drains" in " ".join(told.stdout.split())
