"""One pass: see that the gateway runs, gather the world, decide, have the proxy do it, publish the problems.

Knows the Protocols of `ports`, never what implements them. Next: `core.decide.decision` decides, then `reach` brings
the proxy there.
"""

from __future__ import annotations

import asyncio
import time

from proxyctl.core import codes, crashes, layout
from proxyctl.core.decide.decision import decide
from proxyctl.core.decide.members import Survey, survey
from proxyctl.core.decide.outcome import Outcome
from proxyctl.core.decide.readiness import undecided
from proxyctl.core.decide.world import World
from proxyctl.core.model import Problem, Snapshot
from proxyctl.core.rules import Rules
from proxyctl.engines.timings import timed
from proxyctl.errors import ConfigRefused, DockerUnavailable, GatewayError, ReloadFailed
from proxyctl.gateway.port import Ensured
from proxyctl.reconcile.apply import Applied, Applier
from proxyctl.reconcile.checkup import Checkup
from proxyctl.reconcile.dns_names import DnsNames
from proxyctl.reconcile.dns_pulse import DnsPulse
from proxyctl.reconcile.drains import Drains
from proxyctl.reconcile.health import Health
from proxyctl.reconcile.inputs import InputsInUse
from proxyctl.reconcile.inquiry import Inquiry
from proxyctl.reconcile.journal import Journal
from proxyctl.reconcile.pacing import Spacing
from proxyctl.reconcile.ports import Ports
from proxyctl.reconcile.reach import Reach
from proxyctl.reconcile.refusals import Refusals
from proxyctl.reconcile.wakes import Wakes

GATEWAY_PATIENCE = 0.5
"""Seconds that a pass waits to hear how the gateway is: no drain may wait for an engine that has too much to do."""


class OnePass:
    """Makes one pass at each call, and keeps the outcome of the last pass."""

    def __init__(
        self,
        ports: Ports,
        applier: Applier,
        refusals: Refusals,
        rules: Rules,
        spacing: float,
        journal: Journal,
        wakes: Wakes,
    ) -> None:
        """Take every collaborator, and `spacing`, the least seconds between two reloads."""
        self._ports, self._applier, self._rules = ports, applier, rules
        self._refusals, self._journal, self._wakes = refusals, journal, wakes
        self.inputs = InputsInUse(ports.read_inputs, refusals)
        self.dns = DnsPulse(ports.resolver, ports.gateway_id, wakes.wake)
        self._inquiry = Inquiry(ports.prober, DnsNames(ports.resolver, wakes.wake, self.dns))
        self._reach = Reach(ports.engine, applier, rules, self.inputs, refusals, wakes, Spacing(spacing))
        self._drains = Drains()
        self.health = Health(ports.engine, wakes.wake, ports.grace)
        self.checkup = Checkup(ports.road, ports.engine, wakes.wake)
        self._survey: Survey | None = None
        self._looked_at = 0.0
        self._held: tuple[crashes.Held, ...] = ()
        self._undecided = True
        self._gateway_changes = self._ensuring_for = -1
        self._ensuring: asyncio.Task[Ensured] | None = None
        self.unsettled = True
        """Whether a container may still join by itself: its readiness is undecided, or a reload is deferred."""
        self.decided = 0
        """How many outcomes were decided; each of them sees every override that was kept before it."""

    @property
    def outcome(self) -> Outcome:
        """The last outcome."""
        return self._reach.outcome

    async def __call__(self) -> Applied | None:
        """Make a pass and return what was applied; None when nothing was. Problems are published, not raised."""
        snapshot = self._ports.source.snapshot
        if snapshot is None:
            return None
        self.unsettled = True
        at_once = self._wakes.take_at_once()
        amiss: tuple[Problem, ...] = ()
        try:
            await self._look_after_gateway()
        except (GatewayError, DockerUnavailable) as exc:
            amiss = (_of_gateway(exc),)
            self._wakes.back_off("gateway")
            if self._applier.applied is None:
                self._journal.record_problems((*self.outcome.problems, *amiss))
                return None
        self.inputs.refresh()
        self._refusals.expire(time.monotonic())
        self._ports.overrides.forget_except([*(c.id for c in snapshot.containers), *snapshot.missing])
        world = await self._look(snapshot)
        self._decide(world)
        return await self._act(world, amiss, at_once=at_once)

    async def _ensured(self) -> Ensured | None:
        """Have the gateway run as it should; return what that took, None when there is nothing new to take in.

        An answer of Docker that takes long is taken in by a later pass.
        """
        if self._ensuring is None:
            if self._ports.source.gateway_changes == self._gateway_changes:
                return None
            self._ensuring_for = self._ports.source.gateway_changes
            serving = {s.address for pool in self._applier.previous.pools for s in pool.servers}
            self._ensuring = asyncio.create_task(self._ports.gateway.ensure(serving), name="gateway")
            await asyncio.wait({self._ensuring}, timeout=GATEWAY_PATIENCE if self._applier.applied else None)
            if not self._ensuring.done():
                self._ensuring.add_done_callback(lambda _: self._wakes.wake("the gateway was looked after"))
        if not self._ensuring.done():
            return None
        ensuring, self._ensuring = self._ensuring, None
        return await ensuring

    async def _look_after_gateway(self) -> None:
        done = await self._ensured()
        if done is None:
            return
        before = self._applier.applied
        started = done == "started"
        if started or before is None or not await self._applier.still_true():
            adopted = await self._applier.adopt()
            if started or before is not None:
                # The proxy is a new process, also where Docker restarted it: it may refuse other things.
                self._refusals.forget()
            if started:
                self._journal.record("gateway", "the gateway was started" + " and runs its last generation" * adopted)
            elif adopted:
                self._journal.record("gateway", "the running gateway was adopted as it is")
        if done == "connected":
            self._journal.record("gateway", "the gateway was cut off its network, and is connected again")
        self._gateway_changes = self._ensuring_for
        self.checkup.soon()

    async def _look(self, snapshot: Snapshot) -> World:
        """Return the world of this pass: survey of the snapshot, findings, overrides, and what the proxy does now."""
        previous, overrides = self._applier.previous, self._ports.overrides
        with timed("plan"):
            seen = survey(snapshot, self.inputs.now.options, self._rules, previous, self._ports.pin(), self._survey)
        self._survey = seen
        findings = await self._inquiry.findings(seen.targets, previous)
        self._undecided = undecided(seen.targets, findings)
        self._looked_at = time.monotonic()
        self._held = crashes.held(snapshot.crashes, self._looked_at)
        return World(
            survey=seen,
            findings=findings,
            overrides=dict(overrides.all()),
            maintenance=overrides.maintenance,
            drained=self._drains.over(self._looked_at),
            previous=previous,
            retained=self.outcome.retained,
            accepted=self._applier.accepted,
            failing=dict(self.health.failing),
            crashing={each.name: each.reason for each in self._held},
            excluded=dict(self._refusals.parts),
        )

    def _decide(self, world: World) -> None:
        with timed("plan"):
            self._reach.outcome = outcome = decide(world)
        self._drains.follow(outcome.leaving, self._looked_at)
        self._refusals.prune(world.accepted, outcome.wanted)
        self._ports.overrides.forget_pools_except({*outcome.inhabited, *(p.name for p in outcome.wanted.pools)})
        self.decided += 1

    async def _act(self, world: World, amiss: tuple[Problem, ...], *, at_once: bool) -> Applied | None:
        """Have the proxy do what was decided, publish every problem and what is `amiss`; return what was applied."""
        found = list(amiss)
        applied, deferred, refused = None, False, ""
        try:
            reached = await self._reach.reach(world, at_once=at_once)
            applied, deferred = reached.applied, reached.applied is None
            if applied is not None:
                self._applied(applied)
            if reached.plan is not None:
                await self._ports.severing.sever(reached.plan.vacated(world.survey.snapshot))
            if not amiss:
                self._wakes.calm()
        except (ConfigRefused, ReloadFailed) as exc:
            refused = f"{self._rules.features.engine} refused the configuration, the old one serves on: {exc}"
            found.append(Problem("", "", refused, code=codes.REFUSED))
        except (GatewayError, DockerUnavailable) as exc:
            found = [_of_gateway(exc)]
            self._gateway_changes = -1
            self._wakes.back_off("gateway")
        self._set_timers()
        found += self.dns.problems(layout.gateway_name(world.survey.snapshot.network))
        self._refusals.last_pass = refused or self._refusals.inputs
        self._publish(found)
        self.unsettled = self._undecided or deferred
        return applied

    def _applied(self, done: Applied) -> None:
        over = self._drains.over(self._looked_at)
        if any((pool, server.container) in over for pool, server in done.plan.removed):
            # A server has just left. Where it was the last of its pool, the next pass removes the pool.
            self._wakes.wake("a drain is over")
        if done.plan.joins:
            self._wakes.wake("a server has joined")  # from now on its pool may go by its labels
        if done.how != "unchanged" or done.plan:
            self._journal.record_applied(done, self._applier.applied)
        if done.how == "reload":
            self.checkup.soon()

    def _set_timers(self) -> None:
        now = time.monotonic()
        if (wait := self._drains.next_end(self._looked_at)) is not None:
            self._wakes.later(max(0.0, self._looked_at + wait - now), "the end of a drain")
        for wait in (each.seconds for each in self._held if each.seconds is not None):
            self._wakes.later(max(0.0, self._looked_at + wait - now), "the end of a wait after crashes")
        if (wait := self._refusals.wait(now)) is not None:
            self._wakes.later(wait, "to retry what was refused")

    def _publish(self, found: list[Problem]) -> None:
        found += self.outcome.problems
        if self._refusals.inputs:
            found.append(Problem("", "", self._refusals.inputs, code=codes.INPUTS))
        found += (*self._ports.gateway.problems, *self._ports.source.problems, *self.checkup.problems)
        self._journal.record_problems(found)


def _of_gateway(exc: Exception) -> Problem:
    return Problem("", "", f"gateway: {exc}", code=codes.GATEWAY)
