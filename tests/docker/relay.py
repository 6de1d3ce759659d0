"""A relay in front of the real Docker socket, which can be cut, silenced and mended: the faults are on the wire."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
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

    def _forward(self, client: socket.socket, engine: socket.socket) -> None:
        pair = {client: engine, engine: client}
        with contextlib.suppress(OSError, ValueError):
            while True:
                for source in select.select(list(pair), [], [])[0]:
                    block = source.recv(65536)
                    if not block:
                        raise ConnectionResetError
                    if source is client and b"/events?" in block:
                        self._streams.add(engine)
                    if source not in self._silent:
                        pair[source].sendall(block)
        for each in pair:
            self._open.discard(each)
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
