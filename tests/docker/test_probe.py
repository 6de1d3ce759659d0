"""`proxyctl.gateway.probe` against real containers, through the network's own view and by commands."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import socket
import time
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import pytest

from proxyctl.core.model import Finding, HealthCheck, Target
from proxyctl.gateway.netns import LocalView
from proxyctl.gateway.probe import Prober
from proxyctl.providers.port import NetworkView, Ran, Shell
from tests.docker.blind import CountedGateway, NoView
from tests.docker.box import Box, RunContainer, start_nginx

pytestmark = pytest.mark.docker

CHECK = HealthCheck("/healthz", interval_ms=30, timeout_ms=1000, rise=2, fall=3)


@pytest.fixture
async def box(network: str, tmp_path: Path) -> AsyncIterator[Box]:
    """Return a gateway that only waits."""
    made = Box(network, tmp_path / "proxy", "nginx")
    await made.lifecycle.ensure()
    yield made
    made.close()


UNASKED = Finding(ok=False, reason="not asked yet")


class Asked:
    """A prober with its wake-ups noted."""

    def __init__(self, view: NetworkView, gateway: Shell | None = None, grace: float = 10.0) -> None:
        self.woken: list[str] = []
        self.prober = Prober(view, self.woken.append, gateway, grace)

    async def until(self, target: Target, holds: Callable[[Finding], bool], within: float = 8.0) -> Finding:
        """Wait for a finding."""
        deadline = time.monotonic() + within
        while not holds(finding := self.prober.findings().get(target, UNASKED)):
            assert time.monotonic() < deadline, f"still {finding}"
            await asyncio.sleep(0.002)
        return finding


@pytest.fixture
async def asked(box: Box) -> AsyncIterator[Asked]:
    """Return a prober in the gateway's view: by sockets as root, by commands otherwise."""
    made = Asked(box.view if os.geteuid() == 0 else NoView(), box.access)
    yield made
    await made.prober.close()


@pytest.mark.parametrize("way", ["sockets", "commands"])
async def test_a_server_that_listens(way: str, box: Box, network: str, run_container: RunContainer) -> None:
    """One connect that succeeds is enough; the finding stays, and one that nobody follows is forgotten."""
    address = start_nginx(run_container, network, "return 200 x;")
    there, elsewhere = Target("id1", "web1", address, 80), Target("id1", "web1", address, 81)
    asked = Asked(box.view if way == "sockets" else NoView(), box.access, grace=0.3)
    try:
        asked.prober.follow([there, elsewhere])
        assert dict(asked.prober.findings()) == {}
        assert await asked.until(there, lambda f: f.ok) == Finding(ok=True)
        late = await asked.until(elsewhere, lambda f: f.late)
        assert f"nothing listens on {address}:81 (" in late.reason
        assert "refused" in late.reason
        assert [w for w in asked.woken if w == "web1 answers"] == ["web1 answers"]
        assert asked.woken[-1] == f"web1 {late.reason}"
        asked.prober.follow([there])
        assert dict(asked.prober.findings()) == {there: Finding(ok=True)}
    finally:
        await asked.prober.close()
    assert dict(asked.prober.findings()) == {}


async def test_a_server_that_comes_late(asked: Asked, box: Box, network: str, run_container: RunContainer) -> None:
    """The probe goes on, and knows within a moment when a server begins to listen."""
    address = start_nginx(run_container, network, "return 200 x;", listen="81")
    target = Target("id1", "web1", address, 80)
    asked.prober.follow([target])
    await asked.until(target, lambda f: "refused" in f.reason)
    host = box.client.containers(filters={"network": network, "label": "proxyctl.test"})[0]["Id"]
    listen = box.client.exec_create(host, ["nc", "-l", "-p", "80"])["Id"]
    box.client.exec_start(listen, detach=True)
    await asked.until(target, lambda f: f.ok)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may enter the gateway's namespace")
async def test_a_gateway_that_was_started_anew_meanwhile(box: Box, network: str, run_container: RunContainer) -> None:
    """The socket that is kept between attempts goes with the namespace that it was made in."""
    address = start_nginx(run_container, network, "return 200 x;", listen="81")
    target, asked = Target("id1", "web1", address, 80), Asked(box.view)
    try:
        asked.prober.follow([target])
        await asked.until(target, lambda f: "refused" in f.reason)
        await asyncio.to_thread(box.client.restart, f"proxyctl-{network}", timeout=0)
        await box.lifecycle.ensure()
        host = box.client.containers(filters={"network": network, "label": "proxyctl.test"})[0]["Id"]
        listen = box.client.exec_create(host, ["nc", "-l", "-p", "80"])["Id"]
        box.client.exec_start(listen, detach=True)
        await asked.until(target, lambda f: f.ok)
    finally:
        await asked.prober.close()


async def test_a_black_hole(asked: Asked, network: str, box: Box) -> None:
    """An address that nobody has answers nothing; the attempt ends by itself and says so."""
    subnet = box.client.inspect_network(network)["IPAM"]["Config"][0]["Subnet"]
    target = Target("id1", "gone", subnet.rsplit(".", 1)[0] + ".250", 80)
    asked.prober.follow([target])
    finding = await asked.until(target, lambda f: f.reason not in {"", "not asked yet"})
    assert not finding.ok
    assert "nothing" in finding.reason


@pytest.mark.parametrize("way", ["sockets", "commands"])
async def test_an_http_check(way: str, box: Box, network: str, run_container: RunContainer) -> None:
    """Up after the first success; down and up again by `fall` and `rise`; the wrong status is told."""
    address = start_nginx(run_container, network, "if (-e /tmp/down) { return 500; } return 204;")
    target = Target("id1", "web1", address, 80, CHECK)
    wrong = dataclasses.replace(target, check=dataclasses.replace(CHECK, status="200,3xx"))
    container = box.client.containers(filters={"network": network, "label": "proxyctl.test"})[0]["Id"]

    def switch(command: str) -> None:
        box.client.exec_start(box.client.exec_create(container, [command, "/tmp/down"])["Id"])

    asked = Asked(box.view if way == "sockets" else NoView(), box.access, grace=0.5)
    try:
        asked.prober.follow([target, wrong])
        await asked.until(target, lambda f: f.ok)
        late = await asked.until(wrong, lambda f: f.late)
        assert late.reason == f"GET http://{address}:80/healthz answered 204, and 200,3xx is wanted"
        switch("touch")
        down = await asked.until(target, lambda f: not f.ok)
        assert down.late
        assert "answered 500" in down.reason
        switch("rm")
        assert (await asked.until(target, lambda f: f.ok)).reason == ""
        assert [w for w in asked.woken if w.startswith("web1 answers")] == ["web1 answers"] * 2
    finally:
        await asked.prober.close()


async def test_what_is_not_http(asked: Asked, network: str, box: Box) -> None:
    """A server of another protocol does not pass, and neither does one that is too slow."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example.com ESMTP\r\n")
        await reader.read()
        writer.close()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    host = box.client.inspect_network(network)["IPAM"]["Config"][0]["Gateway"]
    check = dataclasses.replace(CHECK, timeout_ms=200)
    async with await asyncio.start_server(serve, host, 0) as mail, await asyncio.start_server(silent, host, 0) as mute:
        other, slow = (Target("id1", "x", host, s.sockets[0].getsockname()[1], check) for s in (mail, mute))
        asked.prober.follow([other, slow])
        assert (await asked.until(other, lambda f: f.reason != "not asked yet")).reason.endswith(
            "not answered with HTTP"
        )
        assert (await asked.until(slow, lambda f: f.reason != "not asked yet")).reason.endswith("longer than 200 ms")
        await asked.prober.close()


async def test_the_same_set_again_is_cheap() -> None:
    """Following what is followed already starts nothing: 1,000 targets cost far less of a processor than a pass."""
    targets = [Target(f"id{n}", f"web{n}", "127.0.0.1", 1) for n in range(1000)]
    prober = Prober(LocalView(), lambda _: None)
    prober.follow(targets)
    before = time.thread_time()
    prober.follow(targets)
    assert time.thread_time() - before < 0.05
    await prober.close()


async def test_an_image_without_any_tool(box: Box) -> None:
    """Where nothing can ask, the server is taken, and the finding says that nobody looked."""

    class Bare(CountedGateway):
        async def run(self, argv: Sequence[str]) -> Ran:
            return await super().run([*argv[:2], f"command() {{ false; }}; {argv[2]}", *argv[3:]])

    asked = Asked(NoView(), gateway=Bare(box.access))
    target = Target("id1", "web1", "172.31.255.254", 80)
    asked.prober.follow([target])
    found = await asked.until(target, lambda f: f.ok)
    assert found.reason == "cannot be probed from here: the gateway's image has neither bash nor nc"
    await asked.prober.close()


async def test_a_gateway_that_is_not_there() -> None:
    """Without sockets and without a gateway nothing is found out, and nothing is taken for granted."""
    asked = Asked(NoView())
    target = Target("id1", "web1", "172.31.255.254", 80)
    asked.prober.follow([target])
    assert not (await asked.until(target, lambda f: "cannot be seen" in f.reason)).ok
    await asked.prober.close()


async def test_a_fault_of_the_probe_itself() -> None:
    """An unexpected exception is a finding, not a target that waits for ever."""

    class Broken(LocalView):
        def open(self, family: socket.AddressFamily, kind: socket.SocketKind, protocol: int = 0) -> socket.socket:
            raise RuntimeError(family.name, kind.name)

    asked = Asked(Broken())
    target = Target("id1", "web1", "127.0.0.1", 80)
    asked.prober.follow([target])
    found = await asked.until(target, lambda f: f.late)
    assert found.reason == "the probe itself failed: RuntimeError('AF_INET', 'SOCK_STREAM')"
    assert asked.woken
    await asked.prober.close()
