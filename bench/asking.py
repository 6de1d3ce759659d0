"""Requests, each on a connection of its own: through the gateway all the time, or straight to one server.

Keep-alive would measure the worker that the connection happens to be on, and after a reload that is an old one.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

from bench.meanwhile import meanwhile
from proxyctl.core import layout

PAUSE = 0.0005
"""Seconds between two requests: bounds the load, and how finely a first or last request is seen."""

_TIMEOUT = 2.0
_NAME = layout.SERVER_HEADER.lower().encode()


class Asker:
    """Asks one gateway; notes when each server was first and last seen to answer."""

    def __init__(self, address: str, token: str) -> None:
        self.first: dict[str, float] = {}
        self.last: dict[str, float] = {}
        self.requests = 0
        self.failed: list[str] = []
        self._address = address
        head = f"GET / HTTP/1.1\r\nHost: bench\r\n{layout.CHECK_HEADER}: {token}\r\nConnection: close\r\n\r\n"
        self._request = head.encode()
        self._seconds = 0.0

    @property
    def every_ms(self) -> float:
        """How far apart two requests were on average, in milliseconds."""
        return self._seconds * 1000 / max(1, self.requests)

    def ask_until(self, ended: threading.Event) -> None:
        """Ask until `ended` is set."""
        began = time.monotonic()
        while not ended.is_set():
            self.requests += 1
            try:
                status, server = self._ask()
            except OSError as exc:
                self.failed.append(str(exc) or type(exc).__name__)
            else:
                now = time.time()
                if status != b"200":
                    self.failed.append(f"http {status.decode(errors='replace')}")
                self.first.setdefault(server, now)
                self.last[server] = now
            time.sleep(PAUSE)
        self._seconds = time.monotonic() - began

    def _ask(self) -> tuple[bytes, str]:
        with socket.create_connection((self._address, 80), _TIMEOUT) as connection:
            connection.sendall(self._request)
            answer = b""
            while b"\r\n\r\n" not in answer:
                part = connection.recv(4096)
                if not part:
                    raise ConnectionResetError("closed without an answer")
                answer += part
        status, *headers = answer.partition(b"\r\n\r\n")[0].split(b"\r\n")
        named = dict(h.lower().partition(b":")[::2] for h in headers)
        return status.split(b" ")[1], named.get(_NAME, b"").strip().decode()


@contextlib.contextmanager
def asking(address: str, token: str) -> Iterator[Asker]:
    """Yield what asks a gateway while the block runs."""
    asker = Asker(address, token)
    with meanwhile(asker.ask_until):
        yield asker


def until_listens(address: str, deadline: float = 10.0) -> float:
    """Return when a server first took a connection (seconds since the epoch); raise TimeoutError."""
    end = time.monotonic() + deadline
    while time.monotonic() < end:
        with contextlib.suppress(OSError), socket.create_connection((address, 80), 0.1):
            return time.time()
        time.sleep(PAUSE / 4)
    raise TimeoutError(f"nothing listens on {address}:80")
