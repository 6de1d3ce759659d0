"""The informer: the only owner of the snapshot, which listings and events of Docker keep true.

One event costs one inspect. A full listing at every connection and every `resync` repairs what events missed, and
counts that as drift. Events go on while a listing runs, however long it takes: a container that an event was about
meanwhile is as its own inspect says. `link` keeps Docker followed, `view` reads its JSON; `missing`, `stopping`,
`crashing` and `namespaces` remember what they are named after. Next: `reconcile.reconciler`, which each change wakes.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import dataclasses
import math
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

import docker.errors

from proxyctl.core import layout
from proxyctl.core.model import Container, Problem, Snapshot, Unreadable
from proxyctl.errors import DockerSilent
from proxyctl.providers.docker import answers, commands, events, view
from proxyctl.providers.docker.answers import Entry, Event, Inspect, read
from proxyctl.providers.docker.client import Client
from proxyctl.providers.docker.crashing import Crashing
from proxyctl.providers.docker.link import Link
from proxyctl.providers.docker.missing import Missing
from proxyctl.providers.docker.namespaces import Namespaces
from proxyctl.providers.docker.questions import Questions
from proxyctl.providers.docker.stopping import Stopping
from proxyctl.providers.port import Wake

DESCRIBED_WITHIN = 10.0
"""Seconds that a listing waits for the inspects that it needs; what comes later is added when it comes."""
DRAINED_WITHIN = 1.0
"""Seconds that a stop signal waits for the inspect, which says whether it is the container's own."""


class DockerSource:
    """Follows the gateway's networks' containers and all labelled ones; implements `port.Source`."""

    def __init__(
        self,
        client: Callable[[], Client],
        *,
        networks: tuple[str, ...],
        label_prefix: str,
        resync: float,
        reachable: Callable[[], Awaitable[None]],
        sleep: Callable[[float], Any] = asyncio.sleep,
    ) -> None:
        """Take a function that returns a client, called for the stream and for questions, and `resync` in seconds.

        `networks` are those that the gateway is to serve, its own one first. `reachable` returns once an engine that is
        away is back.
        """
        self._networks = networks
        self._enable = f"{label_prefix}.enable"
        self._ask = Questions(client)
        self._link = Link(client, self._ask, resync=resync, reachable=reachable, sleep=sleep)
        self._containers: dict[str, Container] = {}
        self._unreadable: dict[str, Unreadable] = {}
        self._gateways: tuple[str, ...] = ()
        self._stopping = Stopping()
        self._crashing = Crashing()
        self._namespaces = Namespaces()
        self._missing = Missing(believed_after=resync)
        self._expected: set[str] = set()
        self._one_listing = asyncio.Lock()
        self._taking: collections.Counter[str] = collections.Counter()
        self._touched: set[str] = set()
        self._survivors: asyncio.TimerHandle | None = None
        self._wake: Wake = lambda _: None
        self.snapshot: Snapshot | None = None
        self.synced_at: float | None = None
        self.drift = 0
        self.gateway_changes = 0

    @property
    def connected(self) -> bool:
        """Whether the event stream is open, and Docker answers."""
        return self._link.connected

    @property
    def problem(self) -> str:
        """Why Docker does not answer, or has not for long; empty while it does."""
        return self._link.problem

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is told of Docker itself."""
        return self._link.problems

    def expect(self, containers: Iterable[str]) -> None:
        """Take the ids of containers that the proxy serves already, so that the first listing can miss them."""
        self._expected = set(containers)

    async def list_once(self) -> Snapshot:
        """Return the snapshot of one full listing; raise DockerUnavailable."""
        await self.list_all()
        return self._now()

    async def run(self, wake: Wake) -> None:
        """Follow Docker for ever; failures keep the last snapshot and back off."""
        self._wake = wake
        await self._link.run(self, wake)

    def drifts(self, containers: int) -> None:
        """Count containers that changed without an event."""
        self.drift += containers

    # ------------------------------------------------------------------ listings

    async def list_all(self) -> set[str]:
        """Replace the snapshot by a full listing; return the ids of enabled containers that changed with no event."""
        async with self._one_listing:
            self._touched = set(self._taking)
            entries, gateways = await self._ask.listing(self._networks, self._enable)
            found = {str(json.get("Id", "")): json for json in entries}
            named = (answers.label(json, layout.GATEWAY_LABEL) for json in gateways)
            inspects = {
                i: asyncio.ensure_future(self._ask.inspect(i)) for i, json in found.items() if self._lacks(json)
            }
            try:
                if inspects:
                    await asyncio.wait(inspects.values(), timeout=DESCRIBED_WITHIN)
                late = {i: json for i, json in found.items() if i in inspects and not inspects[i].done()}
                _raise_failures(inspects.values())
                owners = await self._owners(*(i for i, json in found.items() if answers.shares(json)))
                self._gateways = tuple(name for name in named if name)
                changed = self._replace(found, inspects, owners)
                if late:
                    self._wake("listed, and some containers are not described yet")
                    await asyncio.wait([inspects[i] for i in late])
                    _raise_failures(inspects.values())
                    self._containers |= self._merged(late, inspects)
                    self._publish()
            finally:
                for inspect in inspects.values():
                    inspect.cancel()
                await asyncio.gather(*inspects.values(), return_exceptions=True)
            return changed

    def _lacks(self, json: Mapping[str, Any]) -> bool:
        """Return whether a listing's entry is not enough, so that the container is inspected.

        It is not enough after a stop signal, because only an inspect has the start time, which says whether the signal
        still counts. Nor is it without a network or with a range, because the entry then does not have all ports;
        ports never change, so one inspect is enough.
        """
        id_ = str(json.get("Id", ""))
        try:
            entry = read(Entry, json)
            if id_ in self._stopping or id_ in self._unreadable:
                return True
            return id_ not in self._containers and not view.lists_all_ports(entry)
        except answers.Unreadable:
            return False

    def _replace(
        self,
        found: Mapping[str, Any],
        inspects: Mapping[str, asyncio.Future[Any]],
        owners: Mapping[str, Container],
    ) -> set[str]:
        """Take a listing, by id, and its owners; return the ids of enabled containers that changed with no event."""
        before, first = self._containers, self.snapshot is None
        self._unreadable = {i: u for i, u in self._unreadable.items() if i in self._touched}
        touched = {i: c for i, c in before.items() if i in self._touched}
        housing = {i: c for i, c in owners.items() if i not in self._touched}
        self._containers = self._merged(found, inspects) | housing | touched
        self._missing.note(self._expected | before.keys(), self._containers.keys())
        self._expected = set()
        self._stopping.forget_except(self._containers.keys())
        names = {live: {c.name for c in self._containers.values() if c.live is live} for live in (True, False)}
        self._crashing.listed(names[True], names[False], time.monotonic())
        self._namespaces.forget_except(self._containers.keys())
        self.snapshot = self._now()
        self.gateway_changes += 1
        self.synced_at = time.time()
        changed = before.items() ^ self._containers.items()
        return set() if first else {i for i, _ in changed if self._matters(i, before)}

    def _merged(self, found: Mapping[str, Any], inspects: Mapping[str, asyncio.Future[Any]]) -> dict[str, Container]:
        """Return the containers of a listing, except those that an event was about while it ran."""
        listed = {i: self._listed(json, inspects.get(i)) for i, json in found.items() if i not in self._touched}
        return {i: container for i, container in listed.items() if container is not None}

    def _listed(self, json: Mapping[str, Any], inspect: asyncio.Future[Any] | None) -> Container | None:
        """Return the container of one entry of a listing, by its inspect where there is one that has come.

        A container that cannot be read is as it was before.
        """
        id_ = str(json.get("Id", ""))
        before = self._containers.get(id_)
        try:
            container = view.from_listing(read(Entry, json), stopping=id_ in self._stopping)
            self._unreadable.pop(id_, None)
            if inspect is not None and not inspect.done():
                self._note(id_, container.name, "Docker has not described it yet")
            elif inspect is not None:
                with contextlib.suppress(docker.errors.NotFound):
                    return self._read(read(Inspect, inspect.result()))
        except answers.Unreadable as exc:
            if before or answers.label(json, self._enable) is not None:
                self._note(id_, before.name if before else answers.any_name(json), str(exc))
            return before
        except DockerSilent as exc:
            self._note(id_, container.name, str(exc))
        return dataclasses.replace(container, ports=before.ports if before else container.ports)

    async def _owners(self, *ids: str) -> dict[str, Container]:
        """Return these containers and, one by one, the owners of the network namespaces that they share, by id.

        A listing has no start times, and lacks an owner that has no label and is on another network. A container that
        is not described, or not in time, is as it was before.
        """
        waiting, asked, found = list(ids), set[str](), dict[str, Container]()
        until = asyncio.get_running_loop().time() + DESCRIBED_WITHIN
        while waiting:
            id_ = waiting.pop()
            if id_ in asked:
                continue
            asked.add(id_)
            container = self._containers.get(id_)
            try:
                async with asyncio.timeout_at(until):
                    container = self._read(read(Inspect, await self._ask.inspect(id_)))
            except docker.errors.NotFound:
                continue
            except (answers.Unreadable, DockerSilent, TimeoutError):
                if container is None:
                    continue
            found[container.id] = container
            waiting += [container.owner.id] if container.owner else []
        return found

    def _read(self, entry: Inspect) -> Container:
        """Return the container of an inspect."""
        self._namespaces.note(entry)
        return view.from_inspect(entry, stopping=self._stopping.still(entry))

    def _note(self, id_: str, name: str, reason: str) -> None:
        self._unreadable[id_] = Unreadable(name or id_[:12], reason)

    def _matters(self, id_: str, before: Mapping[str, Container]) -> bool:
        """Return whether a change of this container without an event means that an event was lost."""
        container = self._containers.get(id_) or before[id_]
        return self._enable in dict(container.labels)

    # ------------------------------------------------------------------ events

    async def take(self, event: Event) -> bool:
        """Update the snapshot by one event; return whether it changed."""
        attributes, action, id_ = event.actor.attributes, event.action.split(":")[0], events.subject(event)
        known = id_ in self._containers or id_ in self._missing
        if layout.GATEWAY_LABEL in attributes:
            return await self._gateway_event(event, attributes[layout.GATEWAY_LABEL])
        if event.type == "network":
            ours = attributes.get("name") in self._networks
            if action not in {"connect", "disconnect"}:
                self.gateway_changes += ours  # a network that came may be one to join
                return ours
            if not ours and id_ not in self._containers:
                return False
        elif not (known or self._enable in attributes):
            return False
        self._touched.add(id_)
        if action == "destroy":
            self._forget(id_)
            self._crashing.note(event, None, time.monotonic())
            self._publish()
            return known
        return await self._inspect(id_, event)

    async def _gateway_event(self, event: Event, network: str) -> bool:
        """Return whether a gateway's event matters: to our own gateway, to whose a network is, or to an address."""
        action = event.action
        if action not in {"create", "start", "die", "destroy", "rename", "pause"}:
            return False
        if network != self._networks[0] and action in {"create", "destroy"}:
            before = self._gateways
            await self.list_all()
            return self._gateways != before
        self.gateway_changes += network == self._networks[0]
        self._touched.add(event.actor.id)
        return await self._inspect(event.actor.id, event) or network == self._networks[0]

    def _await_survivors(self) -> None:
        """Look again when the next container has survived that its memory ran out."""
        if self._survivors is not None:
            self._survivors.cancel()
            self._survivors = None
        if (due := self._stopping.due) < math.inf:
            wait = max(0.0, due - time.monotonic()) + 0.001
            self._survivors = asyncio.get_running_loop().call_later(wait, self._take_survivors)

    def _take_survivors(self) -> None:
        """Update the containers that ran out of memory and did not end: they run on."""
        survived = self._stopping.survivors()
        for id_ in survived & self._containers.keys():
            self._containers[id_] = dataclasses.replace(self._containers[id_], stopping=False)
        if survived:
            self._publish()
            self._wake("out of memory, but it runs on")
        self._await_survivors()

    def _forget(self, id_: str) -> None:
        self._containers.pop(id_, None)
        self._unreadable.pop(id_, None)
        self._missing.forget(id_)
        self._stopping.forget(id_)
        self._namespaces.forget(id_)
        self._expected.discard(id_)

    async def _inspect(self, id_: str, event: Event) -> bool:
        """Inspect the container of an event and update it; return whether the snapshot changed.

        A container that cannot be read, or is not described at all, stays as it was.
        """
        before = self._containers.get(id_), self._unreadable.get(id_)
        self._taking[id_] += 1
        entry = None
        try:
            entry = read(Inspect, await self._described(id_, event))
            own = entry.config.labels.get(layout.GATEWAY_LABEL) == self._networks[0]
            self.gateway_changes += own and event.type == "network"
            self._stopping.note(event, entry)
            container = self._read(entry)
            owners = await self._owners(container.owner.id) if container.owner else {}
            self._touched |= owners.keys()
            self._containers |= {**owners, id_: container}
            self._unreadable.pop(id_, None)
            self._missing.forget(id_)
            self._await_survivors()
        except docker.errors.NotFound:
            self._forget(id_)
        except (answers.Unreadable, DockerSilent) as exc:
            told = event.actor.attributes.get("name", "") if event.type == "container" else ""
            names = (before[0].name if before[0] else "", told, before[1].name if before[1] else "")
            self._note(id_, next(filter(None, names), ""), str(exc))
        finally:
            self._taking -= collections.Counter([id_])
        late = (
            time.time() - event.time_nano / 1e9 if event.time_nano else 0.0
        )  # one that is told again after a reconnect
        crashed = self._crashing.note(event, entry, time.monotonic() - max(0.0, late))
        self._publish()
        return crashed or (self._containers.get(id_), self._unreadable.get(id_)) != before

    async def _described(self, id_: str, event: Event) -> Any:
        """Return the inspect of a container; one that is late holds up no drain."""
        asked = asyncio.ensure_future(self._ask.inspect(id_))
        try:
            if event.action == "kill":
                await asyncio.wait({asked}, timeout=DRAINED_WITHIN)
            container = self._containers.get(id_)
            if container is not None and not asked.done() and self._stopping.presume(event):
                self._containers[id_] = dataclasses.replace(container, stopping=True)
                self._publish()
                self._wake("a stop signal")
            return await asked
        finally:
            asked.cancel()

    def _publish(self) -> None:
        """Publish what events changed; before the first listing a few containers are not the world."""
        if self.snapshot is not None:
            self.snapshot = self._now()

    def _now(self) -> Snapshot:
        return Snapshot(
            self._networks,
            commands.COMMANDS,
            self._namespaces.housed(self._containers),
            self._gateways,
            self._missing.ids,
            tuple(self._unreadable.values()),
            self._crashing.known,
        )


def _raise_failures(inspects: Iterable[asyncio.Future[Any]]) -> None:
    """Raise what says that Docker cannot be asked: a container that is gone, or not described, is a case of its own."""
    for inspect in inspects:
        failure = inspect.exception() if inspect.done() else None
        if failure is not None and not isinstance(failure, docker.errors.NotFound | DockerSilent):
            raise failure
