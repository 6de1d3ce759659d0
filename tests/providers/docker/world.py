"""The truth behind the fake engine: containers, and the events that a real engine tells of each change.

Order and number of the events are those that `tests/docker/test_fake_engine.py` sees on a real engine. Knows no wire:
next is `fake_engine`, which answers and tells of it. One lock, as changes and answers come from different threads.
"""

from __future__ import annotations

import copy
import dataclasses
import hashlib
import json
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

RECORDED: Mapping[str, Any] = json.loads(Path(__file__).with_name("recorded.json").read_text())
"""What Docker 20.10 answered once, trimmed; every answer here is one of these with other values."""

NEVER = "0001-01-01T00:00:00Z"

Json = dict[str, Any]


@dataclasses.dataclass(eq=False)
class Box:
    """One container. `networks` are those that it is attached to, with its address while it runs.

    One that `shares` the network namespace of another, by name or id, has none. `options` are those of its endpoints.
    """

    id: str
    name: str
    labels: dict[str, str]
    ports: tuple[int, ...]
    networks: dict[str, str]
    created_ns: int
    checked: bool = False
    stop_signal: int = 15
    state: str = "created"
    health: str = ""
    started: str = NEVER
    stopping: bool = False
    shares: str = ""
    options: dict[str, Json] = dataclasses.field(default_factory=dict)

    @property
    def up(self) -> bool:
        """Whether it has processes."""
        return self.state in {"running", "paused"}

    @property
    def well(self) -> bool:
        """Whether it should get requests, were it asked for."""
        return self.state == "running" and not self.stopping and self.health in {"", "healthy"}


class World:
    """Containers on networks; every change is made whole and then told to `tell`, event by event."""

    def __init__(self) -> None:
        self.boxes: dict[str, Box] = {}
        self.images: dict[str, str] = {}
        """The ids of images by name."""
        self.age = 0
        self.left: dict[tuple[str, str], int] = {}
        """The age at which a server of that name and address last ceased to serve."""
        self.oomed: set[str] = set()
        """The ids of those that ran out of memory, and survived it."""
        self.lock = threading.RLock()
        self.tell: list[Callable[[Json], None]] = []
        self._made = 0
        self._networks: list[str] = []
        self._last_ns = 0

    # ------------------------------------------------------------------ changes

    def create(
        self,
        name: str,
        network: str,
        labels: Mapping[str, str],
        *,
        ports: tuple[int, ...] = (80,),
        checked: bool = False,
        stop_signal: int = 15,
        shares: str = "",
    ) -> Box:
        """Make a container that does not run yet; `checked` ones have a HEALTHCHECK."""
        with self.lock:
            self._made += 1
            id_ = hashlib.sha256(str(self._made).encode()).hexdigest()
            networks = {} if shares else {network: ""}
            box = Box(id_, name, dict(labels), ports, networks, self._now(), checked, stop_signal, shares=shares)
            self.boxes[id_] = box
            self._container(box, "create")
            return box

    def start(self, box: Box) -> None:
        """Start one that does not run."""
        with self.lock:
            for network in box.networks:
                box.networks[network] = self._free_address(network)
            box.state, box.health = "running", "starting" if box.checked else ""
            box.started = _rfc3339(self._now())
            for network in box.networks:
                self._network(box, network, "connect")
            self._container(box, "start")

    def run(self, name: str, network: str, labels: Mapping[str, str], **kwargs: Any) -> Box:
        """Create and start."""
        box = self.create(name, network, labels, **kwargs)
        self.start(box)
        return box

    def signal(self, box: Box, signal: int) -> None:
        """Send a signal which the container outlives, for now: `docker stop` begins with this."""
        with self.lock:
            if signal in {9, box.stop_signal}:
                self._leaves(box)
                box.stopping = True
            self._container(box, "kill", signal=str(signal))

    def die(self, box: Box, code: int = 0) -> None:
        """End: by itself, or as the end of a stop."""
        with self.lock:
            self._leaves(box)
            box.state, box.stopping = "exited", False
            networks = list(box.networks)
            box.networks = dict.fromkeys(networks, "")
            self._container(box, "die", exitCode=str(code))
            for network in networks:
                self._network(box, network, "disconnect")

    def stop(self, box: Box) -> None:
        """`docker stop` of one that obeys."""
        self.signal(box, box.stop_signal)
        self.die(box)
        self._container(box, "stop")

    def kill(self, box: Box) -> None:
        """`docker kill`."""
        self.signal(box, 9)
        self.die(box, 137)

    def restart(self, box: Box) -> None:
        """`docker restart`."""
        self.stop(box)
        self.start(box)
        self._container(box, "restart")

    def pause(self, box: Box) -> None:
        """`docker pause`."""
        with self.lock:
            self._leaves(box)
            box.state = "paused"
            self._container(box, "pause")

    def unpause(self, box: Box) -> None:
        """`docker unpause`."""
        with self.lock:
            box.state = "running"
            self._container(box, "unpause")

    def rename(self, box: Box, name: str) -> None:
        """`docker rename`."""
        with self.lock:
            self._leaves(box)
            old, box.name = box.name, name
            self._container(box, "rename", oldName=f"/{old}")

    def become(self, box: Box, health: str) -> None:
        """Let the HEALTHCHECK say something new."""
        with self.lock:
            if health != "healthy":
                self._leaves(box)
            box.health = health
            self._container(box, f"health_status: {health}")

    def oom(self, box: Box) -> None:
        """The kernel ends one of its processes, not the first."""
        with self.lock:
            self._leaves(box)
            self.oomed.add(box.id)
            self._container(box, "oom")

    def connect(self, box: Box, network: str, options: Json | None = None) -> None:
        """`docker network connect`; of one that does not run there is no event before it starts."""
        with self.lock:
            box.options[network] = options or {}
            box.networks[network] = self._free_address(network) if box.up else ""
            if box.up:
                self._network(box, network, "connect")

    def disconnect(self, box: Box, network: str) -> None:
        """`docker network disconnect`, which is told twice of one that runs."""
        with self.lock:
            self._leaves(box)
            del box.networks[network]
            for _ in range(1 + box.up):
                self._network(box, network, "disconnect")

    def change_network(self, network: str, action: str) -> None:
        """`docker network create` or, with the action `destroy`, `docker network rm`."""
        event = copy.deepcopy(dict(RECORDED["network_event"]))
        self._event(event | {"Action": action, "Actor": {"ID": _network_id(network), "Attributes": {"name": network}}})

    def remove(self, box: Box) -> None:
        """`docker rm --force`."""
        with self.lock:
            if box.up:
                self.kill(box)
            del self.boxes[box.id]
            self._container(box, "destroy")

    # ------------------------------------------------------------------ answers

    def inspect(self, box: Box) -> Json:
        """Return the answer of `GET /containers/ID/json`."""
        entry: Json = copy.deepcopy(dict(RECORDED["inspect"]))
        entry |= {"Id": box.id, "Name": f"/{box.name}", "Created": _rfc3339(box.created_ns)}
        running = box.up or box.state == "restarting"
        entry["State"] |= {
            "Status": box.state,
            "Running": running,
            "Paused": box.state == "paused",
            "Restarting": box.state == "restarting",
            "StartedAt": box.started,
        }
        del entry["State"]["Health"], entry["Config"]["Healthcheck"]
        if box.checked and box.started != NEVER:
            entry["State"]["Health"] = {"Status": box.health, "FailingStreak": 0, "Log": []}
        entry["HostConfig"]["NetworkMode"] = self._mode(box)
        exposed = [f"{port}/tcp" for port in box.ports]
        entry["Config"] |= {"ExposedPorts": {p: {} for p in exposed}, "Labels": dict(box.labels)}
        entry["Config"]["StopSignal"] = str(box.stop_signal)
        entry["NetworkSettings"] = {
            "Ports": dict.fromkeys(exposed) if box.up else {},
            "Networks": self._endpoints(entry["NetworkSettings"], box),
        }
        return entry

    def listing(self, box: Box) -> Json:
        """Return the container's entry of `GET /containers/json`."""
        entry: Json = copy.deepcopy(dict(RECORDED["listing"]))
        entry |= {"Id": box.id, "Names": [f"/{box.name}"], "Labels": dict(box.labels), "State": box.state}
        entry["Created"] = box.created_ns // 10**9
        entry["Ports"] = [{"PrivatePort": port, "Type": "tcp"} for port in box.ports if box.up and any(box.networks)]
        entry["HostConfig"]["NetworkMode"] = self._mode(box)
        health = {"": "", "starting": " (health: starting)"}.get(box.health, f" ({box.health})")
        entry["Status"] = {
            "running": f"Up 2 seconds{health}",
            "paused": "Up 2 seconds (Paused)",
            "exited": "Exited (0) 2 seconds ago",
            "created": "Created",
        }[box.state]
        entry["NetworkSettings"] = {"Networks": self._endpoints(entry["NetworkSettings"], box)}
        return entry

    def network(self, name: str) -> Json:
        """Return the answer of `GET /networks/NAME`."""
        entry: Json = copy.deepcopy(dict(RECORDED["network"]))
        ((_, endpoint),) = entry["Containers"].items()
        entry |= {"Name": name, "Id": _network_id(name)}
        entry["Containers"] = {
            box.id: {**endpoint, "Name": box.name, "IPv4Address": f"{box.networks[name]}/16"}
            for box in self.boxes.values()
            if box.networks.get(name)
        }
        return entry

    # ------------------------------------------------------------------ inside

    @staticmethod
    def _mode(box: Box) -> str:
        return f"container:{box.shares}" if box.shares else next(iter(box.networks), "none")

    def _leaves(self, box: Box) -> None:
        for address in filter(None, box.networks.values()):
            self.left[box.name, address] = self.age + 1

    def _endpoints(self, recorded: Json, box: Box) -> Json:
        (endpoint,) = recorded["Networks"].values()
        return {
            n: {**endpoint, "NetworkID": _network_id(n), "IPAddress": a, "DriverOpts": box.options.get(n) or None}
            for n, a in box.networks.items()
        }

    def _free_address(self, network: str) -> str:
        """Return the lowest address that nobody has, as Docker does: it is soon used again."""
        if network not in self._networks:
            self._networks.append(network)
        taken = {box.networks.get(network) for box in self.boxes.values()}
        subnet = f"172.{20 + self._networks.index(network)}"
        return next(a for n in range(2, 60_000) if (a := f"{subnet}.{n // 256}.{n % 256}") not in taken)

    def _container(self, box: Box, action: str, **attributes: str) -> None:
        event = copy.deepcopy(dict(RECORDED["container_event"]))
        event |= {"status": action, "id": box.id, "Action": action}
        told = {"image": RECORDED["inspect"]["Config"]["Image"], "name": box.name, **box.labels, **attributes}
        event["Actor"] = {"ID": box.id, "Attributes": told}
        self._event(event)

    def _network(self, box: Box, network: str, action: str) -> None:
        event = copy.deepcopy(dict(RECORDED["network_event"]))
        told = {"container": box.id, "name": network, "type": "bridge"}
        event |= {"Action": action, "Actor": {"ID": _network_id(network), "Attributes": told}}
        self._event(event)

    def _event(self, event: Json) -> None:
        with self.lock:
            self.age += 1
            now = self._now()
            for tell in self.tell:
                tell(event | {"time": now // 10**9, "timeNano": now})

    def _now(self) -> int:
        """Return the time in nanoseconds; never the same twice."""
        self._last_ns = max(time.time_ns(), self._last_ns + 1)
        return self._last_ns


def _network_id(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def _rfc3339(ns: int) -> str:
    whole = datetime.fromtimestamp(ns // 10**9, UTC)
    return f"{whole:%Y-%m-%dT%H:%M:%S}.{ns % 10**9:09d}".rstrip("0").rstrip(".") + "Z"
