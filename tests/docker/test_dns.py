"""`proxyctl.providers.docker.resolve` and `proxyctl.gateway.netns` against Docker's own DNS on a real network."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import pytest

from proxyctl.errors import ResolveError
from proxyctl.gateway.netns import GatewayView, LocalView
from proxyctl.providers.docker import resolve as dns_module
from proxyctl.providers.docker.resolve import EmbeddedDns
from tests.docker.blind import CountedGateway, NoView
from tests.docker.box import Box, RunContainer, start_nginx

pytestmark = pytest.mark.docker

OWN = Path("/proc/self/ns/net")
ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="entering a network namespace takes root")


@pytest.fixture
async def box(network: str, tmp_path: Path) -> AsyncIterator[Box]:
    """Return a gateway that only waits: its network namespace is what matters."""
    made = Box(network, tmp_path / "proxy", "nginx")
    await made.lifecycle.ensure()
    yield made
    made.close()


@ROOT_ONLY
async def test_names_of_the_network(box: Box, network: str, run_container: RunContainer) -> None:
    """A container's name and its aliases resolve to its own address, and each to all that bear it."""
    addresses = [
        start_nginx(run_container, network, "return 200 x;", hostname=f"h{n}", name=f"{network}-{n}") for n in (1, 2)
    ]
    assert box.view.direct
    resolver = EmbeddedDns(box.view, CountedGateway(box.access))
    for number, address in enumerate(addresses, start=1):
        assert await resolver.resolve(f"{network}-{number}") == (address,)
        assert await resolver.resolve(f"{network}-{number}.{network}") == (address,)


@ROOT_ONLY
def test_the_main_thread_stays_where_it_is(box: Box) -> None:
    """A socket lives in the gateway's namespace, the process in its own, and no thread is left."""
    before, threads = OWN.readlink(), threading.active_count()
    with box.view.open(socket.AF_INET, socket.SOCK_STREAM) as inside:
        assert not inside.getblocking()
        inside.bind((box.address, 0))  # an address that only the gateway has
    assert OWN.readlink() == before
    assert threading.active_count() == threads


async def test_unknown_names(box: Box) -> None:
    """A name that nobody has is NXDOMAIN, or is not answered in time where nothing upstream answers; never hangs."""
    resolver = EmbeddedDns(box.view, box.access)
    async with asyncio.timeout(10):
        with pytest.raises(ResolveError, match=r"nobody-has-this"):
            await resolver.resolve("nobody-has-this")


async def test_what_cannot_be_a_name() -> None:
    """It is refused with the reason, without a question."""
    with pytest.raises(ResolveError, match="cannot be a DNS name"):
        await EmbeddedDns(LocalView(), CountedGateway()).resolve("x" * 64)


@pytest.mark.parametrize("hidden", [(), ("getent",)])
async def test_by_a_command_in_the_gateway(
    hidden: tuple[str, ...], box: Box, network: str, run_container: RunContainer
) -> None:
    """Where the namespace cannot be entered, whatever the image has asks the same server."""
    address = start_nginx(run_container, network, "return 200 x;", name=f"{network}-1")
    gateway = CountedGateway(box.access, hidden)
    resolver = EmbeddedDns(NoView(), gateway)
    for _ in range(2):
        assert await resolver.resolve(f"{network}-1") == (address,)
    assert gateway.ran.count("getent") <= 2 - len(hidden)  # what is missing is looked for once
    with pytest.raises(ResolveError, match="nobody-has-this"):
        await resolver.resolve("nobody-has-this")


async def test_an_image_with_neither(box: Box) -> None:
    """No getent and no nslookup: the reason says what is missing."""
    with pytest.raises(ResolveError, match="neither getent nor nslookup"):
        await EmbeddedDns(NoView(), CountedGateway(box.access, ("getent", "nslookup"))).resolve("web1")


def test_a_gateway_that_is_down() -> None:
    """Without a pid there is no view; nothing is raised where it is only asked whether there is one."""
    view = GatewayView(lambda: None)
    assert not view.direct
    with pytest.raises(OSError, match="not running"):
        view.open(socket.AF_INET, socket.SOCK_DGRAM)


def test_a_pid_that_is_gone() -> None:
    """A namespace that cannot be entered is not direct."""
    assert not GatewayView(lambda: 2**22 + 1).direct


class FakeServer(asyncio.DatagramProtocol):
    """A DNS server that answers each question as the next of `answers` says; None: not at all."""

    def __init__(self, *answers: str | None) -> None:
        self.answers = list(answers)
        self.asked: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        self.transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str | object, int]) -> None:
        """Answer one question."""
        self.asked.append(data)
        codes = {"nothing": b"\x80", "servfail": b"\x82", "nxdomain": b"\x83"}
        answer = self.answers.pop(0)
        if answer is None:
            return
        # the question again, flagged as an answer, without the EDNS record that it ended with
        again = b"\x81" + codes[answer.removeprefix("stranger ")] + data[4:10] + b"\0\0" + data[12:-11]
        if answer.startswith("stranger "):
            self.transport.sendto(bytes([data[0] ^ 1]) + data[1:2] + again, addr)
            self.transport.sendto(b"rubbish", addr)
            self.transport.sendto(data[:2] + again.replace(b"web1", b"web2"), addr)
        self.transport.sendto(data[:2] + again, addr)


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        (("nxdomain",), "knows no web1 on this network (NXDOMAIN)"),
        (("servfail",), "failed on web1 (SERVFAIL)"),
        (("nothing",), "gives no IPv4 address for web1"),
        (("stranger nxdomain",), "NXDOMAIN"),  # a stranger's answer and rubbish are ignored
        ((None, "nxdomain"), "NXDOMAIN"),  # a lost packet is sent again
        ((None, None), "did not answer for web1 within 0.1 s, 2 times"),
    ],
)
async def test_bad_answers(answers: tuple[str | None, ...], reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each way to fail has its own words, and two questions of one name have different ids."""
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(lambda: FakeServer(*answers), local_addr=("127.0.0.1", 0))
    monkeypatch.setattr(dns_module, "SERVER", transport.get_extra_info("sockname"))
    monkeypatch.setattr(dns_module, "DEADLINE", 0.1)
    try:
        with pytest.raises(ResolveError) as failed:
            await EmbeddedDns(LocalView(), CountedGateway()).resolve("web1")
        assert reason in str(failed.value)
        assert len(server.asked) == len(answers)
    finally:
        transport.close()


async def test_nobody_listens_for_questions(monkeypatch: pytest.MonkeyPatch) -> None:
    """A refused packet is a reason, not a traceback."""
    monkeypatch.setattr(dns_module, "SERVER", ("127.0.0.1", 1))
    with pytest.raises(ResolveError, match="cannot be asked for web1"):
        await EmbeddedDns(LocalView(), CountedGateway()).resolve("web1")
