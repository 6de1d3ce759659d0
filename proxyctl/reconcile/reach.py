"""Brings the proxy to an outcome: renders, plans, then defers or applies; searches for what the proxy refuses.

Here a reload is deferred (how long, `pacing` says). Next: `apply` carries out the plan; `search` after a refusal.
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
    """What became of an outcome: a plan that was `applied`, or a deferred plan.

    Both are None after a refusal for which the last good inputs come back: the next pass plans with them.
    """

    plan: Plan | None = None
    applied: Applied | None = None


class Reach:
    """Brings the proxy to the outcome that was decided last."""

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
        """Take every collaborator; `spacing` says when the next reload may come."""
        self._engine, self._applier, self._rules, self._inputs = engine, applier, rules, inputs
        self._refusals, self._wakes, self._spacing = refusals, wakes, spacing
        self.outcome = Outcome(Desired())
        """The last outcome, without the parts that the proxy refused since."""

    async def reach(self, world: World, *, at_once: bool) -> Reached:
        """Apply the outcome of `world`; where the proxy refuses it, search for the refused parts and apply the rest.

        Raise ConfigRefused where the rest is refused as well, ReloadFailed where a reload fails. With `at_once` no
        reload is deferred.
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
        """Find the refused parts of an outcome that was refused for `why`; return False where the inputs are to blame.

        The inputs are to blame where even the pools that serve already are refused: then the last good inputs are used
        again. Raise ConfigRefused where there are no other good inputs.
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
        """Return why the proxy's check refuses a state, which is not loaded; an empty string where it is accepted."""
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
        """Make the plan, and carry it out unless its reload is deferred."""
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
        """Return whether a reload to that revision is deferred; if so, set a timer for it."""
        now = time.monotonic()
        spacing = self._spacing.deferring(revision, now)
        if (wait := spacing.wait(now)) <= 0 or self._applier.applied is None:
            return False
        self._spacing = spacing
        self._wakes.later(wait, "spacing of reloads")
        return True
