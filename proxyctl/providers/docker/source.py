"""The informer: subscribes to Docker's events, lists, then follows; the only owner of the snapshot.

One event costs one inspect. A full listing at every connection and every `resync` repairs what events missed, and
counts that as drift. After every end of the stream it reconnects; a ping beside the stream notices a silent one.
`view` reads Docker's JSON; `missing` and `stopping` remember containers of these kinds. Next: `reconcile.reconciler`,
which each change wakes.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import random
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import docker.errors
import structlog

from proxyctl.core import layout
from proxyctl.core.model import Container, Snapshot, Unreadable
from proxyctl.errors import DockerUnavailable, mistake
from proxyctl.providers.docker import answers, commands, events, view
from proxyctl.providers.docker.answers import Entry, Event, Inspect, read
from proxyctl.providers.docker.client import Client, explain
from proxyctl.providers.docker.missing import Missing
from proxyctl.providers.docker.questions import Questions
from proxyctl.providers.docker.stopping import Stopping
from proxyctl.providers.port import Wake

log = structlog.get_logger()

PING_EVERY = 10.0
DRIFT_GRACE = 1.0
"""Seconds until the event of a change that a listing showed must come; else the stream counts as broken."""
UNREADABLE_EVENT = 1.0
"""Seconds until Docker is listed because of an event that cannot be read: many of them are one listing a second."""
FIRST_DELAY, LAST_DELAY = 0.5, 30.0


class DockerSource:
    """Follows one network's containers and all labelled ones; implements `port.Source`."""

    def __init__(
        self,
        client: Callable[[], Client],
        *,
        network: str,
        label_prefix: str,
        resync: float,
        sleep: Callable[[float], Any] = asyncio.sleep,
    ) -> None:
        """Take a function that returns a client, called for the stream and for questions, and `resync` in seconds."""
        self._connect, self._network = client, network
        self._enable = f"{label_prefix}.enable"
        self._resync, self._sleep = resync, sleep
        self._ask = Questions(client)
        self._containers: dict[str, Container] = {}
        self._unreadable: dict[str, Unreadable] = {}
        self._gateways: tuple[str, ...] = ()
        self._stopping = Stopping()
        self._missing = Missing(believed_after=resync)
        self._expected: set[str] = set()
        self.snapshot: Snapshot | None = None
        self.synced_at: float | None = None
        self.connected = False
        self.problem = ""
        self.drift = 0
        self.gateway_changes = 0

    def expect(self, containers: Iterable[str]) -> None:
        """Take the ids of containers that the proxy serves already, so that the first listing can miss them."""
        self._expected = set(containers)

    async def list_once(self) -> Snapshot:
        """Return the snapshot of one full listing; raise DockerUnavailable."""
        try:
            await self._list()
        except docker.errors.NotFound as exc:
            raise DockerUnavailable(f"listing containers: {explain(exc)}") from exc
        return self._publish()

    async def run(self, wake: Wake) -> None:
        """Follow Docker for ever; transient failures keep the last snapshot and back off."""
        delay = FIRST_DELAY
        while True:
            try:
                async for _ in self._follow(wake):
                    delay = FIRST_DELAY
            except (DockerUnavailable, docker.errors.NotFound) as exc:
                self._lost(str(exc))
            except Exception as exc:  # a mistake of ours: Docker may be asked again all the same
                log.exception("following docker failed by a mistake of proxyctl")
                self._lost(f"proxyctl itself made a mistake: {mistake(exc)}")
            self.connected = False
            wake("the connection to docker ended")
            await self._sleep(delay * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, not a secret
            delay = min(delay * 2, LAST_DELAY)

    def _lost(self, reason: str) -> None:
        self._ask.reconnect()
        if self.problem != reason:
            log.warning("docker is not answering, the pools stay as they are", reason=reason)
        self.problem = reason

    async def _follow(self, wake: Wake) -> Any:
        """Subscribe, then list, then follow until the stream ends; yield after each success."""
        await self._ask.ping()
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
                due = min(next_list, next_ping, self._stopping.due)
                try:
                    async with asyncio.timeout(max(0.0, due - now)):
                        event = await queue.get()
                except TimeoutError:
                    if self._take_survivors():
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
                    await self._ask.ping()
                    next_ping = time.monotonic() + PING_EVERY
                    continue
                if event is None:
                    return
                taken = time.time()
                try:
                    told = read(Event, event)
                except answers.Unreadable as exc:
                    log.debug("an event that cannot be read: docker is listed instead", reason=str(exc))
                    next_list = min(next_list, time.monotonic() + UNREADABLE_EVENT)
                    continue
                drifted.discard(events.subject(told))
                if await self._take(told):
                    events.log_steps(told, taken)
                    wake(events.describe(told))
        finally:
            events.close(stream)

    async def _list(self) -> set[str]:
        """Replace the snapshot by a full listing; return the ids of enabled containers that changed with no event."""
        entries, gateways = await self._ask.listing(self._network, self._enable)
        before = self._containers
        found = {str(json.get("Id", "")): json for json in entries}
        for json in gateways:
            found.pop(str(json.get("Id", "")), None)
        self._unreadable = {}
        listed = [(id_, await self._listed(json, before.get(id_))) for id_, json in found.items()]
        self._containers = {id_: container for id_, container in listed if container}
        self._missing.note(self._expected | before.keys(), self._containers.keys())
        self._expected = set()
        self._stopping.forget_except(self._containers.keys())
        named = (answers.label(json, layout.GATEWAY_LABEL) for json in gateways)
        self._gateways = tuple(name for name in named if name)
        first = self.snapshot is None
        self._publish()
        self.gateway_changes += 1
        self.synced_at = time.time()
        changed = before.items() ^ self._containers.items()
        return set() if first else {i for i, _ in changed if self._matters(i, before)}

    async def _listed(self, json: Mapping[str, Any], before: Container | None) -> Container | None:
        """Return the container of one entry of a listing; inspect it where the listing is not enough.

        It is not enough after a stop signal, because only an inspect has the start time, which says whether the signal
        still counts. Nor is it without a network or with a range, because the entry then does not have all ports;
        ports never change, so one inspect is enough. A container that cannot be read is as it was `before`.
        """
        id_ = str(json.get("Id", ""))
        try:
            entry = read(Entry, json)
            container = view.from_listing(entry)
            if id_ in self._stopping or not (before or view.lists_all_ports(entry)):
                with contextlib.suppress(docker.errors.NotFound):
                    return self._read(read(Inspect, await self._ask.inspect(id_)))
        except answers.Unreadable as exc:
            if before or answers.label(json, self._enable) is not None:
                self._note(id_, before.name if before else answers.any_name(json), exc)
            return before
        return dataclasses.replace(container, ports=before.ports if before else container.ports)

    def _read(self, entry: Inspect) -> Container:
        """Return the container of an inspect."""
        return view.from_inspect(entry, stopping=self._stopping.still(entry))

    def _note(self, id_: str, name: str, exc: answers.Unreadable) -> None:
        self._unreadable[id_] = Unreadable(name or id_[:12], str(exc))

    def _matters(self, id_: str, before: Mapping[str, Container]) -> bool:
        """Return whether a change of this container without an event means that an event was lost."""
        container = self._containers.get(id_) or before[id_]
        return self._enable in dict(container.labels)

    async def _take(self, event: Event) -> bool:
        """Update the snapshot by one event; return whether it changed."""
        attributes, action, id_ = event.actor.attributes, event.action.split(":")[0], events.subject(event)
        known = id_ in self._containers or id_ in self._missing
        if layout.GATEWAY_LABEL in attributes:
            return await self._gateway_event(action, attributes[layout.GATEWAY_LABEL])
        if event.type == "network":
            if action not in {"connect", "disconnect"}:
                return False
            if attributes.get("name") != self._network and id_ not in self._containers:
                return False
        elif not (known or self._enable in attributes):
            return False
        if action == "destroy":
            self._forget(id_)
            self._publish()
            return known
        return await self._inspect(id_, event)

    async def _gateway_event(self, action: str, network: str) -> bool:
        """Return whether a gateway's event matters: it is our own gateway, or a network got or lost its gateway."""
        if network != self._network:
            before = self._gateways
            if action in {"create", "destroy"}:
                await self._list()
            return self._gateways != before
        if action not in {"create", "start", "die", "destroy", "rename", "pause"}:
            return False
        self.gateway_changes += 1
        return True

    def _take_survivors(self) -> bool:
        """Update the containers that ran out of memory and did not end: they run on. Return whether there were any."""
        survived = self._stopping.survivors()
        for id_ in survived & self._containers.keys():
            self._containers[id_] = dataclasses.replace(self._containers[id_], stopping=False)
        if survived:
            self._publish()
        return bool(survived)

    def _forget(self, id_: str) -> None:
        self._containers.pop(id_, None)
        self._unreadable.pop(id_, None)
        self._missing.forget(id_)
        self._stopping.forget(id_)

    async def _inspect(self, id_: str, event: Event) -> bool:
        """Inspect the container of an event and update it; return whether the snapshot changed.

        A container that cannot be read stays as it was.
        """
        before = self._containers.get(id_), self._unreadable.get(id_)
        try:
            entry = read(Inspect, await self._ask.inspect(id_))
            if layout.GATEWAY_LABEL in entry.config.labels:
                ours = entry.config.labels[layout.GATEWAY_LABEL] == self._network
                self.gateway_changes += ours
                return ours
            self._stopping.note(event, entry)
            self._containers[id_] = self._read(entry)
            self._unreadable.pop(id_, None)
            self._missing.forget(id_)
        except docker.errors.NotFound:
            self._forget(id_)
        except answers.Unreadable as exc:
            told = event.actor.attributes.get("name", "") if event.type == "container" else ""
            names = (before[0].name if before[0] else "", told, before[1].name if before[1] else "")
            self._note(id_, next(filter(None, names), ""), exc)
        self._publish()
        return (self._containers.get(id_), self._unreadable.get(id_)) != before

    def _publish(self) -> Snapshot:
        containers = tuple(self._containers.values())
        unreadable = tuple(self._unreadable.values())
        self.snapshot = Snapshot(
            self._network, commands.COMMANDS, containers, self._gateways, self._missing.ids, unreadable
        )
        return self.snapshot
