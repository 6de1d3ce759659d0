"""`proxyctl.gateway.probe` at loopback addresses, in virtual time: how often servers are asked that are not ready."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import pytest

from proxyctl.core.model import HealthCheck, Target
from proxyctl.gateway import pace
from proxyctl.gateway.netns import LocalView
from proxyctl.gateway.probe import Prober
from tests import virtual_time

SOON = 0.006
"""Seconds of virtual time within which a server is seen that begins to listen: a pause of 5 ms, and the next look."""
START = 1.0
"""Seconds that those take which are followed from the beginning: their first attempts are not shared."""


class CountedSocket(socket.socket):
    """A socket that knows how often a connection was begun on any of them."""

    begun = 0

    def connect_ex(self, address: object) -> int:
        """Count and connect."""
        CountedSocket.begun += 1
        return super().connect_ex(address)  # type: ignore[arg-type]


class CountedView(LocalView):
    """Sockets of this process that count."""

    def __init__(self) -> None:
        CountedSocket.begun = 0
        self.opened = 0

    @property
    def attempts(self) -> int:
        """How often a connection was begun; the second call of an attempt only asks for the answer."""
        return CountedSocket.begun // 2

    def open(self, family: socket.AddressFamily, kind: socket.SocketKind, protocol: int = 0) -> socket.socket:
        """Return a socket that counts."""
        self.opened += 1
        made = CountedSocket(family, kind, protocol)
        made.setblocking(False)
        return made


@contextlib.contextmanager
def silent(listening: int | None = None) -> Iterator[socket.socket]:
    """Give a socket that has a port and refuses connections; or listens with so small a queue."""
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        if listening is not None:
            made.listen(listening)
        yield made


def target(name: str, sock: socket.socket, check: HealthCheck | None = None) -> Target:
    """Return a target at a socket's port."""
    return Target(f"id-{name}", name, "127.0.0.1", sock.getsockname()[1], check)


async def until_ready(prober: Prober, wanted: Target) -> float:
    """Return the time at which a target is ready."""
    while not ((found := prober.findings().get(wanted)) and found.ok):
        await asyncio.sleep(0.0005)
    return asyncio.get_running_loop().time()


@pytest.mark.parametrize("after", [0.1, 0.4, 5.0, 30.0])
def test_a_server_that_takes_its_time_is_seen_when_it_listens(after: float) -> None:
    """The next attempt comes within one usual pause, however long the start took."""

    async def late() -> float:
        loop, prober = asyncio.get_running_loop(), Prober(LocalView(), lambda _: None)
        with silent() as sock:
            web = target("web", sock)
            listens = loop.time() + after
            loop.call_at(listens, sock.listen)
            prober.follow([web])
            seen = await until_ready(prober, web)
            await prober.close()
        return seen - listens

    assert 0 <= virtual_time.run(late()) <= SOON


def test_two_hundred_that_wait_share_the_attempts_and_keep_their_sockets() -> None:
    """They cost no more than the budget, and no socket is made for an attempt after a refused one."""

    async def waiting() -> tuple[int, int]:
        view = CountedView()
        prober = Prober(view, lambda _: None)
        with silent() as sock:
            web = target("web", sock)
            prober.follow(Target(f"id-{n}", f"web{n}", web.address, web.port) for n in range(200))
            await asyncio.sleep(START)
            before = view.attempts
            await asyncio.sleep(5)
            asked = view.attempts - before
            await prober.close()
        return view.opened, asked

    opened, asked = virtual_time.run(waiting())
    assert opened == 200
    assert 225 <= asked / 5 <= 325


def test_a_newcomer_among_those_that_never_come_is_seen_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that wait for long (a minute, here two seconds) share with each other, and are asked seldom."""
    monkeypatch.setattr(pace, "LONG", 2.0)

    async def newcomer() -> tuple[float, int]:
        loop, view = asyncio.get_running_loop(), CountedView()
        prober = Prober(view, lambda _: None)
        with silent() as never, silent() as sock:
            others = [Target(f"id-{n}", f"web{n}", *never.getsockname()) for n in range(50)]
            prober.follow(others)
            await asyncio.sleep(pace.LONG + START)
            before = view.attempts
            await asyncio.sleep(10)
            asked = view.attempts - before
            web, listens = target("web", sock), loop.time() + 3.0
            loop.call_at(listens, sock.listen)
            prober.follow([*others, web])
            seen = await until_ready(prober, web)
            await prober.close()
        return seen - listens, asked

    lag, asked = virtual_time.run(newcomer())
    assert lag <= SOON
    assert 0.8 * 50 * 10 / pace.SELDOM <= asked <= 1.1 * 50 * 10 / pace.SELDOM


def test_an_address_that_answers_nothing_has_one_attempt_at_a_time() -> None:
    """An attempt without a reply ends after a second, and its socket with it: nothing piles up."""

    async def dropped() -> tuple[int, str]:
        view = CountedView()
        prober = Prober(view, lambda _: None)
        with silent(listening=0) as sock, contextlib.ExitStack() as full:
            for _ in range(2):  # the kernel drops what comes to a full queue
                client = full.enter_context(socket.socket())
                client.setblocking(False)
                client.connect_ex(sock.getsockname())
            web = target("web", sock)
            prober.follow([web])
            await asyncio.sleep(10)
            reason = prober.findings()[web].reason
            await prober.close()
        return view.opened, reason

    opened, reason = virtual_time.run(dropped())
    assert 9 <= opened <= 10
    assert "no reply to a connection attempt in 1 s" in reason


def test_a_socket_of_a_gateway_that_is_gone_is_not_kept() -> None:
    """Only a refusal says that the network is there; after any other failure the next attempt takes a new socket."""

    async def unreachable() -> int:
        view = CountedView()
        prober = Prober(view, lambda _: None)
        prober.follow([Target("id-web", "web", "255.255.255.255", 80)])  # a broadcast address has no route for TCP
        await asyncio.sleep(0.1)
        await prober.close()
        return view.opened

    assert virtual_time.run(unreachable()) > 10


async def test_a_checked_server_is_asked_often_until_it_has_passed_once() -> None:
    """Its interval counts from then on; while it answers badly, it is asked less often than one that refuses."""
    answers: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        answers.append(b"503" if len(answers) < 3 else b"204")
        writer.write(b"HTTP/1.1 " + answers[-1] + b" x\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        check = HealthCheck("/healthz", interval_ms=3_600_000, timeout_ms=5000, rise=2, fall=3)
        web = target("web", server.sockets[0], check)
        prober = Prober(LocalView(), lambda _: None)
        prober.follow([web])
        async with asyncio.timeout(30):
            await until_ready(prober, web)
        await asyncio.sleep(2 * pace.CHECK.usual)
        await prober.close()
    assert answers == [b"503"] * 3 + [b"204"]
