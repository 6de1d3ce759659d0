"""A Docker engine on the wire: a unix socket that speaks the API as far as the source uses it, and can go wrong.

`world` holds the truth; this answers about it, tells its events, and fails when a test asks for that: whole
requests (`trouble`), the event stream (`lose`, `repeat`, `shuffle`, `delay`, `silence`, `end_streams`), the socket
(`vanish`, `refuse`). It is for faults and scale only; that it is like a real one, `tests/docker/test_fake_engine.py`
proves. Own thread and loop, because docker-py blocks.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import gc
import json
import re
import socket
import threading
import urllib.parse
import warnings
from collections.abc import Callable, Coroutine, Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

import docker

from proxyctl.providers.docker.client import PatientClient
from proxyctl.providers.docker.endpoint import Endpoint
from tests.providers.docker.world import RECORDED, Box, Json, World

Kind = Literal[
    "ping",
    "version",
    "list",
    "inspect",
    "network",
    "image",
    "events",
    "create",
    "start",
    "remove",
    "connect",
    "disconnect",
]
How = Literal["error", "missing", "busy", "forbidden", "nobody", "slow", "mute", "cut", "garbage", "held", "plain"]
HOWS: tuple[How, ...] = ("error", "slow", "cut", "garbage")
KINDS: tuple[Kind, ...] = (
    "ping",
    "version",
    "list",
    "inspect",
    "network",
    "image",
    "events",
    "create",
    "start",
    "remove",
    "connect",
    "disconnect",
)
CODES: dict[How, int] = {"error": 500, "missing": 404, "busy": 409}
PAGES: dict[How, str] = {"forbidden": "403 Forbidden", "nobody": "503 Service Unavailable"}
"""What a proxy in front of the socket answers, with a page for people."""

UNCLOSED = "ignore:unclosed <socket:ResourceWarning"
"""For pytest's filterwarnings: docker-py leaves a socket that could not connect to the garbage collector."""

_PATHS: list[tuple[str, Kind]] = [
    ("/_ping", "ping"),
    ("/version", "version"),
    ("/containers/json", "list"),
    ("/containers/([^/]+)/json", "inspect"),
    ("/networks/([^/]+)", "network"),
    ("/networks/([^/]+)/connect", "connect"),
    ("/networks/([^/]+)/disconnect", "disconnect"),
    ("/images/(.+)/json", "image"),
    ("/events", "events"),
    ("/containers/create", "create"),
    ("/containers/([^/]+)/start", "start"),
    ("/containers/([^/]+)", "remove"),
]


class _Stream:
    """One subscriber."""

    def __init__(self, writer: asyncio.StreamWriter, filters: Json, *, chunked: bool) -> None:
        self.writer = writer
        self.silent = False
        self.pieces = False
        self._filters, self._chunked, self._begun = filters, chunked, False

    def begin(self) -> None:
        """Write the head of the answer."""
        self._begun = True
        how = "Transfer-Encoding: chunked" if self._chunked else "Connection: close"
        self.writer.write(f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n{how}\r\n\r\n".encode())

    def wants(self, event: Json) -> bool:
        """Whether the subscriber asked for it; Docker takes `health_status` for every value of it."""
        types, actions = self._filters.get("type"), self._filters.get("event")
        action = event["Action"]
        return (not types or event["Type"] in types) and (
            not actions or action in actions or action.split(":")[0] in actions
        )

    def send(self, text: str) -> None:
        """Write one chunk, or one for each byte, unless the connection is half-open."""
        if self.silent or self.writer.is_closing():
            return
        if not self._begun:
            self.begin()
        block = text.encode()
        for piece in [block[n : n + 1] for n in range(len(block))] if self.pieces else [block]:
            self.writer.write(b"%x\r\n%s\r\n" % (len(piece), piece) if self._chunked else piece)


class FakeEngine:
    """Answers at `path` while it is `up`; `calls` counts the requests by kind, refused ones too."""

    def __init__(self, path: Path, *, timeout: float = 0.3) -> None:
        """Take the client's time-out in seconds, to be later than it where that is asked for."""
        self.world = World()
        self.path = path
        self.timeout = timeout
        self.calls: collections.Counter[str] = collections.Counter()
        self.versions = (str(RECORDED["version"]["MinAPIVersion"]), str(RECORDED["version"]["ApiVersion"]))
        self.reachable = False
        self.alter: Callable[[Kind, Json], Any] = lambda _, json: json
        """What is told in place of a container's entry of a listing, its inspect, or an event."""
        self.hang = ""
        """The id of a container whose inspect is never answered."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fake-engine", daemon=True)
        self._server: asyncio.Server | None = None
        self._deaf: socket.socket | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._streams: list[_Stream] = []
        self._trouble: dict[Kind, How] = {}
        self._late_by: dict[Kind, float] = {}
        self._history: list[Json] = []
        self._lose = self._repeat = self._shuffle = 0
        self._delay = 0.0
        self._shuffled: list[Json] = []
        self._late: list[Json] = []
        self.world.tell.append(lambda event: self._soon(self._tell, event))

    def client(self, patience: float | None = None) -> docker.APIClient:
        """Open a client as `proxyctl` does, with the engine's time-out or this one."""
        patience = patience or self.timeout
        return PatientClient(
            base_url=f"unix://{self.path}", patience=patience, listing_patience=patience, ping_patience=patience
        )

    def endpoint(self) -> Endpoint:
        """Return where it answers."""
        return Endpoint(f"http+unix://{self.path}")

    # ------------------------------------------------------------------ the socket

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()
        self.up()

    def close(self) -> None:
        """End for good."""
        self.vanish()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def up(self) -> None:
        """Listen, if it does not."""

        async def listen() -> None:
            if self._server is None:
                self.path.unlink(missing_ok=True)
                self._server = await asyncio.start_unix_server(self._accept, self.path)
            self.reachable = True

        self._do(listen())

    def vanish(self) -> None:
        """Drop every connection; the socket is gone."""

        async def down() -> None:
            self.reachable = False
            if self._server is not None:
                self._server.close()
                self._server = None
            if self._deaf is not None:
                self._deaf.close()
                self._deaf = None
            self.path.unlink(missing_ok=True)
            while others := asyncio.all_tasks() - {asyncio.current_task()}:  # also those that are being accepted
                for task in others:
                    task.cancel()
                await asyncio.gather(*others, return_exceptions=True)
            for writer in self._writers:
                writer.transport.abort()
            self._writers.clear()

        self._do(down())

    def refuse(self) -> None:
        """Drop every connection; the socket is there and nobody listens."""
        self.vanish()
        self._deaf = socket.socket(socket.AF_UNIX)
        self._deaf.bind(str(self.path))

    # ------------------------------------------------------------------ faults

    def trouble(self, how: How, kinds: Iterable[Kind] = KINDS) -> None:
        """Answer these kinds with a 500, 404 or 409, too late, never, half and then cut, or with broken JSON.

        Or as proxies do: with a page of 403 or 503; events with no header before the first one (`held`), or in no
        chunks (`plain`).
        """
        self._soon(self._trouble.update, dict.fromkeys(kinds, how))

    def slow(self, seconds: float, kinds: Iterable[Kind]) -> None:
        """Answer these kinds only after that time."""
        self._soon(self._late_by.update, dict.fromkeys(kinds, seconds))

    def lose(self, events: int) -> None:
        """Tell nobody of the next events."""
        self._soon(setattr, self, "_lose", events)

    def repeat(self, events: int) -> None:
        """Tell the next events twice."""
        self._soon(setattr, self, "_repeat", events)

    def shuffle(self, events: int) -> None:
        """Hold so many of the next events back, then tell them last first."""
        self._soon(setattr, self, "_shuffle", events)

    def delay(self, seconds: float) -> None:
        """Tell of events only after that time."""
        self._soon(setattr, self, "_delay", seconds)

    def silence(self) -> None:
        """Never again say anything on the streams that are open now; they stay open."""

        def hush() -> None:
            for stream in self._streams:
                stream.silent = True

        self._soon(hush)

    def end_streams(self, *, cut: bool = False) -> None:
        """End the event streams: properly, or in the middle of an event."""

        def end() -> None:
            for stream in self._streams:
                stream.writer.write(b"200\r\n" + b'{"Type":' if cut else b"0\r\n\r\n")
                stream.writer.close()

        self._soon(end)

    def crumble(self) -> None:
        """Send each byte of the events on the streams that are open now as a chunk of its own."""

        def crumble() -> None:
            for stream in self._streams:
                stream.pieces = True

        self._soon(crumble)

    def babble(self) -> None:
        """Say something on the event streams that is no JSON."""

        def speak() -> None:
            for stream in self._streams:
                stream.send('{"Type": "container", oops}\n')

        self._soon(speak)

    def heal(self) -> None:
        """End every fault; what was held back is told now. Streams that were silenced stay silent."""

        def end() -> None:
            self._trouble.clear()
            self._late_by.clear()
            self._lose = self._repeat = self._shuffle = 0
            self._delay = 0.0
            held, self._shuffled, self._late = [*self._late, *self._shuffled], [], []
            for event in held:
                self._send(event)

        self.up()
        self._soon(end)

    def settle(self) -> None:
        """Return when everything asked for so far has been done."""

        async def nothing() -> None: ...

        self._do(nothing())

    # ------------------------------------------------------------------ events

    def _tell(self, event: Json) -> None:
        self._history = [*self._history, event][-256:]
        if self._lose:
            self._lose -= 1
            return
        times = 1
        if self._repeat:
            self._repeat -= 1
            times = 2
        for _ in range(times):
            if self._shuffle:
                self._shuffled.append(event)
                if len(self._shuffled) >= self._shuffle:
                    held, self._shuffled, self._shuffle = self._shuffled[::-1], [], 0
                    for each in held:
                        self._send(each)
            elif self._delay:
                self._late.append(event)
                self._loop.call_later(self._delay, self._send_late, event)
            else:
                self._send(event)

    def _send_late(self, event: Json) -> None:
        if event in self._late:
            self._late.remove(event)
            self._send(event)

    def _send(self, event: Json) -> None:
        for stream in self._streams:
            if stream.wants(event):
                stream.send(json.dumps(self.alter("events", event)) + "\n")

    # ------------------------------------------------------------------ requests

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                length = re.search(r"\r\ncontent-length: (\d+)", head, re.IGNORECASE)
                body = await reader.readexactly(int(length[1])) if length else b""
                await self._answer(head.split(" ", 2)[1], body, reader, writer)
        self._writers.discard(writer)
        writer.close()

    async def _answer(
        self, target: str, asked: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        url = urllib.parse.urlsplit(target)
        query: Json = {k: v[-1] for k, v in urllib.parse.parse_qs(url.query).items()}
        match = re.fullmatch(r"(?:/v([0-9.]+))?(/.*)", url.path)
        assert match is not None
        kind, subject = _meaning(match[2])
        self.calls[kind] += 1
        how = self._trouble.get(kind)
        await asyncio.sleep(self._late_by.get(kind, 0.0))
        if how == "mute" or (kind == "inspect" and subject == self.hang):
            await reader.read()
        elif how == "slow":
            await asyncio.sleep(self.timeout * 1.5)
        refusal = self._version_refusal(match[1])
        if refusal:
            _write(writer, 400, {"message": refusal})
        elif how in PAGES:
            page = f"<html><body><h1>{PAGES[how]}</h1></body></html>"
            head = f"HTTP/1.1 {PAGES[how]}\r\nContent-Type: text/html\r\nContent-Length: {len(page)}\r\n\r\n"
            writer.write((head + page).encode())
        elif how in CODES:
            fails = f"{kind} is already in progress" if how == "busy" else f"the fake engine fails at {kind}"
            _write(writer, CODES[how], {"message": fails})
        elif kind == "events":
            await self._stream(query, how, reader, writer)
        else:
            status, body = self._body(kind, subject, query | {"body": json.loads(asked or b"null")})
            _write(writer, status, body, how)
        await writer.drain()
        if how == "cut":
            raise ConnectionAbortedError

    async def _stream(
        self, query: Json, how: How | None, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        stream = _Stream(writer, json.loads(query.get("filters", "{}")), chunked=how != "plain")
        if how != "held":
            stream.begin()
        if how == "garbage":
            stream.send("{oops\n")
        if how == "cut":
            return
        self._streams.append(stream)
        for event in self._history:
            if "since" in query and event["timeNano"] >= int(query["since"].replace(".", "")) and stream.wants(event):
                stream.send(json.dumps(event) + "\n")
        try:
            await reader.read()  # ends when the client goes
        finally:
            self._streams.remove(stream)
        raise ConnectionAbortedError

    def _version_refusal(self, asked: str | None) -> str:
        low, high = self.versions
        if asked and _number(asked) < _number(low):
            return (
                f"client version {asked} is too old. Minimum supported API version is {low}, "
                "please upgrade your client to a newer version"
            )
        if asked and _number(asked) > _number(high):
            return f"client version {asked} is too new. Maximum supported API version is {high}"
        return ""

    def _body(self, kind: Kind, subject: str, query: Json) -> tuple[int, Any]:
        world = self.world
        with world.lock:
            match kind:
                case "ping":
                    return 200, "OK"
                case "version":
                    low, high = self.versions
                    return 200, {**RECORDED["version"], "MinAPIVersion": low, "ApiVersion": high}
                case "list":
                    filters = json.loads(query.get("filters", "{}"))
                    boxes = [b for b in world.boxes.values() if query.get("all") == "1" or b.up]
                    return 200, [self.alter("list", world.listing(b)) for b in boxes if _matches(b, filters)]
                case "network" | "connect" | "disconnect":
                    return self._network(kind, subject, query)
                case "image" | "create":
                    return self._image(kind, subject, query)
                case _:
                    box = next((b for b in world.boxes.values() if subject in {b.id, b.name}), None)
                    return self._of(box, kind) if box else _missing(f"No such container: {subject}")

    def _image(self, kind: Kind, subject: str, query: Json) -> tuple[int, Any]:
        """Return an image, or make a container of it."""
        asked = query["body"]
        name = subject if kind == "image" else asked["Image"]
        if name not in self.world.images:
            return _missing(f"No such image: {name}")
        if kind == "image":
            return 200, {"Id": self.world.images[name]}
        made = self.world.create(query["name"], asked["HostConfig"]["NetworkMode"], asked["Labels"])
        return 201, {"Id": made.id, "Warnings": []}

    def _network(self, kind: Kind, network: str, query: Json) -> tuple[int, Any]:
        """Return a network, or connect a container to it, or disconnect it; it is there while somebody is on it."""
        asked, boxes = query["body"], self.world.boxes.values()
        if all(network not in b.networks for b in boxes):
            return _missing(f"network {network} not found")
        if kind == "network":
            return 200, self.world.network(network)
        box = next(b for b in boxes if asked["Container"] in {b.id, b.name})
        if kind == "connect":
            self.world.connect(box, network, options=(asked.get("EndpointConfig") or {}).get("DriverOpts"))
        else:
            self.world.disconnect(box, network)
        return 200, ""

    def _of(self, box: Box, kind: Kind) -> tuple[int, Any]:
        """Return the answer about one container."""
        if kind == "inspect":
            return 200, self.alter("inspect", self.world.inspect(box))
        change = self.world.start if kind == "start" else self.world.remove
        change(box)
        return 204, ""

    # ------------------------------------------------------------------ threads

    def _soon(self, function: Callable[..., Any], *args: Any) -> None:
        self._loop.call_soon_threadsafe(lambda: function(*args))

    def _do(self, coroutine: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(5)


@contextlib.contextmanager
def running(path: Path, *, timeout: float = 0.3) -> Iterator[FakeEngine]:
    """Run a fake engine, without containers, beside the block."""
    made = FakeEngine(path, timeout=timeout)
    made.start()
    try:
        yield made
    finally:
        made.close()
        collect_unclosed()


def collect_unclosed() -> None:
    """Collect what UNCLOSED is about at the end of the test that left it, not in the middle of another one."""
    with warnings.catch_warnings(action="ignore", category=ResourceWarning):
        gc.collect()


def _missing(message: str) -> tuple[int, Json]:
    return 404, {"message": message}


def _meaning(path: str) -> tuple[Kind, str]:
    for pattern, kind in _PATHS:
        match = re.fullmatch(pattern, path)
        if match:
            return kind, urllib.parse.unquote(match[1]) if match.groups() else ""
    message = f"the fake engine does not know {path}"
    raise NotImplementedError(message)


def _matches(box: Box, filters: Json) -> bool:
    """Whether a container passes Docker's filters `label` and `network`, the only ones known here."""
    assert set(filters) <= {"label", "network"}, filters
    labels = {*box.labels, *(f"{k}={v}" for k, v in box.labels.items())}
    networks = filters.get("network")
    return labels.issuperset(filters.get("label", ())) and (
        not networks or not box.networks.keys().isdisjoint(networks)
    )


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _write(writer: asyncio.StreamWriter, status: int, body: Any, how: How | None = None) -> None:
    text = (body if isinstance(body, str) else json.dumps(body)).encode()
    if how == "garbage":
        text = b"{oops" + text
    kind = "text/plain" if isinstance(body, str) else "application/json"
    head = f"HTTP/1.1 {status} Status\r\nContent-Type: {kind}\r\nContent-Length: {len(text)}\r\n\r\n"
    writer.write(head.encode() + (text[: len(text) // 2] if how == "cut" else text))
