"""The status of a `watch`: what Docker's listing, the last outcome and the proxy's own figures say together."""

from __future__ import annotations

import time
from pathlib import Path

from proxyctl.core.status import Status
from tests.core.worlds import container
from tests.reconcile.stage import Stage

A, B = container("a", {"pool": "web"}), container("b", {"pool": "web"})


async def status(stage: Stage, *, figures: bool = True) -> Status:
    """Return the status of a watch whose listing is fresh."""
    stage.source.synced_at = time.time()
    return await stage.reconciler.status(figures=figures)


async def test_before_docker_was_listed_it_says_so(tmp_path: Path) -> None:
    """There are no pools then, no generation, and nothing that the proxy could be asked for."""
    stage = Stage(tmp_path)
    found = await stage.reconciler.status()
    assert (found.network, found.pools, found.generation, found.revision) == (None, (), None, None)
    assert (found.engine, found.version) == ("haproxy", "3.2.26")
    assert (found.synced_seconds_ago, found.stale_reason) == (None, "Docker has not been listed yet")
    assert stage.engine.counted == 0


async def test_it_says_what_the_proxy_was_confirmed_to_do(tmp_path: Path) -> None:
    """With the figures of each server, or without asking the proxy for them."""
    stage = Stage(tmp_path)
    await stage.sees(A, B, container("odd", {"weight": "much"}))
    found = await status(stage)
    applied = stage.reconciler.applied
    assert applied is not None
    assert (found.network, found.generation, found.revision) == ("shop", applied.number, applied.revision)
    assert [(s.name, s.state, s.requests) for p in found.pools for s in p.servers] == [("a", "up", 1), ("b", "up", 1)]
    assert [p.container for p in found.problems] == ["odd"]
    assert found.stale_reason is None
    assert found.synced_seconds_ago is not None
    assert 0 <= found.synced_seconds_ago < 60
    found = await status(stage, figures=False)
    assert {s.requests for p in found.pools for s in p.servers} == {None}
    assert stage.engine.counted == 1


async def test_it_says_why_it_may_be_out_of_date(tmp_path: Path) -> None:
    """Docker's own reason, and whether its events come; the pools stay as they are known."""
    stage = Stage(tmp_path)
    await stage.sees(A)
    stage.source.problem, stage.source.connected = "ping: Docker does not answer", False
    found = await status(stage)
    assert (found.stale_reason, found.events_connected) == ("ping: Docker does not answer", False)
    assert [p.name for p in found.pools] == ["web"]
