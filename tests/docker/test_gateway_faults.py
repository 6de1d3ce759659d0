"""A gateway that others stop, remove or made: one line that says so, and nothing of theirs is taken away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import docker.types
import pytest

from proxyctl.core import layout
from proxyctl.edges.docker.gateway import ENGINE_LABEL
from proxyctl.errors import GatewayError
from tests.docker.box import Box
from tests.docker.watching import BACKEND, LABEL, Watch

pytestmark = pytest.mark.docker


@pytest.fixture
async def box(network: str, tmp_path: Path) -> AsyncIterator[Box]:
    """Return a gateway that runs."""
    made = Box(network, tmp_path / "proxy", "haproxy")
    await made.start()
    yield made
    await made.gateway.ensure()
    await made.close()


async def test_one_that_is_removed_while_it_is_started_is_told(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    """Docker's 404 is no internal error; the next try makes a new one."""
    name, start = f"proxyctl-{box.network}", box.client.start
    box.client.stop(name, timeout=0)

    def remove_first(container: str) -> Any:
        monkeypatch.undo()
        box.client.remove_container(name, force=True)
        return start(container)

    monkeypatch.setattr(box.client, "start", remove_first)
    with pytest.raises(GatewayError, match="No such container"):
        await box.gateway.ensure()
    assert await box.gateway.ensure()


async def test_a_command_in_one_that_ends_meanwhile_refuses_nothing(box: Box) -> None:
    """A check that fails because its gateway is gone says nothing about the configuration."""
    running = asyncio.create_task(box.gateway.run(("sh", "-c", "sleep 0.7; exit 1")))
    await asyncio.to_thread(box.client.kill, f"proxyctl-{box.network}")
    with pytest.raises(GatewayError, match="the gateway ended while sh ran in it"):
        await running


def test_one_that_was_made_by_others_is_not_removed(watch: Watch) -> None:
    """As compose makes it: where its proxy does not answer, `watch` says so and leaves it."""
    for folder in ("generations", "run"):
        (watch.state / "proxy" / folder).mkdir(parents=True)
    mount = docker.types.Mount(layout.MOUNT, str(watch.state / "proxy"), type="bind")
    theirs = watch.client.containers.run(
        BACKEND,
        name=f"proxyctl-{watch.network}",
        detach=True,
        network=watch.network,
        mounts=[mount],
        labels={layout.GATEWAY_LABEL: watch.network, ENGINE_LABEL: watch.engine, LABEL: "1"},
    )
    ran = watch.ctl("watch", "--engine", watch.engine, "--api", "off")
    assert ran.returncode == 1
    assert watch.engine in ran.stderr
    theirs.reload()
    assert theirs.status == "running"
