"""A real `proxyctl watch` as a process, on a real network, for tests that use the program as its users do."""

from __future__ import annotations

import contextlib
import http
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from email.message import Message
from pathlib import Path
from typing import Any

import docker
import docker.errors

from proxyctl.api import client as control
from proxyctl.core import layout
from proxyctl.errors import ProxyctlError
from proxyctl.providers.docker.containers import Containers
from proxyctl.state.generations import APPLIED, META
from tests.docker.command_line import run_here, run_proxyctl

BACKEND = "proxyctl/echo:latest"
LABEL = "proxyctl.test"


def eventually(condition: Callable[[], Any], what: str, within: float = 60.0) -> Any:
    """Return the first true value of `condition`; fail, naming what was awaited, after `within` seconds.

    The default is for a busy machine; less is for what has to come before something else would.
    """
    begun = time.monotonic()
    while True:
        value = condition()
        if value:
            return value
        waited = time.monotonic() - begun
        assert waited < within, f"{what} did not come within {within:.0f} s"
        time.sleep(0.02 if waited < 1 else 0.1)  # each question costs both who asks and who answers


def free_port() -> int:
    """Return a port of loopback that nobody has now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listed(client: docker.DockerClient, **filters: str) -> dict[str, str]:
    """Return id → name of the containers that Docker's filters let through, also of stopped ones, from one answer.

    docker-py's `containers.list` inspects each of them, and fails when another test removes one meanwhile.
    """
    return {c["Id"]: c["Names"][0].removeprefix("/") for c in client.api.containers(all=True, filters=filters)}


def remove(client: docker.DockerClient, *names: str) -> None:
    """Remove containers with their volumes, all at the same time; what is gone already, or just goes, is no fault."""

    def gone(name: str) -> bool:
        try:
            client.api.remove_container(name, force=True, v=True)
        except docker.errors.NotFound:
            return True
        except docker.errors.APIError as exc:
            if exc.response is None or exc.response.status_code != http.HTTPStatus.CONFLICT:
                raise
        return False

    def remove_one(name: str) -> None:
        eventually(lambda: gone(name), f"the end of {name}")

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(remove_one, names))


def freeze(container: Any) -> None:
    """Pause a container; where Docker gives up on freezing it, as on a busy machine, it is asked again."""
    containers = Containers(container.client.api)
    eventually(lambda: containers.pause(container.id, container.name), f"the pause of {container.name}")


class Watch:
    """One network with one `proxyctl watch`; containers that it starts are removed with it."""

    def __init__(self, client: docker.DockerClient, network: str, engine: str, state: Path) -> None:
        self.client = client
        self.network = network
        self.engine = engine
        self.state = state
        self.log = state.parent / f"{network}.log"
        self.flags: tuple[str, ...] = ()
        self.env: dict[str, str] = {}
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *flags: str, wait: bool = True) -> Watch:
        """Start the daemon; with `wait`, return when the gateway answers with a first generation."""
        self.flags = flags or self.flags
        argv = [sys.executable, "-m", "proxyctl", "watch", "--network", self.network, "--engine", self.engine]
        argv += ["--state", str(self.state), "--api", "off", *self.flags]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                argv, stdout=subprocess.DEVNULL, stderr=log, cwd=self.state.parent, env={**os.environ, **self.env}
            )
        if wait:
            eventually(lambda: self.alive() and (self.status() or {}).get("revision"), "a first generation")
        return self

    def alive(self) -> bool:
        """Return True while the daemon runs; fail with its log when it has ended by itself."""
        assert self.process is not None
        assert self.process.poll() is None, (
            f"watch ended with {self.process.returncode}:\n{self.log.read_text()[-3000:]}"
        )
        return True

    def stop(self, with_signal: signal.Signals = signal.SIGTERM) -> int:
        """End the daemon and return its exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(with_signal)
        code = self.process.wait(20)
        self.process = None
        return code

    def close(self) -> None:
        """End the daemon and remove gateway and containers."""
        if self.process is not None:
            self.stop(signal.SIGKILL)
        remove(self.client, *listed(self.client, name=self.network))  # successors of a rollout have their names too

    def clear(self) -> None:
        """Remove the containers, and wait until nothing of them is left in the gateway: the next test begins there."""
        remove(self.client, *listed(self.client, name=f"^/{self.network}-"))
        eventually(lambda: (self.status() or {"pools": None})["pools"] == [], "a gateway without a pool")
        eventually(lambda: not self.problems(), "the end of all problems")

    def run(self, name: str, *, image: str = BACKEND, network: str | None = None, **kwargs: Any) -> Any:
        """Start a container `NETWORK-name`; labels are given without their prefix, `enable=true` is added."""
        return self._made(self.client.containers.run, name, image=image, network=network, **kwargs)

    def _made(
        self, make: Callable[..., Any], name: str, *, image: str = BACKEND, network: str | None = None, **kwargs: Any
    ) -> Any:
        labels = {"enable": "true", **kwargs.pop("labels", {})}
        return make(
            image,
            name=f"{self.network}-{name}",
            detach=True,
            network=network or self.network,
            labels={f"proxyctl.{k}": v for k, v in labels.items() if v is not None} | {LABEL: "1"},
            **kwargs,
        )

    def run_each(self, **labels: Mapping[str, str]) -> None:
        """Start a container for each name, with its labels, all at the same time."""
        with ThreadPoolExecutor() as threads:
            list(threads.map(lambda name: self.run(name, labels=labels[name]), labels))

    @staticmethod
    def sockets(container: Any) -> list[list[str]]:
        """Return the rows of the kernel's tables of TCP sockets in a container, as lists of columns."""
        tables = (Path(f"/proc/{container.attrs['State']['Pid']}/net/{name}") for name in ("tcp", "tcp6"))
        return [row.split() for table in tables for row in table.read_text().splitlines()[1:]]

    def container(self, name: str) -> Any:
        """Return a container that was started by `run`."""
        return self.client.containers.get(f"{self.network}-{name}")

    def until_listening(self, name: str, port: int = 8080) -> None:
        """Wait until a container takes connections."""
        address = self.container(name).attrs["NetworkSettings"]["Networks"][self.network]["IPAddress"]

        def listens() -> bool:
            with socket.socket() as probe:
                return probe.connect_ex((address, port)) == 0

        eventually(listens, f"{name} to listen on {port}")

    @property
    def gateway(self) -> Any:
        """The gateway container."""
        return self.client.containers.get(f"proxyctl-{self.network}")

    def in_gateway_namespace(self, *argv: str) -> None:
        """Run a command of the host in the gateway's network namespace."""
        pid = self.gateway.attrs["State"]["Pid"]
        subprocess.run(["nsenter", f"--target={pid}", "--net", "--", *argv], check=True, capture_output=True)

    @contextlib.contextmanager
    def nameless(self, container: Any) -> Iterator[None]:
        """Let no question about a container's name or short id reach Docker's DNS, which answers all others."""
        rules = [
            ("OUTPUT", "-d", "127.0.0.11", "-m", "string", "--algo", "bm", "--string", name, "-j", "DROP")
            for name in (container.name, container.id[:12])
        ]
        for rule in rules:
            self.in_gateway_namespace("iptables", "-I", *rule)
        try:
            yield
        finally:
            for rule in rules:
                self.in_gateway_namespace("iptables", "-D", *rule)

    def create(self, name: str, **kwargs: Any) -> Any:
        """Make a container as `run` does, and do not start it."""
        return self._made(self.client.containers.create, name, **kwargs)

    def applied_text(self) -> str:
        """Return the configuration that `current` points to."""
        current = self.state / "proxy" / "current"
        own = {META, APPLIED, layout.SERVERS}
        return "".join(p.read_text() for p in sorted(current.iterdir()) if p.name not in own)

    def shown_text(self) -> str:
        """Return it as it may be shown: without the secret of `check`."""
        return self.applied_text().replace((self.state / "check.token").read_text().strip(), "(secret)")

    def proxy_pids(self) -> set[str]:
        """Return the proxy's processes, by their pids on the host; `boot.sh` runs beside them."""
        return {row[1] for row in self.gateway.top()["Processes"] if row[-1].startswith(self.engine)}

    @staticmethod
    def post(url: str) -> bool:
        """Send an empty POST straight to a container; False while nobody listens there."""
        try:
            with urllib.request.urlopen(urllib.request.Request(url, method="POST"), timeout=5) as answer:
                answer.read()
        except urllib.error.URLError as exc:
            return isinstance(exc, urllib.error.HTTPError)
        return True

    @property
    def address(self) -> str:
        """The gateway's address on the network."""
        return str(self.gateway.attrs["NetworkSettings"]["Networks"][self.network]["IPAddress"])

    @property
    def url(self) -> str:
        """Where the gateway answers, port 80."""
        return f"http://{self.address}/"

    def ctl(self, *argv: str) -> subprocess.CompletedProcess[str]:
        """Run another verb on this network, in this process; no `watch` that gets as far as its API, which stays."""
        return run_here(*argv, "--network", self.network, "--state", str(self.state))

    def ctl_process(self, *argv: str) -> subprocess.CompletedProcess[str]:
        """Run it in a process of its own."""
        return run_proxyctl(*argv, "--network", self.network, "--state", str(self.state))

    def status(self) -> dict[str, Any] | None:
        """Return what `status --json` prints, asked directly; None while nobody answers."""
        try:
            return control.ask(self.state, "/api/v1/status")
        except ProxyctlError:
            return None

    def servers(self, pool: str | None = None) -> dict[str, str]:
        """Return short server name → state, over all pools or one."""
        told = self.status() or {"pools": []}
        return {
            s["name"].removeprefix(f"{self.network}-"): s["state"]
            for p in told["pools"]
            if pool is None or p["name"] == pool
            for s in p["servers"]
        }

    def problems(self) -> list[dict[str, Any]]:
        """Return the problems that status shows, without those of other tests' containers beside this one."""
        found = (self.status() or {"problems": []})["problems"]
        return [p for p in found if not p["container"] or p["container"].startswith(self.network)]

    def until(self, pool: str | None = None, within: float = 60.0, **states: str) -> None:
        """Wait until exactly these servers are there in these states, `web1="up"`."""
        try:
            eventually(lambda: self.servers(pool) == states, f"servers {states}", within)
        except AssertionError as exc:
            raise AssertionError(
                f"{exc}; seen {self.servers(pool)}, {self.problems()}\n{self.log.read_text()[-3000:]}"
            ) from exc

    def get(self, path: str = "/", *, host: str = "", method: str = "GET", port: int = 80, **headers: str) -> Answer:
        """Ask the gateway once, on a new connection."""
        request = urllib.request.Request(f"http://{self.address}:{port}{path}", method=method)
        for name, value in headers.items():
            request.add_header(name.replace("_", "-"), value)
        if host:
            request.add_header("Host", host)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return Answer(answer.status, answer.headers, answer.read().decode())
        except urllib.error.HTTPError as exc:
            with exc:
                return Answer(exc.code, exc.headers, exc.read().decode())

    def served_by(self, requests: int = 30, path: str = "/", **kwargs: Any) -> dict[str, int]:
        """Ask so many times and return how often each server answered, by the gateway's own word."""
        token = (self.state / "check.token").read_text().strip()
        seen: dict[str, int] = {}
        for _ in range(requests):
            answer = self.get(path, **kwargs, X_Proxyctl_Check=token)
            name = answer.headers.get("X-Proxyctl-Server", f"http {answer.status}")
            short = name.removeprefix(f"{self.network}-")
            seen[short] = seen.get(short, 0) + 1
        return seen


class Answer:
    """One HTTP answer."""

    def __init__(self, status: int, headers: Message, text: str) -> None:
        self.status = status
        self.headers = headers
        self.text = text

    @property
    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.text)


@contextlib.contextmanager
def watching(client: docker.DockerClient, network: str, engine: str, state: Path) -> Iterator[Watch]:
    """Give a Watch that is not started yet, and clean up after it."""
    state.mkdir(parents=True, exist_ok=True)
    watch = Watch(client, network, engine, state)
    try:
        yield watch
    finally:
        watch.close()
