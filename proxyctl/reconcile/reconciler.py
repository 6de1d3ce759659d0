"""The loop of passes. Other rooms ask it for another pass, or for what the last pass came to.

Level-triggered: a wake-up says only "look again". After quiet a pass starts at once; all wake-ups during a pass make
one further pass. Reloads are spaced. Never deferred are run-time changes, plans that take traffic away from a server,
and the requests of operators. Next: `one_pass`.
"""

from __future__ import annotations

import asyncio

import structlog

from proxyctl.core import codes
from proxyctl.core.model import Desired, Problem
from proxyctl.core.rules import Rules
from proxyctl.core.status import Status
from proxyctl.engines.timings import timings
from proxyctl.errors import mistake
from proxyctl.reconcile.apply import Applied, Applier
from proxyctl.reconcile.journal import Journal
from proxyctl.reconcile.one_pass import OnePass
from proxyctl.reconcile.ports import Ports
from proxyctl.reconcile.refusals import Refusals
from proxyctl.reconcile.reporting import Reporter
from proxyctl.reconcile.wakes import Wakes
from proxyctl.state.port import Generation

log = structlog.get_logger()

_STATE_FAILED = "the state folder cannot be written, the proxy serves on as it is"
_MISTAKE = "proxyctl itself made a mistake, the proxy serves on as it is"


class Reconciler:
    """Brings the proxy to what Docker says, again and again."""

    def __init__(
        self,
        ports: Ports,
        applier: Applier,
        refusals: Refusals,
        rules: Rules,
        journal: Journal,
        *,
        spacing: float,
        resync: float,
    ) -> None:
        """Take every collaborator, the least seconds between two reloads, and the seconds between two listings.

        `refusals` is the same object that the applier has.
        """
        self._applier, self._refusals, self._journal, self._engine = applier, refusals, journal, ports.engine
        self._rules = rules
        self._reporter = Reporter(ports.source, ports.engine, rules.features, resync)
        self._wakes = Wakes()
        self._pass = OnePass(ports, applier, refusals, rules, spacing, journal, self._wakes)
        self._passed = asyncio.Event()

    @property
    def applied(self) -> Generation | None:
        """What the running proxy was last confirmed to do."""
        return self._applier.applied

    @property
    def desired(self) -> Desired:
        """What the proxy should do, by the last outcome."""
        return self._pass.outcome.desired

    @property
    def decided(self) -> int:
        """How many outcomes were decided; each of them sees every override that was kept before it."""
        return self._pass.decided

    @property
    def refused(self) -> str:
        """Why the proxy refused what the last pass decided, or the newest inputs; empty when it refused neither."""
        return self._refusals.last_pass

    def wake(self, reason: str, *, at_once: bool = False) -> None:
        """Ask for a pass; with `at_once`, as for operators, no reload of it is deferred."""
        self._wakes.wake(reason, at_once=at_once)

    def files_changed(self, reason: str, *, at_once: bool = False) -> None:
        """Ask for a pass that reads templates and settings anew."""
        self._pass.inputs.stale = True
        self.wake(reason, at_once=at_once)

    async def run(self) -> None:
        """Make a pass after each wake-up, for ever."""
        while True:
            await self._wakes.wait()
            with timings() as took:
                try:
                    await self.one_pass()
                except OSError as exc:  # a full or read-only disk
                    self._failed(Problem("", "", f"{_STATE_FAILED}: {exc}", code=codes.STATE_FOLDER))
                except Exception as exc:
                    log.exception("a pass failed by a mistake of proxyctl, the proxy serves on as it is")
                    self._failed(Problem("", "", f"{_MISTAKE}: {mistake(exc)}", code=codes.INTERNAL))
            log.debug("pass", **{f"{step}_ms": round(ms, 1) for step, ms in took.items()})
            self._passed.set()

    async def follow_health(self) -> None:
        """Ask the proxy for ever which servers fail its health checks, while a pool has such checks."""
        await self._pass.health.run(self._checks)

    async def follow_dns(self) -> None:
        """Ask Docker's DNS for ever whether it answers."""
        await self._pass.dns.run()

    async def follow_road(self) -> None:
        """Ask the gateway's published ports and limits for ever."""
        await self._pass.checkup.run(self._listens)

    def _listens(self) -> frozenset[int]:
        applied = self._applier.applied
        return frozenset(x.port for x in applied.desired.listeners if x.protocol == "http") if applied else frozenset()

    def _checks(self) -> bool:
        applied = self._applier.applied
        return self._rules.checks_health and applied is not None and any(p.health for p in applied.desired.pools)

    def _failed(self, problem: Problem) -> None:
        self._journal.record_problems((*self._pass.outcome.problems, problem))
        self._wakes.back_off("a pass that failed")

    async def one_pass(self) -> Applied | None:
        """Make a pass and return what was applied; None when nothing was. Problems are published, not raised."""
        return await self._pass()

    async def quiet(self) -> None:
        """Return once servers that drain get no new request."""
        await self._engine.quiet(self._pass.inputs.now.tuning.keepalive_min_ms / 1000)

    async def finished(self, container: str) -> bool:
        """Return whether nothing runs any more on the servers of a container that drains; raise GatewayError."""
        applied = self._applier.applied
        pools = applied.desired.pools if applied else ()
        servers = [(p.name, s) for p in pools for s in p.servers if s.container == container]
        return all([await self._engine.finished(pool, server) for pool, server in servers])

    async def settled(self) -> Status:
        """Return the status once every container that is there now has joined or has a problem."""
        while self._applier.applied is None or self._pass.unsettled:
            await self._passed.wait()
            self._passed.clear()
        return await self.status()

    async def status(self, *, figures: bool = True) -> Status:
        """Return the present status; without live `figures` the proxy is not asked."""
        return await self._reporter.status(
            self._pass.outcome, self._applier.applied, self._journal.problems, figures=figures
        )
