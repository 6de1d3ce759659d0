"""The fake engine of `tests/providers/docker` is like the real one: the same events, the same views, the same JSON."""

from __future__ import annotations

import contextlib
import dataclasses
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import docker
import docker.errors
import pytest

from proxyctl.core.model import Container
from proxyctl.providers.docker import view
from proxyctl.providers.docker.answers import Entry, Inspect, read
from proxyctl.providers.docker.events import ACTIONS
from tests.docker.watching import BACKEND, LABEL, eventually
from tests.providers.docker.fake_engine import FakeEngine, running
from tests.providers.docker.world import Box

pytestmark = pytest.mark.docker

PORTS = (80, 8080)
OK_FILE = "/ok"
SECOND = 10**9


@dataclasses.dataclass
class Both:
    """One container on both engines, and what each told of it since the last step."""

    real: docker.APIClient
    fake: docker.APIClient
    engine: FakeEngine
    network: str
    box: Box
    real_id: str
    heard: list[dict[str, Any]]
    fake_events: list[dict[str, Any]]

    @property
    def real_events(self) -> list[dict[str, Any]]:
        """What the real engine, which has other users, told of this container."""
        return [e for e in self.heard if self.real_id in {e["Actor"]["ID"], e["Actor"]["Attributes"].get("container")}]

    def same(self, what: str) -> None:
        """Hold events, views and JSON of both against each other after a step."""
        eventually(lambda: len(self.real_events) >= len(self.fake_events), f"{what}: {told(self.fake_events)}")
        assert told(self.real_events) == told(self.fake_events), what
        for real, fake in zip(self.real_events, self.fake_events, strict=True):
            assert within(fake, real), (what, fake, real)
        self.heard.clear()
        self.fake_events.clear()
        there = {True: self.real.containers(all=True), False: self.fake.containers(all=True)}
        listed = {r: [e for e in there[r] if e["Id"] in {self.real_id, self.box.id}] for r in there}
        assert len(listed[True]) == len(listed[False]), what
        if not listed[True]:
            return
        inspected = {True: self.real.inspect_container(self.real_id), False: self.fake.inspect_container(self.box.id)}
        (real,), (fake,) = listed[True], listed[False]
        assert within(fake, real), (what, fake, real)
        assert within(inspected[False], inspected[True]), (what, inspected)
        entries = {True: read(Entry, real), False: read(Entry, fake)}
        answers = {r: read(Inspect, json) for r, json in inspected.items()}
        assert seen(view.from_listing(entries[True])) == seen(view.from_listing(entries[False])), what
        assert seen(view.from_inspect(answers[True])) == seen(view.from_inspect(answers[False])), what
        assert view.stop_signal(answers[True]) == view.stop_signal(answers[False])
        for r in there:
            known, asked = view.from_listing(entries[r]), view.from_inspect(answers[r])
            assert asked == dataclasses.replace(known, ports=known.ports or asked.ports), what


def told(events: list[dict[str, Any]]) -> list[tuple[str, str, dict[str, str]]]:
    """Return what the source reads of events, without ids."""
    keep = ("name", "signal", "exitCode", "oldName", "proxyctl.enable")
    return [(e["Type"], e["Action"], {k: v for k, v in e["Actor"]["Attributes"].items() if k in keep}) for e in events]


def seen(container: Container) -> Container:
    """Return what both engines must agree in: not ids, times and numbers of addresses."""
    labels = tuple((k, v) for k, v in container.labels if k.startswith("proxyctl."))
    attachments = tuple(dataclasses.replace(a, address="an address" * bool(a.address)) for a in container.attachments)
    return dataclasses.replace(container, id="", created=0, labels=labels, attachments=attachments)


def listens(address: str) -> bool:
    """Whether a container's server is up; a process 1 ignores a SIGTERM that comes before it asked for it."""
    with socket.socket() as probe:
        return probe.connect_ex((address, PORTS[1])) == 0


def within(fake: Any, real: Any) -> bool:
    """Whether all that the fake says has its place and its type in what the real one says; either may say null."""
    if fake is None or real is None:
        return True
    if isinstance(fake, dict):
        return isinstance(real, dict) and all(k in real and within(fake[k], real[k]) for k in fake)
    if isinstance(fake, list):
        return isinstance(real, list) and len(fake) <= len(real) and all(within(f, real[0]) for f in fake)
    return type(fake) is type(real)


@contextlib.contextmanager
def both(network: str, folder: Path, *, checked: bool = False) -> Iterator[Both]:
    """Create the same container on both engines, with the image's stop signal and perhaps a HEALTHCHECK."""
    labels = {"proxyctl.enable": "true", LABEL: "1"}
    name = f"{network}-twin"
    real = docker.APIClient(version="auto", timeout=20)
    with running(folder / "docker.sock", timeout=5) as engine:
        stream = docker.APIClient(version="auto").events(
            decode=True, filters={"type": ["container", "network"], "event": ACTIONS}
        )
        check = {"test": ["CMD", "test", "-e", OK_FILE], "interval": SECOND // 10, "retries": 1}
        heard: list[dict[str, Any]] = []
        threading.Thread(target=lambda: heard.extend(stream), daemon=True).start()
        made = real.create_container(
            BACKEND,
            name=name,
            labels=labels,
            ports=list(PORTS),
            host_config=real.create_host_config(network_mode=network),
            healthcheck={**check, "start_period": 60 * SECOND} if checked else None,
        )
        fake_events: list[dict[str, Any]] = []
        engine.world.tell.append(fake_events.append)
        box = engine.world.create(name, network, labels, ports=PORTS, checked=checked)
        try:
            yield Both(real, engine.client(), engine, network, box, made["Id"], heard, fake_events)
        finally:
            with contextlib.suppress(docker.errors.NotFound):
                real.remove_container(made["Id"], force=True)
            stream.close()


def test_the_fake_tells_of_a_life_as_a_real_engine_does(network: str, other_network: str, tmp_path: Path) -> None:
    """Start, pause, rename, networks, signals, restart, stop, kill, removal: events, listing and inspect are alike."""
    with both(network, tmp_path) as b:
        world, box, real, id_ = b.engine.world, b.box, b.real, b.real_id

        def up() -> None:
            networks = real.inspect_container(id_)["NetworkSettings"]["Networks"]
            eventually(lambda: listens(networks[network]["IPAddress"]), "the container's server")

        steps: list[tuple[str, Callable[[], object], Callable[[], object]]] = [
            ("create", lambda: None, lambda: None),
            ("start", lambda: real.start(id_), lambda: world.start(box)),
            ("pause", lambda: real.pause(id_), lambda: world.pause(box)),
            ("unpause", lambda: real.unpause(id_), lambda: world.unpause(box)),
            ("rename", lambda: real.rename(id_, f"{network}-new"), lambda: world.rename(box, f"{network}-new")),
            (
                "connect",
                lambda: real.connect_container_to_network(id_, other_network),
                lambda: world.connect(box, other_network),
            ),
            (
                "disconnect",
                lambda: real.disconnect_container_from_network(id_, other_network),
                lambda: world.disconnect(box, other_network),
            ),
            ("up", up, lambda: None),
            ("HUP", lambda: real.kill(id_, "SIGHUP"), lambda: world.signal(box, 1)),
            ("restart", lambda: real.restart(id_, timeout=60), lambda: world.restart(box)),
            ("up", up, lambda: None),
            ("stop", lambda: real.stop(id_, timeout=60), lambda: world.stop(box)),
            ("start", lambda: real.start(id_), lambda: world.start(box)),
            ("kill", lambda: real.kill(id_), lambda: world.kill(box)),
            ("start", lambda: real.start(id_), lambda: world.start(box)),
            ("remove", lambda: real.remove_container(id_, force=True), lambda: world.remove(box)),
        ]
        for what, really, falsely in steps:
            really()
            falsely()
            b.same(what)
            if what == "HUP":
                fake_network, real_network = b.fake.inspect_network(network), real.inspect_network(network)
                real_network["Containers"][box.id] = real_network["Containers"].pop(id_)
                assert within(fake_network, real_network)
        for client in (real, b.fake):
            with pytest.raises(docker.errors.NotFound, match="No such container: nope"):
                client.inspect_container("nope")
            with pytest.raises(docker.errors.NotFound, match="network nope not found"):
                client.inspect_network("nope")
        assert within(b.fake.version(), real.version())


def test_the_fake_tells_of_health_as_a_real_engine_does(network: str, tmp_path: Path) -> None:
    """Starting, healthy, unhealthy; while paused and after the end a listing and an inspect give the same value."""
    with both(network, tmp_path, checked=True) as b:
        world, box, real, id_ = b.engine.world, b.box, b.real, b.real_id

        def in_container(*argv: str) -> None:
            real.exec_start(real.exec_create(id_, list(argv))["Id"])

        steps: list[tuple[str, Callable[[], object], Callable[[], object]]] = [
            ("start", lambda: real.start(id_), lambda: world.start(box)),
            ("healthy", lambda: in_container("touch", OK_FILE), lambda: world.become(box, "healthy")),
            ("unhealthy", lambda: in_container("rm", OK_FILE), lambda: world.become(box, "unhealthy")),
            ("pause", lambda: real.pause(id_), lambda: world.pause(box)),
            ("remove", lambda: real.remove_container(id_, force=True), lambda: world.remove(box)),
        ]
        for what, really, falsely in steps:
            really()
            falsely()
            b.same(what)


def test_a_start_that_failed_leaves_no_address(docker_client: docker.DockerClient, network: str) -> None:
    """Docker's listing remembers the address of a container whose program could not be run; nobody has it."""
    api = docker_client.api
    host = api.create_host_config(network_mode=network)
    id_ = api.create_container(BACKEND, entrypoint=["/nowhere"], labels={LABEL: "1"}, host_config=host)["Id"]
    try:
        with pytest.raises(docker.errors.APIError):
            api.start(id_)
        (entry,) = [e for e in api.containers(all=True, filters={"label": [LABEL]}) if e["Id"] == id_]
        listed = view.from_listing(read(Entry, entry))
        assert listed == view.from_inspect(read(Inspect, api.inspect_container(id_)))
        assert listed.address_on(network) == ""
    finally:
        api.remove_container(id_, force=True)
