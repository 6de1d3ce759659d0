"""A relay in front of the real Docker socket, which can be cut, silenced and mended: the faults are on the wire.

It passes bytes on as they are, except for listings of containers, from which some can be left out. It can be slow, and
do what socket proxies do: refuse questions, and hold an answer's header back.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import select
import socket
import threading
import time
from pathlib import Path

ENGINE = "/var/run/docker.sock"


class Relay:
    """Forwards connections to the engine while it is `up`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._listener: socket.socket | None = None
        self._open: set[socket.socket] = set()
        self._streams: set[socket.socket] = set()
        self._silent: set[socket.socket] = set()
        self._hidden: tuple[str, ...] = ()
        self._slow: dict[str, float] = {}
        self._refused = ""
        self._holding = False
        self._held: dict[socket.socket, bytes] = {}
        self.listings = 0

    @property
    def host(self) -> str:
        """The DOCKER_HOST that leads through here."""
        return f"unix://{self.path}"

    def up(self) -> None:
        """Accept connections."""
        self.path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.path))
        self._listener.listen(16)
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def cut(self) -> None:
        """Drop every connection and refuse new ones."""
        self.path.unlink(missing_ok=True)
        for each in [self._listener, *self._open]:
            if each is not None:
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
                each.close()
        self._open.clear()
        self._listener = None

    def drop_connections(self) -> None:
        """Drop every open connection; new ones are accepted."""
        for each in list(self._open):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def silence_events(self) -> None:
        """Let nothing more through of the event streams that are open now; they stay open."""
        self._silent |= self._streams

    def hide(self, *names: str) -> None:
        """Leave these containers out of every listing from now on; events and inspects know them still."""
        self._hidden = names

    def slow(self, seconds: float, path: str) -> None:
        """Pass requests whose first line has this in it on only after that time."""
        self._slow[path] = seconds

    def refuse(self, pattern: str) -> None:
        """Answer requests whose first line matches with a 403 and a page, as HAProxy does."""
        self._refused = pattern

    def hold_events(self) -> None:
        """From now on send no header of an event stream before its first event."""
        self._holding = True

    def mend(self) -> None:
        """Be quick, refuse nothing, hide nobody, and hold nothing back of streams that are opened from now on."""
        self._slow, self._refused, self._holding, self._hidden = {}, "", False, ()

    def _listing(self, engine: socket.socket) -> bytes:
        """Read the engine's answer to a listing and return it without those that are hidden."""
        answer = http.client.HTTPResponse(engine, method="GET")
        answer.begin()
        body = answer.read()
        if answer.status == http.client.OK:
            shown = [c for c in json.loads(body) if not any(n.strip("/") in self._hidden for n in c["Names"])]
            body = json.dumps(shown).encode()
        self.listings += 1
        head = f"HTTP/1.1 {answer.status} {answer.reason}\r\nContent-Type: application/json\r\n"
        return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            engine = socket.socket(socket.AF_UNIX)
            engine.connect(ENGINE)
            self._open |= {client, engine}
            threading.Thread(target=self._forward, args=(client, engine), daemon=True).start()

    def _meet(self, line: str, client: socket.socket, engine: socket.socket) -> None:
        """Do with a request, by its first line, what was asked for; raise ConnectionResetError when it is refused."""
        if not line.endswith("HTTP/1.1"):  # a body
            return
        if "/events?" in line:
            self._streams.add(engine)
            if self._holding:
                self._held[engine] = b""
        time.sleep(max((t for path, t in self._slow.items() if path in line), default=0.0))
        if self._refused and re.search(self._refused, line):
            page = "<html><body><h1>403 Forbidden</h1>\nRequest forbidden by administrative rules.\n</body></html>\n"
            head = f"HTTP/1.1 403 Forbidden\r\nContent-Type: text/html\r\nContent-Length: {len(page)}\r\n"
            client.sendall(f"{head}Connection: close\r\n\r\n{page}".encode())
            raise ConnectionResetError

    def _released(self, engine: socket.socket, block: bytes) -> bytes:
        """Return what of a held stream is sent now: nothing before the first byte behind the header."""
        held = self._held[engine] + block
        if held.partition(b"\r\n\r\n")[2]:
            del self._held[engine]
            return held
        self._held[engine] = held
        return b""

    def _forward(self, client: socket.socket, engine: socket.socket) -> None:
        pair = {client: engine, engine: client}
        with contextlib.suppress(OSError, ValueError):
            while True:
                for source in select.select(list(pair), [], [])[0]:
                    block = source.recv(65536)
                    if not block:
                        raise ConnectionResetError
                    if source is client:
                        self._meet(block.split(b"\r\n")[0].decode(errors="replace"), client, engine)
                    if source is engine and engine in self._held:
                        block = self._released(engine, block)
                    if (
                        source is client
                        and block.startswith(b"GET ")
                        and b"/containers/json" in block.split(b"\r\n")[0]
                    ):
                        engine.sendall(block)
                        client.sendall(self._listing(engine))
                    elif source not in self._silent:
                        pair[source].sendall(block)
        for each in pair:
            self._open.discard(each)
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
