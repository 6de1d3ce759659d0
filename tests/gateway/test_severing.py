"""Connections that lead nowhere, on this machine's own loopback: the kernel is asked, nothing is simulated."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator

import pytest

from proxyctl.gateway.netns import LocalView
from proxyctl.gateway.severing import Severing

GONE, THERE = "127.77.0.1", "127.77.0.2"


@contextlib.contextmanager
def connected(address: str) -> Iterator[socket.socket]:
    """Give a connection to an address of the loopback."""
    with (
        socket.create_server((address, 0)) as server,
        socket.create_connection(server.getsockname()) as client,
        server.accept()[0],
    ):
        client.settimeout(0.2)
        yield client


@pytest.mark.skipif(os.geteuid() != 0, reason="needs CAP_NET_ADMIN")
async def test_only_connections_to_these_addresses_are_aborted() -> None:
    """Who waits for an answer from there gets an error at once; other connections are left alone."""
    with connected(GONE) as gone, connected(THERE) as there:
        await Severing(LocalView()).sever({GONE})
        with pytest.raises(ConnectionAbortedError):
            gone.recv(1)
        with pytest.raises(TimeoutError):
            there.recv(1)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs CAP_NET_ADMIN")
async def test_a_connection_that_is_being_opened_is_aborted_too() -> None:
    """An address that answers nothing would hold it for seconds."""
    with socket.create_server((GONE, 0), backlog=0) as server, contextlib.ExitStack() as stack:
        opening = []
        for _ in range(3):  # the backlog is full after one: the others hang
            opening.append(stack.enter_context(socket.socket()))
            opening[-1].setblocking(False)
            opening[-1].connect_ex(server.getsockname())
        await Severing(LocalView()).sever({GONE})
        assert opening[-1].getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) != 0


class Elsewhere:
    """A view whose sockets cannot be opened."""

    def __init__(self, *, direct: bool) -> None:
        self.direct = direct
        self.asked = 0

    def open(self, family: socket.AddressFamily, kind: socket.SocketKind, protocol: int = 0) -> socket.socket:
        """Fail, as without the right to."""
        self.asked += 1
        raise PermissionError


@pytest.mark.parametrize(("direct", "addresses", "asked"), [(False, {GONE}, 0), (True, set(), 0), (True, {GONE}, 1)])
async def test_where_it_cannot_be_done_nothing_happens(direct: bool, addresses: set[str], asked: int) -> None:
    """It is no error: what is stuck runs into its time-out, as without proxyctl."""
    view = Elsewhere(direct=direct)
    await Severing(view).sever(addresses)
    assert view.asked == asked
