"""Sockets that see a network as its containers do: in the gateway's network namespace, or in this process's own.

Must not know what is said through them. Next: `providers.docker.resolve` and `probe`, which use them.
"""

from __future__ import annotations

import ctypes
import os
import socket
import threading
from collections.abc import Callable

_CLONE_NEWNET = 0x40000000

Pid = Callable[[], int | None]
"""Returns the gateway's pid 1 in this process's own numbering; None while it is down or not ours to enter."""


class GatewayView:
    """Sockets made inside the gateway's network namespace; needs CAP_SYS_ADMIN and the host's pids.

    A socket stays in the namespace that it was made in, so a thread enters, makes it and ends: 0.15 ms, and no
    other thread of the process is affected.
    """

    def __init__(self, pid: Pid) -> None:
        self._pid = pid
        self._tried: tuple[int, bool] | None = None

    @property
    def direct(self) -> bool:
        """Whether `open` works here; found out by trying, once for each start of the gateway."""
        pid = self._pid()
        if pid is None:
            return False
        if self._tried is None or self._tried[0] != pid:
            try:
                self.open(socket.AF_INET, socket.SOCK_DGRAM).close()
            except OSError:
                self._tried = (pid, False)
            else:
                self._tried = (pid, True)
        return self._tried[1]

    def open(self, family: socket.AddressFamily, kind: socket.SocketKind, protocol: int = 0) -> socket.socket:
        """Return a new non-blocking socket in the gateway's view; raise OSError."""
        pid = self._pid()
        if pid is None:
            raise ConnectionError("the gateway is not running")
        return _open_inside(pid, lambda: _nonblocking(family, kind, protocol))


class LocalView:
    """Plain sockets, for a proxyctl that runs in a container on the watched network itself."""

    direct = True

    def open(self, family: socket.AddressFamily, kind: socket.SocketKind, protocol: int = 0) -> socket.socket:
        """Return a new non-blocking socket."""
        return _nonblocking(family, kind, protocol)


def _nonblocking(family: socket.AddressFamily, kind: socket.SocketKind, protocol: int) -> socket.socket:
    made = socket.socket(family, kind, protocol)
    made.setblocking(False)  # noqa: FBT003 - the library's own signature
    return made


def enter(pid: int) -> None:
    """Put this thread into a process's network namespace, for as long as it lives; raise OSError."""
    libc = ctypes.CDLL(None, use_errno=True)  # os.setns came with Python 3.12
    namespace = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        if libc.setns(namespace, _CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns: " + os.strerror(ctypes.get_errno()))
    finally:
        os.close(namespace)


def _open_inside(pid: int, make: Callable[[], socket.socket]) -> socket.socket:
    """Make a socket in a thread of its own that has entered the namespace; raise OSError."""
    made: list[socket.socket] = []
    failed: list[OSError] = []

    def open_there() -> None:
        try:
            enter(pid)
            made.append(make())
        except OSError as exc:
            failed.append(exc)

    thread = threading.Thread(target=open_there, name="netns")
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
    return made[0]
