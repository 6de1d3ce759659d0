"""A real dockerd that ends and comes back, and one that was upgraded meanwhile: as the source and its client see it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator

import docker
import pytest

from proxyctl.providers.docker.client import PatientClient
from proxyctl.providers.docker.endpoint import Endpoint, reachable
from proxyctl.providers.docker.source import DockerSource
from tests.docker.private_engine import PrivateEngine, private_engine
from tests.providers.docker.fake_engine import UNCLOSED, collect_unclosed
from tests.providers.docker.following import until

pytestmark = [pytest.mark.docker, pytest.mark.filterwarnings(UNCLOSED)]


@pytest.fixture
def second_engine() -> Iterator[PrivateEngine]:
    """An engine without images that may be restarted."""
    with private_engine() as engine:
        yield engine
    collect_unclosed()


async def test_dockerd_is_noticed_within_a_second_after_it_answers(second_engine: PrivateEngine) -> None:
    """Although the next attempt would come 4 to 8 s later. It takes its 15 s: starts of dockerd, and such pauses."""
    source = DockerSource(
        lambda: PatientClient(base_url=second_engine.host),
        networks=("web",),
        label_prefix="proxyctl",
        resync=3600,
        reachable=lambda: reachable(lambda: Endpoint(f"http+{second_engine.host}")),
    )
    task = asyncio.create_task(source.run(lambda _: None))
    await until(lambda: source.connected, "the first listing")
    await asyncio.to_thread(second_engine.stop)
    await until(lambda: "is the engine running?" in source.problem, "the loss")
    await asyncio.sleep(8)
    await asyncio.to_thread(second_engine.start)
    answers = time.monotonic()
    await until(lambda: source.connected, "the return", within=5)
    assert time.monotonic() - answers < 1.0
    assert source.problem == ""
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("spoken", ["1.01", "1.99"])
def test_a_version_that_the_engine_refuses_is_negotiated_anew(docker_client: docker.DockerClient, spoken: str) -> None:
    """As after an upgrade, or the way back, of an engine under a client that is kept: by this engine's own words."""
    client = PatientClient()
    ours, client._version = client.api_version, spoken
    assert client.containers(all=True, limit=1) is not None
    assert client.api_version == ours
    assert client.version()["ApiVersion"] == ours
