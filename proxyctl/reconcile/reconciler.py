"""One pass, from the snapshot to the confirmed proxy, then the loop of passes.

Level-triggered: wake-ups say only "look again". The first after quiet runs at once, those that come during a pass
make the next one; reloads are spaced, while run-time changes, what takes traffic away and operators never wait.
Knows ports, never edges. Next: `apply`, which carries one result out.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Protocol

import structlog

from proxyctl.core.decide import vanished
from proxyctl.core.decide.desired import Outcome, desired, targets
from proxyctl.core.decide.readiness import merged, undecided, unproven
from proxyctl.core.model import (
    ConfigFiles,
    Desired,
    Features,
    Override,
    Pin,
    Problem,
    Snapshot,
)
from proxyctl.core.status import Status
from proxyctl.engines.port import Engine
from proxyctl.engines.render import render
from proxyctl.engines.timings import gathered, lap
from proxyctl.errors import (
    ConfigRefused,
    DockerUnavailable,
    GatewayError,
    ProxyctlError,
    ReloadFailed,
    TemplateError,
)
from proxyctl.gateway.port import Lifecycle, Prober, Severing
from proxyctl.providers.port import Resolver, Source
from proxyctl.reconcile.apply import Applied, Applier
from proxyctl.reconcile.drains import Drains
from proxyctl.reconcile.journal import Journal
from proxyctl.reconcile.names import Names
from proxyctl.reconcile.pacing import Spacing
from proxyctl.reconcile.refusals import Quarantine
from proxyctl.reconcile.reporting import Reporter
from proxyctl.state.port import Generation, Inputs

log = structlog.get_logger()

RETRY_FIRST, RETRY_LAST = 0.25, 5.0
_STATE_FAILED = "the state folder cannot be written, the proxy serves on as it is"
RETRY_REFUSED = 60.0  # seconds until what was refused is tried again: its reason may lie outside, as a taken port


class Overrides(Protocol):
    """Where operators' decisions are kept."""

    def all(self) -> Mapping[str, Override]:
        """Return them by container id."""

    def forget_except(self, containers: Iterable[str]) -> None:
        """Drop those on containers that are gone."""

    @property
    def maintenance(self) -> Collection[str]:
        """The pools in maintenance."""

    def forget_pools_except(self, pools: Iterable[str]) -> None:
        """End the maintenance of pools that are gone."""


class Reconciler:
    """Brings the proxy to what Docker says, again and again."""

    def __init__(  # noqa: PLR0913 - every collaborator, wired in `daemon` alone
        self,
        *,
        source: Source,
        resolver: Resolver,
        prober: Prober,
        gateway: Lifecycle,
        engine: Engine,
        applier: Applier,
        severing: Severing,
        features: Features,
        decisions: Overrides,
        held: Callable[[], Pin | None],
        read_inputs: Callable[[], Inputs],
        feed: Journal,
        spacing: float,
        resync: float,
    ) -> None:
        """Take every collaborator, the least seconds between two reloads, and those between two listings."""
        self._source, self._prober, self._gateway = source, prober, gateway
        self._engine, self._applier, self._features = engine, applier, features
        self._decisions, self._held, self._read_inputs, self._feed = decisions, held, read_inputs, feed
        self._severing = severing
        self._reporter = Reporter(source, engine, features, resync)
        self._names = Names(resolver, self.wake)
        self._quarantine = Quarantine()
        self._drains = Drains()
        self._refused_until = 0.0
        self._spacing = Spacing(spacing)
        self._woken = asyncio.Event()
        self._at_once = self._next_at_once = False
        self._passed = asyncio.Event()
        self._unsettled = True  # set at the end of each pass: `settled` may look in the middle of one
        self._undecided = True
        self._inputs = read_inputs()
        self._good: Inputs | None = None
        self._inputs_stale = False
        self._file_problem = ""
        self._outcome = Outcome(Desired())
        self._gateway_changes = -1
        self._retry = RETRY_FIRST
        self._timer_due = float("inf")
        self.looks = 0
        """How often the outcome was worked out; each time sees the decisions that were kept before it."""
        self.refused = ""
        """Why the last pass could not have the proxy do what it wanted; empty when it could."""

    @property
    def applied(self) -> Generation | None:
        """What the running proxy was last confirmed to do."""
        return self._applier.applied

    @property
    def wanted(self) -> Desired:
        """What the proxy should do, by the last look."""
        return self._outcome.desired

    def wake(self, reason: str, *, at_once: bool = False) -> None:
        """Ask for a pass; called by the store, the prober, timers, and operators, whose reloads are not put off."""
        log.debug("woken", reason=reason)
        self._next_at_once |= at_once
        self._woken.set()

    def files_changed(self, reason: str, *, at_once: bool = False) -> None:
        """Ask for a pass that reads templates and settings anew."""
        self._inputs_stale = True
        self.wake(reason, at_once=at_once)

    async def run(self) -> None:
        """Make passes for ever."""
        while True:
            await self._woken.wait()
            self._woken.clear()
            with gathered() as took:
                try:
                    await self.one_pass()
                except OSError as exc:  # a disk that is full, or read-only
                    self._feed.record_problems((*self._outcome.problems, Problem("", "", f"{_STATE_FAILED}: {exc}")))
                    self._later(self._back_off(), "the state folder")
            log.debug("pass", **{f"{step}_ms": round(ms, 1) for step, ms in took.items()})
            self._passed.set()

    async def one_pass(self) -> Applied | None:
        """Look once and act; None when nothing could be applied. Problems are published, not raised."""
        snapshot = self._source.snapshot
        if snapshot is None:
            return None
        self._unsettled = True
        self._at_once, self._next_at_once = self._next_at_once, False
        found: list[Problem] = []
        try:
            await self._look_after_gateway()
        except (GatewayError, DockerUnavailable) as exc:
            self._feed.record_problems((*self._outcome.problems, Problem("", "", f"gateway: {exc}")))
            self._later(self._back_off(), "gateway")
            return None
        self._refresh_inputs()
        if self._quarantine and time.monotonic() >= self._refused_until:
            self._quarantine.forget()
            self._applier.retry_checks()
        self._decisions.forget_except([*(c.id for c in snapshot.containers), *snapshot.missing])
        wanted = await self._decide(snapshot)
        self._decisions.forget_pools_except({*wanted.inhabited, *(p.name for p in wanted.desired.pools)})
        self._outcome = self._quarantine.hold(self._applier.accepted, wanted)
        self.looks += 1
        applied, postponed, refused = None, False, ""
        try:
            applied = await self._reach(wanted)
            postponed = applied is None
            plan = applied.plan if applied is not None else self._applier.plan(self._outcome.desired)
            await self._severing.sever(plan.vacated(snapshot))
            self._retry = RETRY_FIRST
        except (ConfigRefused, ReloadFailed) as exc:
            refused = f"{self._engine.kind} refused the configuration, the old one serves on: {exc}"
            found.append(Problem("", "", refused))
        except (GatewayError, DockerUnavailable) as exc:
            found.append(Problem("", "", f"gateway: {exc}"))
            self._gateway_changes = -1
            self._later(self._back_off(), "gateway")
        found += self._outcome.problems
        if self._file_problem:
            found.append(Problem("", "", self._file_problem))
        if self._gateway.notice:
            found.append(Problem("", "", self._gateway.notice, "warning"))
        if (wait := self._drains.next_end(time.monotonic())) is not None:
            self._later(wait, "the end of a drain")
        if self._quarantine:
            self._later(self._refused_until - time.monotonic(), "to retry what was refused")
        self.refused = refused or self._file_problem
        self._feed.record_problems(found)
        self._unsettled = self._undecided or postponed
        return applied

    async def _look_after_gateway(self) -> None:
        changes = self._source.gateway_changes
        if changes == self._gateway_changes:
            return
        started, before = await self._gateway.ensure(), self._applier.applied
        if started or before is None or not await self._applier.still_true():
            adopted = await self._applier.adopt()
            if started or before is not None:  # it is another process, also where Docker started it by itself
                self._retry_refused()
            if started:
                self._feed.record("gateway", "the gateway was started" + (" and runs its last generation" * adopted))
            elif adopted:
                self._feed.record("gateway", "the running gateway was adopted as it is")
        self._gateway_changes = changes

    def _refresh_inputs(self) -> None:
        if not self._inputs_stale:
            return
        self._inputs_stale = False
        try:
            self._inputs = self._read_inputs()
        except ProxyctlError as exc:
            self._file_problem = f"{exc}; the last good ones stay in use"
        else:
            self._file_problem = ""
            self._retry_refused()

    def _retry_refused(self) -> None:
        self._applier.retry()
        self._quarantine.forget()

    async def _decide(self, snapshot: Snapshot) -> Outcome:
        options, held = self._inputs.options, self._held()
        with lap("plan"):
            wanted = targets(snapshot, options, self._features, held)
        previous = self._applier.known
        self._prober.follow(wanted)  # while DNS is asked; what it finds counts once the name does
        with lap("dns"):
            names = await self._names.check(unproven(wanted, previous))
        findings = merged(self._prober.findings(), names)
        self._undecided = undecided(wanted, findings)
        with lap("plan"):
            now = time.monotonic()
            outcome = desired(
                snapshot,
                findings=findings,
                decisions=self._decisions.all(),
                options=options,
                features=self._features,
                previous=previous,
                drained=self._drains.over(now),
                maintenance=self._decisions.maintenance,
                held=held,
            )
            self._drains.follow(outcome.leaving, now)
            return vanished.hold(outcome, snapshot, options, self._features, previous, self._outcome.kept)

    async def _reach(self, wanted: Outcome) -> Applied | None:
        """Apply what is wanted; what the proxy refuses of it is searched for and left out."""
        accepted = self._applier.accepted
        if reason := self._quarantine.in_vain(wanted.desired):
            raise ConfigRefused(reason)
        try:
            return await self._apply(self._outcome.desired)
        except (ConfigRefused, TemplateError) as exc:
            self._refused_until = time.monotonic() + RETRY_REFUSED
            last_good = self._good if self._good != self._inputs else None
            blamed = await self._quarantine.find(
                accepted, wanted.desired, self._refusal, str(exc), inputs_are_new=last_good is not None
            )
            if blamed and last_good:
                self._file_problem = f"{blamed}; the last good ones stay in use"
                self._inputs = last_good
                self.wake("back to the last good templates and settings")
                return None
        self._outcome = self._quarantine.hold(accepted, wanted)
        self._applier.retry_checks()
        try:
            return await self._apply(self._outcome.desired)
        except (ConfigRefused, TemplateError) as exc:
            raise self._quarantine.give_up(wanted.desired, str(exc)) from exc

    def _render(self, state: Desired) -> ConfigFiles:
        inputs = self._inputs
        return render(
            state,
            printer=self._engine.printer,
            features=self._features,
            tuning=inputs.tuning,
            templates=inputs.templates,
            token=inputs.token,
        )

    async def _refusal(self, state: Desired) -> str:
        try:
            files = self._render(state)
        except TemplateError as exc:
            return str(exc)
        reason = await self._applier.refusal(state, files, self._inputs)
        return f"{self._engine.kind} refused it: {reason}" if reason else ""

    async def _apply(self, state: Desired) -> Applied | None:
        with lap("render"):
            files = self._render(state)
        urgent = self._at_once or self._applier.plan(state).urgent
        if self._applier.reload_reasons(state, files) and not urgent:
            now = time.monotonic()
            held = self._spacing.wanting(files.revision, now)
            if (wait := held.wait(now)) > 0 and self._applier.applied is not None:
                self._spacing = held
                self._later(wait, "spacing of reloads")
                return None
        drained = self._drains.over(time.monotonic())
        done = await self._applier.apply(state, files, self._inputs, drained)
        if drained:
            self.wake("a drain is over")  # a pool that has lost its last container goes, now that it serves nobody
        self._good = self._inputs
        if done.how == "reload":
            self._spacing = self._spacing.reloaded(time.monotonic(), done.seconds)
        if done.how != "unchanged" or done.plan:
            self._feed.record_applied(done, self._applier.applied)
        return done

    def _back_off(self) -> float:
        self._retry = min(self._retry * 2, RETRY_LAST)
        return self._retry

    def _later(self, seconds: float, reason: str) -> None:
        """Wake after a while, unless a wake-up that comes earlier is on its way already."""
        loop = asyncio.get_running_loop()
        due = loop.time() + seconds
        if self._timer_due <= due:
            return
        self._timer_due = due
        loop.call_later(seconds, self._ring, reason)

    def _ring(self, reason: str) -> None:
        # Forgotten first: a timer may ring a moment early by the other clock, and is then set again.
        self._timer_due = float("inf")
        self.wake(reason)

    async def settled(self) -> Status:
        """Return the status once everything that is there now has joined or has a problem."""
        while self._applier.applied is None or self._unsettled:
            await self._passed.wait()
            self._passed.clear()
        return await self.status()

    async def status(self, *, figures: bool = True) -> Status:
        """Return the status of now; without live figures the proxy is not asked."""
        return await self._reporter.status(self._outcome, self._applier.applied, self._feed.problems, figures=figures)
