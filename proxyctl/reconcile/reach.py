"""From a decision to the proxy that does it: render, plan, defer or apply, and search for what is refused.

Next: `apply`, which carries one plan out.
"""

from __future__ import annotations

import dataclasses
import time

from proxyctl.core.decide.decision import decide
from proxyctl.core.decide.outcome import Outcome
from proxyctl.core.decide.parts import build
from proxyctl.core.decide.world import World
from proxyctl.core.model import ConfigFiles, Desired
from proxyctl.core.plan import Plan, make
from proxyctl.core.rules import Rules
from proxyctl.engines.port import Engine
from proxyctl.engines.render import render
from proxyctl.engines.timings import timed
from proxyctl.errors import ConfigRefused, TemplateError
from proxyctl.reconcile.apply import Applied, Applier
from proxyctl.reconcile.inputs import InputsInUse
from proxyctl.reconcile.pacing import Spacing
from proxyctl.reconcile.refusals import Refusals
from proxyctl.reconcile.search import culprits, search
from proxyctl.reconcile.wakes import Wakes


@dataclasses.dataclass(frozen=True, slots=True)
class Reached:
    """What came of a decision. `plan` is None when nothing was tried, `applied` when the plan was deferred."""

    plan: Plan | None = None
    applied: Applied | None = None


class Reach:
    """Has the proxy do what was decided."""

    def __init__(
        self,
        engine: Engine,
        applier: Applier,
        rules: Rules,
        inputs: InputsInUse,
        refusals: Refusals,
        wakes: Wakes,
        spacing: Spacing,
    ) -> None:
        """Take the engine, what applies and what is rendered with, and how far reloads are apart."""
        self._engine, self._applier, self._rules, self._inputs = engine, applier, rules, inputs
        self._refusals, self._wakes, self._spacing = refusals, wakes, spacing
        self.outcome = Outcome(Desired())
        """What was decided last, without what turned out to be refused."""

    async def reach(self, world: World, *, at_once: bool) -> Reached:
        """Apply the outcome, decided about `world`; what the proxy refuses of it is searched for and left out.

        Raise ConfigRefused or ReloadFailed where that does not help. `at_once`: no reload is deferred.
        """
        if reason := self._refusals.in_vain(self.outcome.wanted):
            raise ConfigRefused(reason)
        try:
            return await self._apply(world, at_once=at_once)
        except (ConfigRefused, TemplateError) as exc:
            self._refusals.hold_off(time.monotonic())
            if not await self._search(world, str(exc)):
                return Reached()
        self.outcome = decide(dataclasses.replace(world, excluded=dict(self._refusals.parts)))
        self._refusals.forget_checks()
        try:
            return await self._apply(world, at_once=at_once)
        except (ConfigRefused, TemplateError) as exc:
            raise self._refusals.give_up(self.outcome.wanted, str(exc)) from exc

    async def _search(self, world: World, why: str) -> bool:
        """Find out what is refused of the outcome, which was refused for `why`; False: the inputs are to blame.

        Where what serves already is refused as well, it is not the pools: new templates or settings are given up for
        the last good ones. Raise ConfigRefused where they are not new.
        """
        accepted, wanted, last_good = world.accepted, self.outcome.wanted, self._inputs.last_good
        serves = build(accepted, wanted, ())
        reason = await self._refusal(serves)
        if not reason:
            self._refusals.add(await search(accepted, wanted, self._refusal))
            return True
        pools = await culprits(serves, self._refusal)
        place = f", for pool {', '.join(pools)}" if pools else ""
        if last_good is None:
            raise self._refusals.give_up(wanted, f"{why}{place}")
        self._inputs.go_back(last_good, f"{reason}{place}")
        self._wakes.wake("back to the last good templates and settings")
        return False

    async def _refusal(self, state: Desired) -> str:
        """Return why a state that nothing uses yet is refused; an empty string when it is not."""
        try:
            files = self._render(state)
        except TemplateError as exc:
            return str(exc)
        reason = await self._applier.refusal(state, files, self._inputs.now)
        return f"{self._rules.features.engine} refused it: {reason}" if reason else ""

    def _render(self, state: Desired) -> ConfigFiles:
        inputs, features = self._inputs.now, self._rules.features
        return render(
            state,
            printer=self._engine.printer,
            features=features,
            tuning=inputs.tuning,
            templates=inputs.templates,
            token=inputs.token,
        )

    async def _apply(self, world: World, *, at_once: bool) -> Reached:
        """Make the plan, and carry it out unless its reload has to wait."""
        with timed("render"):
            files = self._render(self.outcome.desired)
        plan = make(self._applier.applied, self.outcome.desired, files, self._rules)
        if plan.reasons and not (at_once or plan.urgent) and self._deferred(files.revision):
            return Reached(plan)
        done = await self._applier.apply(plan, files, self._inputs.now, world.drained)
        self._inputs.taken()
        if done.how == "reload":
            self._spacing = self._spacing.reloaded(time.monotonic(), done.seconds)
        return Reached(plan, done)

    def _deferred(self, revision: str) -> bool:
        """Whether a reload to that revision has to wait; the wake-up for it is set then."""
        now = time.monotonic()
        spacing = self._spacing.wanting(revision, now)
        if (wait := spacing.wait(now)) <= 0 or self._applier.applied is None:
            return False
        self._spacing = spacing
        self._wakes.later(wait, "spacing of reloads")
        return True
