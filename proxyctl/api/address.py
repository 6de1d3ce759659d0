"""Where the API listens: the sockets are taken before a `watch` makes anything, so that a taken port costs nothing.

Next: `server`, which serves on them.
"""

from __future__ import annotations

import contextlib
import errno
import socket
from collections.abc import Iterator

from proxyctl.errors import UsageError
from proxyctl.wording import of_system

TRIED = 100
"""Ports from the default one on that are tried, where nobody named one; a host has hardly more gateways."""
_BACKLOG = 128


class Listening:
    """The sockets on which the API will answer, and their address; without an address, none."""

    def __init__(self, host: str, sockets: tuple[socket.socket, ...] = ()) -> None:
        """Take the host as it was named, and sockets that listen already."""
        self.host, self.sockets = host, sockets

    @property
    def port(self) -> int:
        """The port that was taken; 0 where there is none."""
        return int(self.sockets[0].getsockname()[1]) if self.sockets else 0

    @property
    def url(self) -> str:
        """The address as a person opens it; empty where the API listens nowhere."""
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self.host, self.host)  # noqa: S104 - every address is also this one
        return f"http://{f'[{host}]' if ':' in host and host[0] != '[' else host}:{self.port}" if self.sockets else ""

    def close(self) -> None:
        """Let go of the port, where nothing was served."""
        for each in self.sockets:
            each.close()


def listen(asked: tuple[str, int] | None, *, named: bool) -> Listening:
    """Take the address of the API and return it; None for no API. Raise UsageError where it cannot be had.

    An address that somebody `named` is taken or refused; of the default one, the next port that is free.
    """
    if asked is None:
        return Listening("")
    host, port = asked
    for number in [port] if named else [*range(port, port + TRIED), 0]:
        try:
            return Listening(host, tuple(_taken(host, number)))
        except OSError as exc:
            if named or exc.errno != errno.EADDRINUSE:
                message = f"--api {host}:{port}: {_reason(exc)}; choose another HOST:PORT, or `off`"
                raise UsageError(message) from exc
    raise UsageError(f"--api {host}:{port}: no port is free; give another address, or `off`")


def _taken(host: str, port: int) -> Iterator[socket.socket]:
    """Yield a listening socket for each address of a host; none is left over where one fails."""
    with contextlib.ExitStack() as stack:
        found = []
        for family, _, _, _, address in dict.fromkeys(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)):
            made = stack.enter_context(socket.socket(family))
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            made.bind(address)
            made.listen(_BACKLOG)  # two that only bind may both believe that a port is theirs
            found.append(made)
        stack.pop_all()
    yield from found


def _reason(exc: OSError) -> str:
    return "there is no such host" if isinstance(exc, socket.gaierror) else of_system(exc)
