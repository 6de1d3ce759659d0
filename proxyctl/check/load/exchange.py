"""One request under way, from when it is due to its end: what the generator keeps of it meanwhile."""

from __future__ import annotations

import asyncio
import dataclasses

from proxyctl.check.load.connection import Connection
from proxyctl.check.load.shots import Shot


@dataclasses.dataclass(slots=True, eq=False)
class Exchange:
    """One request under way; `due` is what its latency counts from, `begun` its time-out. perf_counter."""

    shot: Shot
    due: float
    begun: float
    connection: Connection | None = None
    connecting: asyncio.Task[None] | None = None
