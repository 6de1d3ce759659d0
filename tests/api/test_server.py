"""`proxyctl.api.server`: what a monitor hears, through the real socket."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from proxyctl.api import client as control
from proxyctl.api.server import Api, serve
from proxyctl.cli import tables
from proxyctl.core.labels.declaration import Options
from proxyctl.core.model import Tuning
from proxyctl.providers.docker.source import DockerStore
from proxyctl.reconcile.apply import Applier
from proxyctl.reconcile.journal import Journal
from proxyctl.reconcile.reconciler import Reconciler
from proxyctl.state.generations import GenerationFolder
from proxyctl.state.overrides import Overrides
from proxyctl.state.port import Inputs
from tests.core.worlds import HAPROXY
from tests.in_memory import MemoryEngine, MemoryGateway, MemoryProber, MemoryResolver, MemorySevering


def unused(*_: Any, **__: Any) -> Any:
    """Stand where nobody calls."""
    raise AssertionError


def listed(ago: float, resync: float, folder: Path, *, connected: bool = True, problem: str = "") -> Reconciler:
    """Return a reconciler whose store listed Docker so long ago."""
    source = DockerStore(unused, network="web", label_prefix="proxyctl", resync=resync)
    source.synced_at, source.connected, source.problem = time.time() - ago, connected, problem
    generations = GenerationFolder(folder)
    engine = MemoryEngine(HAPROXY, generations)
    return Reconciler(
        source=source,
        resolver=MemoryResolver(dict),
        prober=MemoryProber(unused, unused),
        gateway=MemoryGateway(unused),
        engine=engine,
        applier=Applier(engine, generations, HAPROXY),
        severing=MemorySevering(),
        features=HAPROXY,
        decisions=Overrides(folder),
        held=lambda: None,
        read_inputs=lambda: Inputs(Options(), Tuning(), {}, ""),
        feed=Journal(),
        spacing=0,
        resync=resync,
    )


STORES = [
    ({"ago": 200, "resync": 300}, ""),
    ({"ago": 200, "resync": 60}, "Docker was listed 200 s ago, and should be every 60 s"),
    ({"ago": 1, "resync": 30, "connected": False, "problem": "ping: refused"}, "ping: refused"),
]


@pytest.mark.parametrize(("store", "reason"), STORES)
async def test_health_and_status_agree_on_what_is_stale(store: dict[str, Any], reason: str, tmp_path: Path) -> None:
    """By how often Docker is listed, not by a constant; both say why, and people read the same."""
    reconciler = listed(folder=tmp_path, **store)
    api = Api(
        status=reconciler.status,
        events=unused,
        settings=unused,
        decide=unused,
        maintain=unused,
        hold=unused,
        release=unused,
    )
    (runner,) = await serve(api, control=tmp_path / control.SOCKET, tcp=None)
    try:
        health = await asyncio.to_thread(control.ask, tmp_path, "/healthz")
        told = await asyncio.to_thread(control.ask, tmp_path, "/api/v1/status")
    finally:
        await runner.cleanup()
    assert (health["ok"], health["stale_reason"]) == (not reason, reason or None)
    assert (told["stale"], told["stale_reason"]) == (bool(reason), reason or None)
    console = Console(width=80)
    with console.capture() as shown_there:
        console.print(tables.status(told, width=80))
    shown = " ".join(shown_there.get().split())
    assert ("STALE" in shown, reason in shown) == (bool(reason), True)
