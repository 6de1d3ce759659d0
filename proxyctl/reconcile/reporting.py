"""Gathers the `Status` of one `watch`: from Docker's listing, the last outcome and the proxy's own figures.

Decides nothing: `core.status` says what each state is called. Called by `reconciler`. Next: `api.server`.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

from proxyctl.core import status
from proxyctl.core.decide.outcome import Outcome
from proxyctl.core.model import Desired, Features, Problem
from proxyctl.core.status import Status
from proxyctl.engines.port import Engine
from proxyctl.providers.port import Source
from proxyctl.state.port import Generation


class Reporter:
    """Asks the source and the engine for what a Status says beside the last outcome."""

    def __init__(self, source: Source, engine: Engine, features: Features, resync: float) -> None:
        """Take the source, the engine, what its binary can do, and the seconds between two listings."""
        self._source, self._engine, self._features, self._resync = source, engine, features, resync

    async def status(
        self, outcome: Outcome, applied: Generation | None, problems: Iterable[Problem], *, figures: bool
    ) -> Status:
        """Return the present Status; without live `figures` the proxy is not asked."""
        snapshot, synced = self._source.snapshot, self._source.synced_at
        counts = await self._engine.counts() if applied and figures else ()
        age = None if synced is None else round(time.time() - synced, 3)
        stale = status.staleness(age, resync=self._resync, problem=self._source.problem)
        does = applied.desired if applied else Desired()
        return Status(
            network=snapshot.network if snapshot else None,
            engine=self._engine.kind,
            version=self._features.version_text,
            revision=applied.revision if applied else None,
            generation=applied.number if applied else None,
            synced_seconds_ago=age,
            events_connected=self._source.connected,
            stale_reason=stale or None,
            pools=status.pools(outcome, does, snapshot, counts) if snapshot else (),
            problems=status.problems(problems),
            elsewhere=outcome.elsewhere,
            joined=snapshot.networks[1:] if snapshot else (),
        )
