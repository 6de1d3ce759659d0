"""The journal of a `watch`: events for people, log lines for machines, and a bell that wakes its listeners.

`one_pass` writes. The live display and the API read events; they and `operate.confirm` wait for the bell. A problem is
recorded when it is new, not once a pass.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Iterable

import structlog

from proxyctl.core.describe import describe
from proxyctl.core.model import Problem
from proxyctl.core.status import Event
from proxyctl.reconcile.apply import Applied
from proxyctl.state.port import Generation

log = structlog.get_logger()

KEPT = 500


class Journal:
    """The last `KEPT` events. A slow listener misses rings, but never slows a pass.

    An event's id is its number in this journal, from 1. Each `watch` begins a new journal, so an id greater than the
    newest comes from an earlier `watch`.
    """

    def __init__(self) -> None:
        """Start with an empty log."""
        self._events: deque[Event] = deque(maxlen=KEPT)
        self._last = 0
        self._changed = asyncio.Event()
        self.problems: tuple[Problem, ...] = ()
        """The problems of the last pass."""

    def record(self, kind: str, text: str) -> None:
        """Add an event, and ring."""
        self._last += 1
        self._events.append(Event(time.time(), kind, text, self._last))
        self.ring()

    def record_applied(self, done: Applied, generation: Generation | None) -> None:
        """Add an event for each change of the plan, else one for the reload; the proxy runs `generation` now."""
        ms = round(done.seconds * 1000, 1)
        texts = describe(done.plan)
        log.info(
            "applied",
            how=done.how,
            generation=generation.number if generation else None,
            revision=generation.revision if generation else None,
            changes="; ".join(t for _, t in texts) or "no change of servers or routes",
            ms=ms,
            **({"why": "; ".join(done.reasons)} if done.reasons else {}),
        )
        for kind, text in texts:
            self.record(kind, f"{text} ({done.how}, {ms} ms)")
        if not texts:
            self.record("reload", "; ".join(done.reasons) + f" ({ms} ms)")

    def record_problems(self, found: Iterable[Problem]) -> None:
        """Replace the problems by those of this pass, add an event for each new problem, and ring."""
        problems = tuple(sorted(set(found)))
        for problem in [p for p in problems if p not in self.problems]:
            self.record("problem", " ".join(filter(None, (problem.container, problem.label, problem.reason))))
            log.warning(
                "problem", code=problem.code, container=problem.container, label=problem.label, reason=problem.reason
            )
        for problem in [p for p in self.problems if p not in problems]:
            log.info("problem solved", container=problem.container, label=problem.label, was=problem.reason)
        self.problems = problems
        self.ring()

    def after(self, last_id: int = 0) -> tuple[Event, ...]:
        """Return the events after that id, oldest first.

        For 0, and for an id of an earlier `watch`, return every event that is kept.
        """
        if last_id > self._last:
            last_id = 0
        return tuple(e for e in self._events if e.id > last_id)

    def ring(self) -> None:
        """Wake every listener: something may have changed."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def rings(self) -> AsyncIterator[None]:
        """Yield at once, and then after a ring; rings that come while the listener is busy count as one."""
        while True:
            changed = self._changed
            yield
            await changed.wait()
