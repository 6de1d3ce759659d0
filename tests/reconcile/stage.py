"""A reconciler between ports in memory, whose snapshot and whose proxy's refusals the test sets."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Collection, Iterable
from pathlib import Path

from proxyctl.core.labels.declaration import Options
from proxyctl.core.model import ConfigFiles, Container, Features, Problem, ServerCount, Snapshot, Target, Tuning
from proxyctl.engines import templates
from proxyctl.errors import ConfigRefused
from proxyctl.gateway.port import Ensured
from proxyctl.providers.port import Wake
from proxyctl.reconcile.apply import Applier
from proxyctl.reconcile.journal import Journal
from proxyctl.reconcile.ports import Ports
from proxyctl.reconcile.reconciler import Reconciler
from proxyctl.reconcile.refusals import Refusals
from proxyctl.state.generations import GenerationFolder
from proxyctl.state.overrides import Overrides
from proxyctl.state.port import Inputs
from tests.core.worlds import HAPROXY, NET, rules, world
from tests.in_memory import GATEWAY, MemoryEngine, MemoryProber, MemoryResolver, MemoryRoad


class MemorySource:
    """Implements `providers.port.Source`: the snapshot is what the test says."""

    def __init__(self) -> None:
        self.snapshot: Snapshot | None = None
        self.synced_at: float | None = None
        self.connected, self.problem, self.gateway_changes = True, "", 0
        self.problems: tuple[Problem, ...] = ()

    async def run(self, wake: Wake) -> None:
        """Follow nothing."""


class StagedGateway:
    """Implements `gateway.port.Lifecycle`: the gateway fails, or is started or connected, when the test says so."""

    def __init__(self) -> None:
        self.problems: tuple[Problem, ...] = ()
        self.fails: Exception | None = None
        self.done: Ensured = ""
        self.asked = 0
        self.slow: asyncio.Event | None = None

    async def ensure(self, serving: Collection[str] | None = None) -> Ensured:
        """Return what was done since the last question, once `slow` is set where there is one."""
        self.asked += 1
        if self.slow:
            await self.slow.wait()
        if self.fails:
            raise self.fails
        done, self.done = self.done, ""
        return done


class NotedSevering:
    """Implements `gateway.port.Severing`: notes the addresses."""

    def __init__(self) -> None:
        self.severed: set[str] = set()

    async def sever(self, addresses: Collection[str]) -> None:
        """Note them."""
        self.severed |= set(addresses)


class RefusingEngine(MemoryEngine):
    """A proxy that checks, and refuses files in which one of the words in `refuses` stands."""

    def __init__(self, features: Features, generations: GenerationFolder) -> None:
        super().__init__(features, generations)
        self.refuses: set[str] = set()
        self.checks = self.reloads = self.counted = 0
        self.was_cut: list[tuple[str, str]] = []
        self.fails: Exception | None = None

    async def reload(self, revision: str) -> None:
        """Fail where the test says so."""
        self.reloads += 1
        if self.fails:
            raise self.fails
        await super().reload(revision)

    async def cut(self, servers: Iterable[tuple[str, str]]) -> None:
        """Note the servers."""
        self.was_cut += servers

    async def counts(self) -> tuple[ServerCount, ...]:
        """Return one request of each server that it has."""
        self.counted += 1
        return tuple(ServerCount(p.name, s.name, 1, up=None) for p in self.does.pools for s in p.servers)

    async def check(self, folder: str, files: ConfigFiles) -> None:
        """Refuse by the text, as a proxy does."""
        self.checks += 1
        for word in self.refuses:
            if any(word in text for _, text in files.files):
                message = f"unknown word {word}"
                raise ConfigRefused(message)


class Stage:
    """The reconciler, and everything around it that a test sets or looks at."""

    def __init__(self, folder: Path, features: Features = HAPROXY, spacing: float = 0) -> None:
        self._folder = folder
        self.generations = generations = GenerationFolder(folder / "proxy")
        generations.prepare()
        self.source, self.engine = MemorySource(), RefusingEngine(features, generations)
        self.inputs = Inputs(Options(), Tuning(), templates.load(features.engine, None), "0" * 32)
        self.read: Callable[[], Inputs] = lambda: self.inputs
        self.overrides = Overrides(folder)
        self.gateway, self.severing, self.road = StagedGateway(), NotedSevering(), MemoryRoad()
        self.dns = MemoryResolver(self._addresses)
        self.answers: Callable[[Target], bool] = lambda _: True
        self.refusals, self.journal = Refusals(), Journal()
        self.applier = Applier(self.engine, generations, self.refusals)
        ports = Ports(
            source=self.source,
            resolver=self.dns,
            prober=MemoryProber(self._answers, lambda _: None),
            gateway=self.gateway,
            gateway_id=lambda: GATEWAY,
            road=self.road,
            engine=self.engine,
            severing=self.severing,
            overrides=self.overrides,
            pin=lambda: None,
            read_inputs=self._read,
            grace=10,
        )
        made = rules(features)
        self.reconciler = Reconciler(ports, self.applier, self.refusals, made, self.journal, spacing=spacing, resync=30)

    def _read(self) -> Inputs:
        return self.read()

    def _answers(self, target: Target) -> bool:
        return self.answers(target)

    def _addresses(self) -> dict[str, str]:
        there = self.source.snapshot.containers if self.source.snapshot else ()
        return {c.name: c.address_on(NET) for c in there}

    async def sees(self, *containers: Container, at_once: bool = True) -> None:
        """Make one pass in a world of these containers; `at_once`: no reload is deferred."""
        self.reconciler.wake("test", at_once=at_once)
        self.source.snapshot = world(*containers)
        await self.reconciler.one_pass()

    def restarted(self) -> Stage:
        """Return a new proxyctl on the same state folder and the same running proxy."""
        again = Stage(self._folder, self.engine._features)
        again.engine.does = self.engine.does
        again.engine.revision, again.engine._topology = self.engine.revision, self.engine._topology
        return again

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run the loop beside the block, with a first wake-up."""
        self.reconciler.wake("start")
        task = asyncio.create_task(self.reconciler.run())
        try:
            yield
            assert not task.done(), task.exception()
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    @property
    def serving(self) -> dict[str, list[str]]:
        """The servers of each pool, by what the proxy does."""
        return {p.name: [s.name for s in p.servers] for p in self.engine.does.pools}

    @property
    def reasons(self) -> list[str]:
        """The problems of the last pass, for people."""
        return [p.reason for p in self.journal.problems]
