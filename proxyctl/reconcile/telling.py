"""Tells people what a pass did: the log for machines, the feed for those who watch; a problem only when it is new."""

from __future__ import annotations

from collections.abc import Iterable

import structlog

from proxyctl.core.describe import describe
from proxyctl.core.model import Problem
from proxyctl.reconcile.apply import Applied
from proxyctl.reconcile.journal import Journal
from proxyctl.state.port import Generation

log = structlog.get_logger()


class Teller:
    """Knows which problems were told; `known` are those of the last pass."""

    def __init__(self, feed: Journal) -> None:
        """Take who is told beside the log."""
        self._feed = feed
        self.known: tuple[Problem, ...] = ()

    def applied(self, done: Applied, generation: Generation | None) -> None:
        """Tell what was applied, and which generation the proxy has now."""
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
            self._feed.record(kind, f"{text} ({done.how}, {ms} ms)")
        if not texts:
            self._feed.record("reload", "; ".join(done.reasons) + f" ({ms} ms)")

    def problems(self, found: Iterable[Problem]) -> None:
        """Tell which problems are new and which are solved."""
        problems = tuple(sorted(set(found)))
        for problem in [p for p in problems if p not in self.known]:
            text = " ".join(filter(None, (problem.container, problem.label, problem.reason)))
            self._feed.record("problem", text)
            log.warning("problem", container=problem.container, label=problem.label, reason=problem.reason)
        for problem in [p for p in self.known if p not in problems]:
            log.info("problem solved", container=problem.container, label=problem.label, was=problem.reason)
        self.known = problems
        self._feed.ring()
