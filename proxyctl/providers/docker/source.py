"""The informer: subscribe to Docker's events, list, follow; the only holder of what Docker says.

One event costs one inspect. A full listing at every connection, every `resync` and on demand repairs what was
missed and counts the drift. Every end of the stream is a reconnect, and a ping beside it finds the one that is silent.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import random
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import docker
import docker.errors
import structlog

from proxyctl.core import layout
from proxyctl.core.model import Container, Snapshot
from proxyctl.errors import DockerUnavailable
from proxyctl.providers.docker import events, view
from proxyctl.providers.docker.client import translated
from proxyctl.providers.port import Wake

log = structlog.get_logger()

PING_EVERY = 10.0
DRIFT_GRACE = 1.0
OOM_GRACE = 1.0  # seconds after which a container has survived: the kernel killed another process than its first
FIRST_DELAY, LAST_DELAY = 0.5, 30.0


class DockerStore:
    """Follows one network's labelled containers; implements `ports.Source`."""

    def __init__(
        self,
        client: Callable[[], docker.APIClient],
        *,
        network: str,
        label_prefix: str,
        resync: float,
        sleep: Callable[[float], Any] = asyncio.sleep,
    ) -> None:
        """Take a maker of clients (one is needed for the stream, one for questions) and seconds of `resync`."""
        self._connect = client
        self._network = network
        self._prefix = label_prefix
        self._resync = resync
        self._sleep = sleep
        self._client: docker.APIClient | None = None
        self._containers: dict[str, Container] = {}
        self._gateways: tuple[str, ...] = ()
        self._killed: dict[str, int] = {}  # by id: Unix nanoseconds of the last stop signal, while it may matter
        self._oom: dict[str, float] = {}
        self._missing: dict[str, float] = {}
        self._expected: set[str] = set()
        self.snapshot: Snapshot | None = None
        self.synced_at: float | None = None
        self.connected = False
        self.problem = ""
        self.drift = 0
        self.gateway_changes = 0

    def expect(self, containers: Iterable[str]) -> None:
        """Say which containers, by id, the first listing should have: what the proxy serves already."""
        self._expected = set(containers)

    async def list_once(self) -> Snapshot:
        """Ask for one full listing and return it; raise DockerUnavailable."""
        await self._list()
        return self._publish()

    async def run(self, wake: Wake) -> None:
        """Follow Docker for ever; transient failures keep the last snapshot and back off."""
        delay = FIRST_DELAY
        while True:
            try:
                async for _ in self._follow(wake):
                    delay = FIRST_DELAY
            except (DockerUnavailable, docker.errors.NotFound) as exc:
                self._client = None  # the engine may come back with other API versions
                if self.problem != str(exc):
                    log.warning("docker is not answering, the pools stay as they are", reason=str(exc))
                self.problem = str(exc)
            self.connected = False
            wake("the connection to docker ended")
            await self._sleep(delay * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, not a secret
            delay = min(delay * 2, LAST_DELAY)

    async def _follow(self, wake: Wake) -> Any:
        """Run one connection: subscribe first, then list, then follow; yield after each success."""
        await self._ping()
        stream, queue = await events.subscribe(self._connect)
        try:
            await self._list()
            if self.problem:
                log.info("docker answers again", drift=self.drift)
            self.connected, self.problem = True, ""
            wake("listed")
            yield
            next_list = time.monotonic() + self._resync
            next_ping = time.monotonic() + PING_EVERY
            drifted: set[str] = set()
            while True:
                now = time.monotonic()
                due = min(next_list, next_ping, *self._oom.values())
                try:
                    async with asyncio.timeout(max(0.0, due - now)):
                        event = await queue.get()
                except TimeoutError:
                    if self._survivors():
                        wake("out of memory, but it runs on")
                        continue
                    if drifted:
                        log.warning("docker changed without an event, the stream is opened anew", n=len(drifted))
                        self.drift += len(drifted)
                        return
                    if time.monotonic() >= next_list:
                        drifted = await self._list()
                        wake("resync")
                        next_list = time.monotonic() + (DRIFT_GRACE if drifted else self._resync)
                        yield
                    await self._ping()
                    next_ping = time.monotonic() + PING_EVERY
                    continue
                if event is None:
                    return
                drifted.discard(events.subject(event))
                taken = time.time()
                if await self._take(event):
                    events.log_steps(event, taken)
                    wake(events.describe(event))
        finally:
            events.close(stream)

    async def _ping(self) -> None:
        await self._call("ping", lambda c: c.ping())

    async def _call(self, doing: str, question: Callable[[docker.APIClient], Any]) -> Any:
        def ask() -> Any:
            with translated(doing):
                if self._client is None:
                    self._client = self._connect()
                return question(self._client)

        return await asyncio.to_thread(ask)

    async def _list(self) -> set[str]:
        """Replace what is known by a full listing; return the ids whose change no event had told."""

        def listing(client: docker.APIClient) -> tuple[list[Any], list[Any]]:
            labelled = client.containers(all=True, filters={"label": [f"{self._prefix}.enable"]})
            attached = client.containers(all=False, filters={"network": [self._network]})
            gateways = client.containers(all=True, filters={"label": [layout.GATEWAY_LABEL]})
            return [*attached, *labelled], gateways

        entries, gateways = await self._call("listing containers", listing)
        before = self._containers
        own = {g["Id"] for g in gateways}
        listed = {e["Id"]: e for e in entries if e["Id"] not in own}
        self._containers = {id_: await self._listed(entry, before.get(id_)) for id_, entry in listed.items()}
        self._note_missing(self._expected | before.keys())
        self._expected = set()
        self._killed = {id_: at for id_, at in self._killed.items() if id_ in self._containers}
        self._gateways = tuple(g["Labels"][layout.GATEWAY_LABEL] for g in gateways)
        first = self.snapshot is None
        self._publish()
        self.gateway_changes += 1
        self.synced_at = time.time()
        changed = before.items() ^ self._containers.items()
        return set() if first else {i for i, _ in changed if self._matters(i, before)}

    def _note_missing(self, known: set[str]) -> None:
        """Remember since when a listing lacks containers that no event has ended; after one resync it is believed."""
        now = time.monotonic()
        since = {id_: self._missing.get(id_, now) for id_ in (known | self._missing.keys()) - self._containers.keys()}
        self._missing = {id_: first for id_, first in since.items() if now - first < self._resync}

    async def _listed(self, entry: Mapping[str, Any], known: Container | None) -> Container:
        """Read one entry of a listing, and ask for what it leaves out.

        That is since when one runs that was told to stop, and the ports of one without a network; they never change.
        """
        container = view.from_listing(entry)
        if container.id in self._killed or not (container.ports or known):
            with contextlib.suppress(docker.errors.NotFound):
                return self._read(await self._call("inspecting", lambda c: c.inspect_container(container.id)))
        return dataclasses.replace(container, ports=container.ports or (known.ports if known else ()))

    def _read(self, entry: Mapping[str, Any]) -> Container:
        """Read an inspect; a stop signal counts until the container has ended or was started again after it."""
        id_, state = entry["Id"], entry["State"]
        # a start in the future was written before the clock was set back: it says nothing
        if id_ in self._killed and (not state["Running"] or self._killed[id_] < view.started(entry) <= time.time_ns()):
            self._unkill(id_)
        return view.from_inspect(entry, stopping=id_ in self._killed)

    def _matters(self, id_: str, before: Mapping[str, Container]) -> bool:
        """Whether an unannounced change of this container means that events were lost."""
        container = self._containers.get(id_) or before[id_]
        return f"{self._prefix}.enable" in dict(container.labels)

    async def _take(self, event: events.Event) -> bool:
        """Bring one event into the snapshot; return whether anything changed."""
        actor = event.get("Actor") or {}
        attributes = actor.get("Attributes") or {}
        action = str(event.get("Action", "")).split(":")[0]
        id_ = events.subject(event)
        if layout.GATEWAY_LABEL in attributes:
            return await self._gateway_event(action, attributes[layout.GATEWAY_LABEL])
        if event.get("Type") == "network":
            if action not in {"connect", "disconnect"}:
                return False
            if attributes.get("name") != self._network and id_ not in self._containers:
                return False
        elif not {id_} & (self._containers.keys() | self._missing.keys()) and (
            f"{self._prefix}.enable" not in attributes
        ):
            return False
        if action == "destroy":
            self._unkill(id_)
            gone = self._containers.pop(id_, None), self._missing.pop(id_, None)
            self._publish()
            return gone != (None, None)
        return await self._inspect(id_, event)

    async def _gateway_event(self, action: str, network: str) -> bool:
        """Take an event of a gateway: ours is looked after, the others only tell which networks are served."""
        if network != self._network:
            before = self._gateways
            if action in {"create", "destroy"}:
                await self._list()
            return self._gateways != before
        if action not in {"create", "start", "die", "destroy", "rename", "pause"}:
            return False
        self.gateway_changes += 1
        return True

    def _survivors(self) -> bool:
        """Take those that ran out of memory and did not end as running again; return whether there are any."""
        now = time.monotonic()
        survived = {id_ for id_, until in self._oom.items() if until <= now}
        for id_ in survived:
            self._unkill(id_)
            if id_ in self._containers:
                self._containers[id_] = dataclasses.replace(self._containers[id_], stopping=False)
        if survived:
            self._publish()
        return bool(survived)

    def _unkill(self, id_: str) -> None:
        self._killed.pop(id_, None)
        self._oom.pop(id_, None)

    async def _inspect(self, id_: str, event: events.Event) -> bool:
        before = self._containers.get(id_)
        try:
            entry = await self._call("inspecting", lambda c: c.inspect_container(id_))
        except docker.errors.NotFound:
            self._containers.pop(id_, None)
            self._missing.pop(id_, None)
            self._unkill(id_)
        else:
            if layout.GATEWAY_LABEL in (entry["Config"].get("Labels") or {}):
                return False
            action, signal = event["Action"], event["Actor"]["Attributes"].get("signal")
            at = int(event.get("timeNano") or time.time_ns())
            if action == "oom":  # its end is near, or it goes on without one of its processes
                self._killed[id_] = at
                self._oom[id_] = time.monotonic() + OOM_GRACE
            elif action == "kill" and signal in {"9", str(view.stop_signal(entry))}:
                self._killed[id_] = at
                self._oom.pop(id_, None)
            self._missing.pop(id_, None)
            self._containers[id_] = self._read(entry)
        self._publish()
        return self._containers.get(id_) != before

    def _publish(self) -> Snapshot:
        missing = frozenset(self._missing)
        self.snapshot = Snapshot(self._network, tuple(self._containers.values()), self._gateways, missing)
        return self.snapshot
