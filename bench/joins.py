"""Joins and leaves, one by one, in a pool that has three servers and is asked all the time.

A join is timed from Docker's `start` event, a leave from its `kill` event, both by the time that Docker put on them.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable

from bench.asking import Asker, asking, until_listens
from bench.rig import STOP_SIGNAL, Rig
from bench.steps import Log

TIMES = 50
APART = 0.3
"""Seconds of quiet before each join: longer than the spacing of reloads (250 ms), which is no part of a join."""
AFTER = 0.05
"""Seconds that a server that left is watched for another answer, once its drain is confirmed."""


@dataclasses.dataclass
class Moves:
    """What was measured, in milliseconds. `steps` are those of each join, as `bench.steps` names them."""

    joins: list[float] = dataclasses.field(default_factory=list)
    listened: list[float] = dataclasses.field(default_factory=list)
    leaves: list[float] = dataclasses.field(default_factory=list)
    steps: list[dict[str, float]] = dataclasses.field(default_factory=list)
    applies: dict[str, list[float]] = dataclasses.field(default_factory=dict)
    requests: int = 0
    failed: list[str] = dataclasses.field(default_factory=list)
    every_ms: float = 0.0

    @property
    def own(self) -> list[float]:
        """What each join took after its server listened: the part of proxyctl and the proxy."""
        return [join - listened for join, listened in zip(self.joins, self.listened, strict=True)]


def measure(rig: Rig, say: Callable[[str], None]) -> Moves:
    """Let TIMES servers join, and leave by the signal that `docker stop` begins with."""
    moves = Moves()
    log = Log(rig.log, rig.engine)
    with asking(rig.gateway, rig.token) as asker:
        for number in range(1, TIMES + 1):
            say(f"{rig.engine}: server {number} of {TIMES} joins and leaves")
            _one(rig, asker, log, moves, f"j{number}")
    moves.requests, moves.failed, moves.every_ms = asker.requests, asker.failed, asker.every_ms
    moves.applies = log.applies()
    return moves


def _one(rig: Rig, asker: Asker, log: Log, moves: Moves, name: str) -> None:
    rig.until_quiet()
    time.sleep(APART)
    full = rig.full(name)
    container = rig.start(name)
    listened = until_listens(rig.address(full))
    rig.until(lambda: full in asker.first, f"the first request of {name}")
    started = rig.event(name, "start")
    moves.joins.append((asker.first[full] - started) * 1000)
    moves.listened.append((listened - started) * 1000)
    rig.until(lambda: log.join(full, started), f"`applied` of {name} in the log of watch")
    moves.steps.append(log.join(full, started))
    container.kill(STOP_SIGNAL)
    rig.until(lambda: log.drained(full), f"the drain of {name} in the log of watch")
    time.sleep(AFTER)
    moves.leaves.append((asker.last[full] - rig.event(name, "kill")) * 1000)
    container.remove(force=True, v=True)
