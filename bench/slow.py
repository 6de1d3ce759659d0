"""Servers that take their time: from listening to the first request, and what it costs that many wait.

Each version of proxyctl (`versions`) is measured on the same gateway.
"""

from __future__ import annotations

import dataclasses
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.asking import Asker, asking, until_listens
from bench.rig import PREFIX, Rig
from bench.versions import Versions

TIMES = 50
STARTS = (0.4, 3.0)
"""Seconds that a server takes until it listens."""
EVERY = 1.0
"""Seconds from one start to the next: the leave of one server, a reload of nginx, is over when the next one joins."""
WAITING, EACH = 200, 20
"""Servers that wait, and how many of them are ports of one container: the engine needs minutes to start so many."""
WINDOW = 10.0
"""Seconds in which the processor time of proxyctl is measured while they wait."""
_SETTLES = 13.0
"""Seconds until WINDOW begins: those that wait have become problems by then, after 10 s, and were told."""
_FIRST_PORT = 9000


@dataclasses.dataclass
class Slow:
    """What was measured, by version of proxyctl.

    `lags` are milliseconds from listening to the first request, by the seconds of the start; `idle` and `waiting` are
    the percentage of one processor that `watch` took with nobody and with all of them waiting.
    """

    lags: dict[str, dict[float, list[float]]] = dataclasses.field(default_factory=dict)
    idle: dict[str, float] = dataclasses.field(default_factory=dict)
    waiting: dict[str, float] = dataclasses.field(default_factory=dict)
    failed: list[str] = dataclasses.field(default_factory=list)


def measure(rig: Rig, versions: Versions, say: Callable[[str], None]) -> Slow:
    """Measure each version on the same gateway: those that join late, then what those cost that never come."""
    slow = Slow()
    for version, code in versions.items():
        rig.become(code)
        slow.lags[version] = {}
        for start in STARTS:
            say(f"{rig.engine}, {version}: {TIMES} servers that take {start:g} s until they listen")
            rig.until_quiet()
            slow.lags[version][start] = _lags(rig, start, slow, f"{len(slow.lags)}{start:g}".replace(".", ""))
        slow.idle[version] = _share(rig)
        say(f"{rig.engine}, {version}: {WAITING} servers that never listen")
        slow.waiting[version] = _waiting(rig, f"w{len(slow.lags)}")
    return slow


def _lags(rig: Rig, start: float, slow: Slow, series: str) -> list[float]:
    """Return the milliseconds from listening to the first request of each server."""
    with asking(rig.gateway, rig.token) as asker, ThreadPoolExecutor(8) as threads:
        begun, lock = time.monotonic(), threading.Lock()

        def one(number: int) -> float:
            time.sleep(max(0.0, begun + number * EVERY - time.monotonic()))
            return _lag(rig, asker, start, f"l{series}-{number}", lock)

        found = list(threads.map(one, range(TIMES)))
    slow.failed += asker.failed
    return found


def _lag(rig: Rig, asker: Asker, start: float, name: str, lock: threading.Lock) -> float:
    full = rig.full(name)
    with lock:  # the engine makes one at a time, so that starts are as far apart as they should be
        container = rig.start(name, start=start)
    address = rig.address(full)
    time.sleep(max(0.0, rig.event(name, "start") + start - 0.1 - time.time()))
    listened = until_listens(address)
    rig.until(lambda: full in asker.first, f"the first request of {name}")
    container.remove(force=True, v=True)
    return (asker.first[full] - listened) * 1000


def _waiting(rig: Rig, name: str) -> float:
    """Return the percentage of a processor while WAITING servers refuse every connection."""
    made = [rig.create(f"{name}-{n}", start=3600, labels=_ports()) for n in range(WAITING // EACH)]
    for container in made:
        container.start()
    rig.until(lambda: sum(s == "starting" for s in rig.servers().values()) >= len(made), "servers that wait")
    time.sleep(_SETTLES)
    share = _share(rig)
    for container in made:
        container.remove(force=True, v=True)
    rig.until_quiet()
    return share


def _ports() -> dict[str, str]:
    """Return labels for EACH ports where nobody listens, each a pool of its own."""
    labels = {f"{PREFIX}.port": str(_FIRST_PORT), f"{PREFIX}.pool": "never", f"{PREFIX}.path": "/never"}
    for n in range(1, EACH):
        route = f"{PREFIX}.route.r{n}"
        labels |= {f"{route}.port": str(_FIRST_PORT + n), f"{route}.pool": f"never{n}", f"{route}.path": f"/never{n}"}
    return labels


def _share(rig: Rig) -> float:
    """Return the percentage of one processor that `watch` takes within WINDOW."""
    before = _ticks(rig.watch_pid)
    time.sleep(WINDOW)
    return (_ticks(rig.watch_pid) - before) / os.sysconf("SC_CLK_TCK") / WINDOW * 100


def _ticks(pid: int) -> int:
    user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return int(user) + int(system)
