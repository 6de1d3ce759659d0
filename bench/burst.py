"""A hundred servers started at once: when all of them serve, after how many reloads, with how many old workers.

They are made before and started through the API side by side; the engine needs most of the time. What counts is how
long after its last `start` event the last of them is seen to serve. The gateway is asked all the time.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from bench.asking import asking
from bench.processes import processes_of
from bench.rig import Rig
from bench.steps import Log

SERVERS = 100
_CALLS = 8
"""Calls of the engine's API side by side."""

_LATEST = 60.0
"""Seconds after which a burst that is not over is stuck: a busy machine takes its time."""


@dataclasses.dataclass
class Burst:
    """What was measured, in seconds since the first start event; `counts` are (since then, processes, old ones)."""

    servers: int
    starts: float = 0.0
    """The last start event."""
    serving: float = 0.0
    """The first answer of the server that was the last to give one."""
    joins: list[float] = dataclasses.field(default_factory=list)
    """Of each server: its start event to its first request, in milliseconds."""
    ways: dict[str, int] = dataclasses.field(default_factory=dict)
    """How many applies of each way the joins took."""
    leaves: dict[str, int] = dataclasses.field(default_factory=dict)
    """The same for the removal of all of them, `docker rm --force` side by side."""
    most: int = 0
    most_old: int = 0
    counts: list[tuple[float, int, int]] = dataclasses.field(default_factory=list)
    requests: int = 0
    failed: list[str] = dataclasses.field(default_factory=list)

    @property
    def behind(self) -> float:
        """Seconds from the last start event until all serve."""
        return self.serving - self.starts


def measure(rig: Rig, say: Callable[[str], None]) -> Burst:
    """Start SERVERS at once and wait until each was seen to serve; then remove them."""
    names = [f"b{number}" for number in range(1, SERVERS + 1)]
    full = [rig.full(name) for name in names]
    burst = Burst(SERVERS)
    with ThreadPoolExecutor(_CALLS) as calls:
        say(f"{rig.engine}: making {SERVERS} servers")
        made = list(calls.map(rig.create, names))
        rig.until_quiet()
        log = Log(rig.log, rig.engine)
        say(f"{rig.engine}: starting {SERVERS} servers at once")
        began = time.time()
        with asking(rig.gateway, rig.token) as asker, processes_of(rig.gateway_pid) as processes:
            list(calls.map(lambda container: container.start(), made))
            rig.until(lambda: set(full) <= asker.first.keys(), f"a request to each of {SERVERS} servers", _LATEST)
        burst.ways = log.ways()
        say(f"{rig.engine}: removing {SERVERS} servers")
        log = Log(rig.log, rig.engine)
        started = [rig.event(name, "start") for name in names]
        list(calls.map(lambda container: container.remove(force=True, v=True), made))
        rig.until_quiet(_LATEST)
        burst.leaves = log.ways()
    first = min(started)
    burst.starts, burst.serving = max(started) - first, max(asker.first[name] for name in full) - first
    burst.joins = [(asker.first[name] - at) * 1000 for name, at in zip(full, started, strict=True)]
    burst.requests, burst.failed = asker.requests, asker.failed
    burst.most, burst.most_old = processes.most, processes.most_old
    counts = [(at - (first - began), total, old) for at, total, old in processes.counts]
    burst.counts = [count for count in counts if count[0] >= 0]
    return burst
