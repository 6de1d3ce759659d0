"""Carries out one plan: at run time where that is enough, else stage → check → swap → reload → confirm, else back.

The transaction behind the promise that nothing unproven goes live. Knows ports only. Called by `reach`.
"""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import Collection, Sequence

import structlog

from proxyctl.core.effect import same_servers
from proxyctl.core.model import ConfigFiles, Desired, Running
from proxyctl.core.plan import How, Plan
from proxyctl.engines.port import Engine
from proxyctl.engines.timings import timed
from proxyctl.errors import ConfigRefused, GatewayError, ReloadFailed, RuntimeRefused
from proxyctl.reconcile.refusals import Refusals
from proxyctl.state.history import summary
from proxyctl.state.port import Generation, Generations, Inputs

log = structlog.get_logger()

BOOT = 3.0  # seconds that a proxy may take to answer after its container was started


@dataclasses.dataclass(frozen=True, slots=True)
class Applied:
    """What one apply did: how the proxy took the plan, why a reload was needed, and the seconds that it took."""

    how: How
    plan: Plan
    reasons: tuple[str, ...] = ()
    seconds: float = 0.0


class Applier:
    """Applies plans, and remembers what the running proxy was last confirmed to do."""

    def __init__(self, engine: Engine, generations: Generations, refusals: Refusals) -> None:
        """Take a proxy that runs or waits for its first generation, its generations, and the memory of refusals."""
        self._engine = engine
        self._generations = generations
        self._refusals = refusals
        self._before: Generation | None = None
        self.applied: Generation | None = None
        self.accepted = Desired()
        """What the proxy's own check last accepted. `applied` is ahead after a run-time change with a refused file."""

    async def adopt(self) -> bool:
        """Return whether the proxy already runs the current generation; if so, take that as applied.

        If not, the first apply loads a generation. A proxy that was just started has `BOOT` seconds to answer.
        """
        self.applied = None
        current = self._generations.current()
        if current is None:
            return False
        deadline = time.monotonic() + BOOT
        while (running := await self._engine.running()) is None and time.monotonic() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        if running is not None and self._runs(running, current):
            self.applied = current
            self.accepted = current.desired
            self._generations.confirm(current.number)
        return self.applied is not None

    async def still_true(self) -> bool:
        """Return whether the proxy still does what was applied: a restart or a foreign command may undo it."""
        running = await self._engine.running()
        return running is not None and self.applied is not None and self._runs(running, self.applied)

    def _runs(self, running: Running, generation: Generation) -> bool:
        """Return whether a proxy runs a generation.

        After run-time changes it still answers with the revision of an older file. So a proxy that lists its servers
        is compared by topology and servers, any other proxy by revision.
        """
        if running.servers is None:
            return running.revision == generation.revision
        same = same_servers(running.servers, generation.desired)
        return running.topology == generation.topology and same

    @property
    def previous(self) -> Desired:
        """What the proxy does before the next plan: `applied`, else the current generation, so no server is dropped."""
        generation = self.applied or self._generations.current()
        return generation.desired if generation else Desired()

    async def apply(
        self, plan: Plan, files: ConfigFiles, inputs: Inputs, drained: Collection[tuple[str, str]] = ()
    ) -> Applied:
        """Carry out a plan, printed as `files` from `inputs`; on any failure the proxy goes on with what it had.

        `drained` are the (pool, container id) of servers whose drain is over: their last connections are cut before
        they leave. Raise ConfigRefused or ReloadFailed with the proxy's own reason; files that were refused before
        raise the same error without another try.
        """
        start, desired = time.monotonic(), plan.after
        if plan.how == "unchanged" and self.applied is not None:
            # On nginx the same file is printed with a draining server and without it: only `applied` changes.
            self.applied = dataclasses.replace(self.applied, desired=desired, pinned=inputs.pinned)
            self.accepted = desired
            return Applied("unchanged", plan)
        self._refusals.raise_known(files.revision)
        reasons = plan.reasons
        if over := [(p, s.name) for p, s in plan.removed if (p, s.container) in drained]:
            await self._engine.cut(over)
        how: How = "reload"
        if not reasons:
            try:
                with timed("runtime"):
                    await self._engine.change(plan, files)
            except RuntimeRefused as exc:
                reasons = (f"run-time change refused: {exc}",)
            else:
                how = "runtime"
        try:
            number = await self._stage(desired, files, inputs, summary(plan, reasons, inputs.pinned))
            if how == "reload":
                await self._reload(number, files)
        except (ConfigRefused, ReloadFailed, OSError) as exc:
            self._failed(exc, files, desired, how)
            raise
        self.applied = Generation(number, files.revision, files.topology, desired, inputs.pinned)
        self.accepted = desired
        await asyncio.to_thread(self._generations.confirm, number)
        self._refusals.forget_files()
        return Applied(how, plan, reasons, time.monotonic() - start)

    def _failed(
        self, exc: ConfigRefused | ReloadFailed | OSError, files: ConfigFiles, desired: Desired, how: How
    ) -> None:
        if not isinstance(exc, OSError):  # a full disk says nothing about these files
            self._refusals.add_files(files.revision, exc)
        if how == "runtime" and self.applied is not None:
            # The servers have changed already; the file on disk is still the last one that loads.
            self.applied = dataclasses.replace(self.applied, desired=desired)

    async def refusal(self, desired: Desired, files: ConfigFiles, inputs: Inputs) -> str:
        """Return why the proxy's own check refuses files that it does not run; an empty string when it accepts them."""
        number = await asyncio.to_thread(self._generations.stage, files, desired, inputs, ())
        try:
            await self._engine.check(self._generations.path(number), files)
        except ConfigRefused as exc:
            return str(exc)
        finally:
            self._generations.drop(number)
        return ""

    async def _stage(self, desired: Desired, files: ConfigFiles, inputs: Inputs, changes: Sequence[str]) -> int:
        """Write and check a generation; make it current unless the proxy must be reloaded for it."""
        with timed("stage"):
            number = await asyncio.to_thread(self._generations.stage, files, desired, inputs, changes)
        try:
            with timed("check"):
                await self._engine.check(self._generations.path(number), files)
        except BaseException:
            self._generations.drop(number)
            raise
        self._before = self._generations.current()
        with timed("switch"):
            await asyncio.to_thread(self._generations.switch, number)
        return number

    async def _reload(self, number: int, files: ConfigFiles) -> None:
        try:
            await self._engine.reload(files.revision)
        except (ReloadFailed, GatewayError):
            before = self._before
            if before is not None:
                self._generations.switch(before.number)
                self._generations.drop(number)
                running = await self._engine.running()
                if running is not None and running.revision in {files.revision, ""}:
                    # Loaded after all: after the deadline, or it does not say what it is. So back as well.
                    await self._engine.reload(before.revision)
            raise
