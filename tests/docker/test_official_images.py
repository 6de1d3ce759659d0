"""A gateway of an official image, for a proxyctl that may not enter its namespaces: all is done by `docker exec` there.

Such an image has Debian's shells and a few of its tools: no busybox, no `kill`, no `nc`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from proxyctl.core.model import HealthCheck, Target
from proxyctl.gateway.access import DockerAccess
from proxyctl.gateway.probe import Prober
from proxyctl.providers.docker.resolve import EmbeddedDns
from proxyctl.settings import EngineKind
from tests.docker.box import Box, RunContainer, named, server, start_backend, world
from tests.docker.conftest import ENGINES

pytestmark = pytest.mark.docker


@pytest.fixture(params=ENGINES)
async def box(
    request: pytest.FixtureRequest, network: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Box]:
    """A gateway of the official image that is started; its pid means nothing to this process."""
    monkeypatch.setattr(DockerAccess, "pid", None)
    kind: EngineKind = request.param
    made = Box(network, tmp_path / "proxy", kind, image=f"proxyctl/official-{kind}:latest")
    try:
        await made.start()
        yield made
    finally:
        made.close()


async def test_it_is_checked_loaded_and_reloaded(box: Box, network: str, run_container: RunContainer) -> None:
    """What it can do is read from its binary, and each configuration is confirmed; nginx gets its HUP from a shell."""
    one, two = (start_backend(run_container, network, named(name)) for name in ("one", "two"))
    await box.load(world(server("web1", one)))
    assert box.get()[::2] == (200, "one")
    await box.load(world(server("web1", two)))
    assert box.get()[::2] == (200, "two")


async def test_names_and_servers_are_asked_there(box: Box, network: str, run_container: RunContainer) -> None:
    """Docker's DNS answers getent, an unknown name is told as such, and bash connects to the servers."""
    address = start_backend(run_container, network, named("one"), name=f"{network}-1")
    resolver = EmbeddedDns(box.view, box.access)
    assert await resolver.resolve(f"{network}-1") == (address,)
    woken = asyncio.Event()
    prober = Prober(box.view, lambda _: woken.set(), box.access)
    check = HealthCheck("/healthz", interval_ms=100, timeout_ms=1000, rise=1, fall=1)
    targets = [Target("id1", "web1", address, 80), Target("id1", "web1", address, 80, check=check)]
    prober.follow(targets)
    try:
        async with asyncio.timeout(30):
            while not all(t in (found := prober.findings()) and found[t].ok for t in targets):
                woken.clear()
                await woken.wait()
    finally:
        await prober.close()
    assert all(found[t].reason == "" for t in targets)  # not: nobody could look


def test_it_has_as_little_as_that(box: Box) -> None:
    """Else the tests above would show nothing: no busybox, and no `nc` to ask a server with."""
    listed = box.access.run_by_exec(["ls", "/bin", "/usr/bin", "/usr/local/bin"])
    assert listed.code == 0
    assert not {"busybox", "nc", "nslookup", "ip"} & set(listed.output.split())
