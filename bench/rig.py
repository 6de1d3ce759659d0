"""One network with a real `proxyctl watch`, its gateway, and servers that listen fast; all of it removed again.

Owns everything that is made, by label: containers, networks, state folders, processes. Measures nothing.
Next: `asking`, which sends the requests.
"""

from __future__ import annotations

import contextlib
import http
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import docker
import docker.errors
from docker.models.containers import Container

from proxyctl.api import client as control
from proxyctl.core import layout
from proxyctl.core.status import Status

LABEL = "proxyctl.bench"
PREFIX = "bench"
"""The label prefix of this watch: it meets no other's containers on this engine, and no other watch meets these."""
IMAGES = {"haproxy": "proxyctl/haproxy:latest", "nginx": "proxyctl/nginx:latest"}
SERVER_IMAGE = IMAGES["nginx"]
"""nginx itself, since it listens within milliseconds: a slow start of the server is no figure of proxyctl's."""

STOP_SIGNAL = "SIGURG"
"""What `docker stop` would send to a server; it does nothing to nginx."""

_SERVER_CONFIG = """\
daemon off;
worker_processes 1;
pid /tmp/nginx.pid;
error_log stderr error;
events { worker_connections 4096; }
http {
    access_log off;
    keepalive_requests 1000000;
    server {
        listen 80;
        location / { return 200 "ok\\n"; }
    }
}
"""
BASE = ("s1", "s2", "s3")
_UP = 20.0
_PAUSE = 0.005


class Stuck(Exception):
    """Something that always comes did not come; the message names it and ends with the log of `watch`."""


class Rig:
    """One engine's network. `begin` makes it all, `end_watch` leaves the gateway serving, `clean` removes it."""

    def __init__(self, client: docker.DockerClient, engine: str) -> None:
        self.client = client
        self.engine = engine
        self.network = f"bench-{engine}-{secrets.token_hex(2)}"
        self.folder = Path(tempfile.mkdtemp(prefix=f"proxyctl-bench-{engine}-"))
        self.state = self.folder / "state"
        self.log = self.folder / "watch.log"
        self.events: dict[tuple[str, str], float] = {}
        self.version = ""
        self._watch: subprocess.Popen[bytes] | None = None
        self.flags: tuple[str, ...] = ()
        self.code: Path | None = None
        """The checkout that `watch` runs from; None is this one."""
        self._stream: Any = None

    def begin(self) -> None:
        """Make network, gateway and the three servers of the pool, and wait until all of them serve."""
        config = self.folder / "server"
        config.mkdir()
        (config / "nginx.conf").write_text(_SERVER_CONFIG)
        self.client.networks.create(self.network, driver="bridge", labels={LABEL: self.engine})
        self._follow_events()
        self.start_watch()
        self.version = control.status(self.state).version
        for name in BASE:
            self.start(name)
        self.until_quiet()

    def start_watch(self) -> None:
        """Start the daemon and wait until it has a generation, a first one or the one that it adopted."""
        argv = [sys.executable, "-m", "proxyctl", "watch", "--network", self.network, "--engine", self.engine]
        argv += ["--image", IMAGES[self.engine], "--state", str(self.state), "--api", "off", "--verbose"]
        argv += ["--label-prefix", PREFIX, *self.flags]
        with self.log.open("ab") as log:
            self._watch = subprocess.Popen(argv, stdout=log, stderr=subprocess.STDOUT, cwd=self.code)
        self.until(lambda: (status := self._status()) and status.revision, "a first generation")

    def become(self, code: Path | None) -> None:
        """Go on with the proxyctl of another checkout, which adopts the gateway."""
        if code != self.code:
            self.end_watch()
            self.code = code
            self.start_watch()

    def start(self, name: str, *, start: float = 0) -> Container:
        """Make and start one labelled server, which takes so many seconds until it listens."""
        container = self.create(name, start=start)
        container.start()
        return container

    def create(
        self,
        name: str,
        *,
        start: float = 0,
        ends: float = 0,
        restarts: bool = False,
        labels: Mapping[str, str] | None = None,
    ) -> Container:
        """Make one labelled server; it ignores its stop signal, so that a leave is proxyctl's work and not its end.

        It takes `start` seconds until it listens, and `ends` so many seconds later by itself, if ever; where it
        `restarts`, Docker starts it again.
        """
        serve = ["nginx", "-c", "/bench/nginx.conf"]
        text = f"sleep {start}; {' '.join(serve)}" + (f" & sleep {ends}; exit 1" if ends else "")
        return self.client.containers.create(
            SERVER_IMAGE,
            ["sh", "-c", text] if start or ends else serve,
            restart_policy={"Name": "always"} if restarts else None,
            name=self.full(name),
            network=self.network,
            volumes={str(self.folder / "server"): {"bind": "/bench", "mode": "ro"}},
            stop_signal=STOP_SIGNAL,
            labels={f"{PREFIX}.enable": "true", f"{PREFIX}.pool": "web", LABEL: self.engine, **(labels or {})},
        )

    def full(self, name: str) -> str:
        """Return a server's container name."""
        return f"{self.network}-{name}"

    def address(self, container: str) -> str:
        """Return a container's address on the network."""
        attached = self.client.api.inspect_container(container)["NetworkSettings"]["Networks"]
        return str(attached[self.network]["IPAddress"])

    @property
    def gateway(self) -> str:
        """The gateway's address: what is asked, for a published port would measure docker-proxy too."""
        return self.address(layout.gateway_name(self.network))

    @property
    def gateway_pid(self) -> int:
        """The proxy's own pid on the host."""
        state = self.client.api.inspect_container(layout.gateway_name(self.network))["State"]
        return int(state["Pid"])

    @property
    def token(self) -> str:
        """The secret that makes the gateway name who served."""
        return (self.state / "check.token").read_text().strip()

    def event(self, name: str, action: str) -> float:
        """Return when Docker says that it happened, as seconds of its own `timeNano`."""
        self.until(lambda: (self.full(name), action) in self.events, f"Docker's {action} event of {name}")
        return self.events[self.full(name), action]

    def until_quiet(self, within: float = _UP) -> None:
        """Wait until the pool has its three servers and nobody else."""
        base = {self.full(n): "up" for n in BASE}
        self.until(lambda: self.servers() == base, "a pool of three servers", within)

    def until(self, condition: Callable[[], Any], what: str, within: float = _UP) -> None:
        """Wait for something that always comes; raise Stuck."""
        deadline = time.monotonic() + within
        while not condition():
            ended = self._watch is not None and self._watch.poll() is not None
            if ended or time.monotonic() > deadline:
                log = self.log.read_text()[-2000:] if self.log.exists() else ""
                raise Stuck(f"{what} did not come{' (watch ended)' if ended else ''}:\n{log}")
            time.sleep(_PAUSE)

    @property
    def watch_pid(self) -> int:
        """The pid of the daemon, which runs or has just ended."""
        return self._watch.pid if self._watch is not None else 0

    def end_watch(self, by: signal.Signals = signal.SIGTERM) -> None:
        """End the daemon; the gateway serves on, as it should."""
        if self._watch is not None and self._watch.poll() is None:
            self._watch.send_signal(by)
            try:
                self._watch.wait(15)
            except subprocess.TimeoutExpired:
                self._watch.kill()
                self._watch.wait()

    def clean(self) -> None:
        """Remove everything that was made."""
        self.end_watch()
        if self._stream is not None:
            self._stream.close()
        remove(self.client)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _status(self) -> Status | None:
        return control.status_if_running(self.state)

    def servers(self) -> dict[str, str]:
        """Return the servers and their states, by name."""
        status = self._status()
        return {s.name: s.state for p in status.pools for s in p.servers} if status else {}

    def _follow_events(self) -> None:
        filters = {"type": "container", "event": ["start", "kill"], "label": f"{LABEL}={self.engine}"}
        self._stream = self.client.events(decode=True, filters=filters)

        def read() -> None:
            with contextlib.suppress(Exception):  # the stream is closed under it at the end
                for event in self._stream:
                    key = (event["Actor"]["Attributes"]["name"], event["Action"])
                    self.events.setdefault(key, event["timeNano"] / 1e9)

        threading.Thread(target=read, daemon=True).start()


def remove(client: docker.DockerClient) -> None:
    """Remove what this or an earlier run made, by label, and the gateways of the networks that it made.

    Docker 20.10 can lose count of a network's endpoints when many containers start or go at once. It refuses to remove
    that network until it is started again itself: such a one is left to a later run.
    """
    networks = client.networks.list(filters={"label": LABEL})
    labels = [LABEL, *(f"{layout.GATEWAY_LABEL}={n.name}" for n in networks)]
    for label in labels:
        for entry in client.api.containers(all=True, filters={"label": label}):
            with contextlib.suppress(docker.errors.NotFound):
                client.api.remove_container(entry["Id"], force=True, v=True)
    for network in networks:
        try:
            network.remove()
        except docker.errors.APIError as exc:
            if exc.status_code not in {http.HTTPStatus.NOT_FOUND, http.HTTPStatus.FORBIDDEN}:
                raise
