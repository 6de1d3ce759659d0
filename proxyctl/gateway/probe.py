"""Asks the servers themselves whether they are ready: a TCP connect each, or an HTTP check again and again.

One task per followed target. How one attempt is made is in `asking`, how long a server is left alone after it in
`pace`; when a checked server counts as up is decided in `core.health`.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import Iterable, Iterator, Mapping

import structlog

from proxyctl.core import codes
from proxyctl.core.health import Vitals, judge
from proxyctl.core.model import Finding, Target
from proxyctl.gateway import pace
from proxyctl.gateway.asking import Asking, Unprobeable
from proxyctl.providers.port import NetworkView, Shell, Wake

log = structlog.get_logger()

GRACE = 10.0
"""Seconds a server may take to listen, or to pass its first check, before waiting becomes a problem."""


class Prober:
    """Follows targets and keeps a finding of each; calls `wake` whenever a target begins or ceases to be ready.

    `gateway` runs the commands where `view` gives no sockets; without a gateway such a target is never ready. Targets
    that wait for long share their attempts with each other, so that a newcomer among them is asked often.
    """

    def __init__(self, view: NetworkView, wake: Wake, gateway: Shell | None = None, grace: float = GRACE) -> None:
        self._view = view
        self._wake = wake
        self._gateway = gateway
        self._grace = grace
        self._tasks: dict[Target, asyncio.Task[None]] = {}
        self._findings: dict[Target, Finding] = {}
        self._new: set[Target] = set()
        self._long: set[Target] = set()

    def follow(self, targets: Iterable[Target]) -> None:
        """Replace the set of targets; a target that stays keeps its task and its finding."""
        asked = frozenset(targets)
        if asked == self._tasks.keys():
            return
        for target in self._tasks.keys() - asked:
            self._tasks.pop(target).cancel()
            self._findings.pop(target, None)
        for target in asked - self._tasks.keys():
            task = asyncio.create_task(self._watch(target), name=f"probe {target.name}")
            task.add_done_callback(functools.partial(self._ended, target))
            self._tasks[target] = task

    def findings(self) -> Mapping[Target, Finding]:
        """Return the finding of each followed target; a target that was not asked yet has none."""
        return dict(self._findings)

    async def close(self) -> None:
        """Stop asking."""
        tasks = list(self._tasks.values())
        self.follow(())
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ended(self, target: Target, task: asyncio.Task[None]) -> None:
        """Report a probe that ended by a fault of its own: its target would otherwise wait for ever."""
        exc = None if task.cancelled() else task.exception()
        if exc is not None and self._tasks.get(target) is task:
            reason = f"the probe itself failed: {exc!r}"
            self._set(target, Finding(ok=False, reason=reason, late=True, code=codes.INTERNAL))

    def _set(self, target: Target, finding: Finding) -> None:
        before = self._findings.get(target)
        self._findings[target] = finding
        if before is None or (before.ok, before.late) != (finding.ok, finding.late):
            self._wake(f"{target.name} {'answers' if finding.ok else finding.reason}")

    async def _watch(self, target: Target) -> None:
        loop = asyncio.get_running_loop()
        began, attempts, vitals = loop.time(), 0, Vitals()
        check = target.check
        rise, fall = (check.rise, check.fall) if check else (1, 1)
        with contextlib.closing(Asking(target, self._view, self._gateway)) as asking, self._sharing(target):
            while True:
                try:
                    reason = await asking.ask()
                except Unprobeable as exc:
                    self._set(target, Finding(ok=True, reason=f"cannot be probed from here: {exc}"))
                    return
                attempts += 1
                waited = loop.time() - began
                vitals = judge(vitals, passed=not reason, rise=rise, fall=fall)
                if vitals.up:
                    if target not in self._findings or not self._findings[target].ok:
                        log.debug("probed", server=target.name, attempts=attempts, ms=round(waited * 1000, 1))
                    self._set(target, Finding(ok=True, reason=reason))
                else:
                    code = codes.UNCHECKED if check else codes.NOT_READY
                    reason = reason or "passes again, not often enough yet"
                    late = vitals.proven or waited >= self._grace
                    self._set(target, Finding(ok=False, reason=reason, late=late, code=code))
                if check is None and vitals.up:
                    return
                await asyncio.sleep(self._pause(target, asking.way, waited, proven=vitals.proven))

    def _pause(self, target: Target, way: pace.Way, waited: float, *, proven: bool) -> float:
        """Return the seconds until the next attempt; a server that has not passed once yet shares with its like."""
        interval = target.check.interval_ms / 1000 if target.check else pace.SELDOM
        self._new.discard(target)
        if proven:
            self._long.discard(target)
            return interval
        sharing = self._new if waited < pace.LONG else self._long
        sharing.add(target)
        return pace.pause(way, waited, len(sharing), interval)

    @contextlib.contextmanager
    def _sharing(self, target: Target) -> Iterator[None]:
        """Take a target out of those that share the attempts once it is not asked any more."""
        try:
            yield
        finally:
            self._new.discard(target)
            self._long.discard(target)
