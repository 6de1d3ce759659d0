"""A source that follows the fake engine, with times so small that a resync is no wait."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from proxyctl.core.model import Container, Snapshot
from proxyctl.providers.docker import connection, stopping
from proxyctl.providers.docker.endpoint import reachable
from proxyctl.providers.docker.questions import Questions
from proxyctl.providers.docker.source import DockerSource
from tests.providers.docker.fake_engine import FakeEngine
from tests.providers.docker.world import World

NET = "shop"
ENABLED = {"proxyctl.enable": "true"}
NEVER = 3600.0
"""Seconds of a resync that does not come."""
RESYNC = 0.1
FASTER = 50
"""How many times faster the source's back-off runs: 0.5 s → 30 s becomes 10 ms → 0.6 s."""


def two(world: World) -> None:
    """Run `web1` and `web2`."""
    for name in ("web1", "web2"):
        world.run(name, NET, ENABLED)


async def until(condition: Callable[[], Any], what: str, within: float = 30.0) -> Any:
    """Return the first true value of `condition`; fail, naming what was awaited."""
    deadline = time.monotonic() + within
    while not (value := condition()):
        assert time.monotonic() < deadline, f"{what} did not come within {within} s"
        await asyncio.sleep(0.002)
    return value


def make_source(engine: FakeEngine, *, resync: float = RESYNC, join: tuple[str, ...] = ()) -> DockerSource:
    """Return a source whose back-off is shortened."""

    async def sleep(seconds: float) -> None:
        await asyncio.sleep(seconds / FASTER)

    return DockerSource(
        engine.client,
        networks=(NET, *join),
        label_prefix="proxyctl",
        resync=resync,
        reachable=lambda: reachable(engine.endpoint),
        sleep=sleep,
    )


@contextlib.asynccontextmanager
async def following(
    engine: FakeEngine,
    *,
    resync: float = RESYNC,
    grace: float = 0.03,
    wake: Callable[[str], None] = lambda _: None,
    join: tuple[str, ...] = (),
) -> AsyncIterator[DockerSource]:
    """Run a source beside the block, from its first listing on; pings and drift come as often as resyncs."""
    source = make_source(engine, resync=resync, join=join)
    task = asyncio.create_task(source.run(wake))
    patch = pytest.MonkeyPatch()
    patch.setattr(connection, "PING_EVERY", 0.05)
    patch.setattr(connection, "DRIFT_GRACE", grace)
    patch.setattr(stopping, "OOM_GRACE", 0.3)
    try:
        await until(lambda: source.connected or task.done(), "a first listing")
        yield source
        assert not task.done(), task.exception()
    finally:
        patch.undo()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def one_resync(source: DockerSource) -> None:
    """Wait for a full listing that began after now, maybe the second from now, and until no container is missing.

    A missing container is believed to be gone one resync later.
    """
    for _ in range(2):
        before = source.synced_at
        await until(lambda before=before: source.connected and source.synced_at != before, "a resync")  # type: ignore[misc]
    await until(lambda: source.snapshot and not source.snapshot.missing, "nobody to be missing")


async def fresh(engine: FakeEngine, join: tuple[str, ...] = ()) -> Snapshot:
    """Return what a source that is made now sees, however busy this machine is."""
    source = make_source(engine, join=join)
    source._ask = Questions(lambda: engine.client(patience=10))
    return await source.list_once()


def seen(source: DockerSource, name: str) -> Container | None:
    """Return a container of the source's snapshot by name."""
    assert source.snapshot is not None
    return next((c for c in source.snapshot.containers if c.name == name), None)


def forgiving(snapshot: Snapshot | None, engine: FakeEngine) -> Snapshot:
    """Return the snapshot without the mark `stopping` on those that really are, and without what is known of crashes.

    Who listed them only now, or missed the event, cannot know it; on all others it would be wrong.
    """
    assert snapshot is not None
    stopping = {box.id for box in engine.world.boxes.values() if box.stopping}
    containers = tuple(dataclasses.replace(c, stopping=False) if c.id in stopping else c for c in snapshot.containers)
    return dataclasses.replace(snapshot, containers=containers, crashes=())
