"""A gateway that others stop, remove or made: one line that says so, and nothing of theirs is taken away."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import docker.types
import pytest

from proxyctl.core import layout
from proxyctl.errors import GatewayError
from proxyctl.gateway.access import ENGINE_LABEL
from proxyctl.settings import EngineKind
from tests.docker.box import VERSIONS, Box, server, world
from tests.docker.command_line import run_here
from tests.docker.watching import BACKEND, LABEL, Watch

pytestmark = pytest.mark.docker


@pytest.fixture
async def box(network: str, tmp_path: Path) -> AsyncIterator[Box]:
    """Return a gateway that runs."""
    made = Box(network, tmp_path / "proxy", "haproxy")
    await made.start()
    yield made
    await made.lifecycle.ensure()
    made.close()


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
        await box.lifecycle.ensure()
    assert await box.lifecycle.ensure()


async def test_a_command_in_one_that_ends_meanwhile_refuses_nothing(box: Box) -> None:
    """A check that fails because its gateway is gone says nothing about the configuration."""
    running = asyncio.create_task(box.access.run(("sh", "-c", "sleep 0.7; exit 1")))
    await asyncio.to_thread(box.client.kill, f"proxyctl-{box.network}")
    with pytest.raises(GatewayError, match="the gateway ended while sh ran in it"):
        await running


@pytest.fixture
def tag(watch: Watch) -> Iterator[Callable[[str], str]]:
    """A function that leads one tag of this test to another image."""
    name = f"proxyctl-test/{watch.network}:1"

    def lead(change: str) -> str:
        box = watch.client.containers.create(f"proxyctl/{watch.engine}:latest", labels={LABEL: "1"})
        box.commit(*name.split(":"), changes=change)
        box.remove()
        return name

    yield lead
    watch.close()
    watch.client.images.remove(name, force=True)


@pytest.mark.parametrize("watch", ["haproxy"], indirect=True)
def test_one_that_runs_another_image_than_was_asked_for_says_so_and_serves(
    watch: Watch, tag: Callable[[str], str]
) -> None:
    """With the flags that it was made with there is nothing to tell; with another image, or a newer one, there is.

    It takes its 8 s: `watch` is started four times.
    """

    def told(*flags: str) -> list[str]:
        ran = watch.ctl_process("watch", "--engine", watch.engine, "--api", "off", "--once", *flags)
        assert ran.returncode == 0, ran.stderr
        return re.findall(r"reason=['\"]?(.* asked for.*? bring it)", ran.stderr)

    name, gateway = tag("LABEL made=first"), f"proxyctl-{watch.network}"
    again = f"`proxyctl down --network {watch.network} --state {watch.state} --keep-state` and another `watch` bring it"
    assert told("--image", name) == []
    made = watch.gateway.id
    other = f"proxyctl/{watch.engine}:latest"
    assert told("--image", other) == [f"{gateway} runs {name}, and {other} was asked for: {again}"]
    tag("LABEL made=later")
    assert told("--image", name) == [f"{gateway} runs an earlier {name}, and {name} was asked for: {again}"]
    assert told("--resync", "30s") == []  # no image was asked for
    assert watch.gateway.id == made
    assert watch.gateway.status == "running"


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
    ran = watch.ctl_process("watch", "--engine", watch.engine, "--api", "off")
    assert ran.returncode == 1
    assert watch.engine in ran.stderr
    theirs.reload()
    assert theirs.status == "running"


@pytest.mark.parametrize("kind", VERSIONS)
async def test_a_reload_ends_with_its_gateway(kind: EngineKind, network: str, tmp_path: Path) -> None:
    """Nobody waits for the answer of a proxy that is gone: the gateway is made again at once."""
    box = Box(network, tmp_path / "proxy", kind)
    try:
        await box.start()
        await box.load(world())
        files = box.render(world(server("web1", "172.31.255.254")))
        box.generations.switch(box.generations.stage(files, world()))
        box.client.remove_container(f"proxyctl-{network}", force=True)
        with pytest.raises(GatewayError, match="the gateway has ended"):
            await box.engine.reload(files.revision)
        assert await box.lifecycle.ensure()
        await box.engine.reload(files.revision)
    finally:
        box.close()


def test_down_leaves_one_that_has_its_state_elsewhere(watch: Watch, tmp_path: Path) -> None:
    """As that of compose, whose state is a volume: removed from the host, it would come back without its ports."""
    watch.start()
    watch.stop()
    ran = run_here("down", "--network", watch.network, "--state", str(tmp_path / "other"))
    assert ran.returncode == 1
    assert f"has its state in {watch.state}/proxy, and not in {tmp_path}/other/proxy" in ran.stderr
    assert watch.gateway.status == "running"
    assert watch.ctl("down").returncode == 0
