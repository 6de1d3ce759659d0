"""The informer: subscribe to Docker's events, list, follow; the only holder of what Docker says.

One event costs one inspect. A full listing at every connection, every `resync` and on demand repairs what was
missed and counts the drift. docker-py's iterator ends in the same way for a dropped socket as for a normal end,
so every end is a reconnect; its events() has no time-out, so a watchdog opens it and pings beside it.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import docker
import docker.errors
import docker.utils
import requests
import structlog

from proxyctl.core import layout
from proxyctl.core.model import Container, Snapshot
from proxyctl.edges.docker import view
from proxyctl.errors import DockerUnavailable
from proxyctl.ports import Wake

log = structlog.get_logger()

ACTIONS = [
    *("create", "start", "kill", "die", "stop", "destroy", "pause", "unpause", "rename", "restart"),
    *("health_status", "oom", "update", "connect", "disconnect"),
]
PING_EVERY = 10.0
OPEN_WITHIN = 10.0
DRIFT_GRACE = 1.0
OOM_GRACE = 1.0  # seconds after which a container has survived: the kernel killed another process than its first
FIRST_DELAY, LAST_DELAY = 0.5, 30.0

_Event = Mapping[str, Any]


@contextlib.contextmanager
def translated(doing: str) -> Iterator[None]:
    """Turn every way in which docker-py says "no answer" into DockerUnavailable with one line."""
    try:
        yield
    except docker.errors.NotFound:
        raise
    except (docker.errors.DockerException, requests.RequestException, OSError, ValueError) as exc:
        raise DockerUnavailable(f"{doing}: {explain(exc)}") from exc


def explain(exc: Exception) -> str:
    """Return one line for a person about why Docker could not be asked."""
    text = str(getattr(exc, "explanation", None) or exc)
    if "Permission denied" in text or "PermissionError" in text:
        return "no permission on Docker's socket: run as root, or join the group (usermod -aG docker $USER)"
    if any(part in text for part in ("FileNotFoundError", "No such file", "ConnectionRefused", "refused")):
        return "Docker does not answer: is the engine running? (systemctl start docker, or set DOCKER_HOST)"
    return text.splitlines()[0][:300] if text else type(exc).__name__


def connect() -> docker.APIClient:
    """Open a client to the engine that DOCKER_HOST names, at the newest API version that both speak."""
    with translated("Docker"):
        kwargs = docker.utils.kwargs_from_env()
        # docker-py keeps connections per URL, which names the container: 25 of them open without `num_pools`
        return docker.APIClient(**kwargs, version="auto", timeout=10, num_pools=4)


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
        self.last_event: _Event | None = None

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
        stream, queue = await self._subscribe()
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
                drifted.discard(_subject(event))
                taken = time.time()
                if await self._take(event):
                    _log_steps(event, taken)
                    wake(_describe(event))
        finally:
            _close(stream)

    async def _subscribe(self) -> tuple[Any, asyncio.Queue[_Event | None]]:
        """Open the stream in a thread of its own, for which nothing waits longer than `OPEN_WITHIN`."""
        await self._ping()
        queue: asyncio.Queue[_Event | None] = asyncio.Queue()
        loop = asyncio.get_running_loop()
        opened: asyncio.Future[Any] = loop.create_future()

        def settle(stream: Any, exc: Exception | None) -> None:
            if opened.done():  # too late, nobody wants it any more
                _close(stream)
            elif exc:
                opened.set_exception(exc)
            else:
                opened.set_result(stream)

        def tell(function: Callable[..., None], *args: Any) -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody listens any more
                loop.call_soon_threadsafe(function, *args)

        def read() -> None:
            try:
                stream = self._open_stream()
            except Exception as exc:  # noqa: BLE001 - it goes on where `opened` is awaited
                tell(settle, None, exc)
                return
            tell(settle, stream, None)
            with contextlib.suppress(Exception):  # every kind of end is the same: reconnect
                for event in stream:
                    tell(queue.put_nowait, event)
            tell(queue.put_nowait, None)

        threading.Thread(target=read, name="docker-events", daemon=True).start()
        try:
            async with asyncio.timeout(OPEN_WITHIN):
                return await opened, queue
        except TimeoutError as exc:
            message = f"events: no answer within {OPEN_WITHIN:.0f} s"
            raise DockerUnavailable(message) from exc

    def _open_stream(self) -> Any:
        with translated("events"):
            client = self._connect()
            stream = client.events(decode=True, filters={"type": ["container", "network"], "event": ACTIONS})
            # events() looks at the status only when it is read, too late to say why there is no stream
            client._raise_for_status(stream._response)  # type: ignore[attr-defined]  # noqa: SLF001
            return stream

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

    async def _take(self, event: _Event) -> bool:
        """Bring one event into the snapshot; return whether anything changed."""
        self.last_event = event
        actor = event.get("Actor") or {}
        attributes = actor.get("Attributes") or {}
        action = str(event.get("Action", "")).split(":")[0]
        id_ = _subject(event)
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

    async def _inspect(self, id_: str, event: _Event) -> bool:
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


def _close(stream: Any) -> None:
    with contextlib.suppress(Exception):
        stream.close()


def _subject(event: _Event) -> str:
    """Return the id of the container that an event is about."""
    actor = event.get("Actor") or {}
    if event.get("Type") == "network":
        return str((actor.get("Attributes") or {}).get("container", ""))
    return str(actor.get("ID", ""))


def _log_steps(event: _Event, taken: float) -> None:
    """Log how long after Docker's own time an event was taken, and how long its inspect took."""
    late, inspect = taken - event.get("timeNano", 0) / 1e9, time.time() - taken
    log.debug("event", what=_describe(event), late_ms=round(late * 1000, 1), inspect_ms=round(inspect * 1000, 1))


def _describe(event: _Event) -> str:
    attributes = (event.get("Actor") or {}).get("Attributes") or {}
    return f"{event.get('Action')} {attributes.get('name', '')}".strip()
