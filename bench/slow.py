"""Servers that take their time: from listening to the first request, and what it costs that many wait; crash loops.

With `--before REF` each figure is measured a second time, with the proxyctl of that commit on the same gateway, so that
a ratio says what has changed whatever else the machine does.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import os
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.asking import Asker, asking, until_listens
from bench.rig import PREFIX, Rig
from bench.steps import Log

TIMES = 50
STARTS = (0.4, 3.0)
"""Seconds that a server takes until it listens."""
EVERY = 1.3
"""Seconds from one start to the next: the leave of one server, a reload of nginx, is over when the next one joins."""
WAITING, EACH = 200, 20
"""Servers that wait, and how many of them are ports of one container: the engine needs minutes to start so many."""
WINDOW = 10.0
"""Seconds in which the processor time of proxyctl is measured while they wait."""

NOW = "this checkout"
CRASHING, LIFE = 45.0, 0.3
"""Seconds that a container crashes again and again, and seconds of each of its lives."""

_SETTLES = 3.0
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
    reloads: dict[str, dict[str, int]] = dataclasses.field(default_factory=dict)
    """How often the proxy was reloaded within CRASHING seconds, by how the container is started again."""
    failed: list[str] = dataclasses.field(default_factory=list)


@contextlib.contextmanager
def checkout(ref: str | None) -> Iterator[dict[str, Path | None]]:
    """Yield the versions to measure, and where the code of each is; that of `ref` is unpacked meanwhile."""
    if ref is None:
        yield {NOW: None}
        return
    ran = subprocess.run(["git", "archive", ref], capture_output=True, check=False)
    if ran.returncode:
        sys.exit(f"--before {ref}: {ran.stderr.decode(errors='replace').strip()}")
    with tempfile.TemporaryDirectory(prefix="proxyctl-bench-") as folder:
        with tarfile.open(fileobj=io.BytesIO(ran.stdout)) as archive:
            archive.extractall(folder, filter="data")
        yield {ref: Path(folder), NOW: None}


def measure(rig: Rig, versions: dict[str, Path | None], say: Callable[[str], None]) -> Slow:
    """Measure each version on the same gateway: those that join late, those that never come, those that crash."""
    slow = Slow()
    for version, code in versions.items():
        rig.end_watch()
        rig.code = code
        rig.start_watch()
        slow.lags[version] = {}
        for start in STARTS:
            say(f"{rig.engine}, {version}: {TIMES} servers that take {start:g} s until they listen")
            rig.until_quiet()
            slow.lags[version][start] = _lags(rig, start, slow, f"{len(slow.lags)}{start:g}".replace(".", ""))
        slow.idle[version] = _share(rig)
        say(f"{rig.engine}, {version}: {WAITING} servers that never listen")
        slow.waiting[version] = _waiting(rig, f"w{len(slow.lags)}")
        say(f"{rig.engine}, {version}: a container that crashes every {LIFE} s")
        slow.reloads[version] = {how: _crashes(rig, f"c{len(slow.lags)}-{how}", how) for how in ("always", "at-once")}
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


def _crashes(rig: Rig, name: str, how: str) -> int:
    """Return the reloads for a server that ends by itself; Docker's `always` starts it again, or a script at once."""
    container = rig.create(name, ends=LIFE, restarts=how == "always")
    log, until = Log(rig.log, rig.engine), time.monotonic() + CRASHING
    container.start()
    while time.monotonic() < until:
        if how == "at-once":
            container.wait()
            container.start()
        else:
            time.sleep(0.1)
    reloads = log.ways().get("reload", 0)
    container.remove(force=True, v=True)
    rig.until_quiet()
    return reloads


def _share(rig: Rig) -> float:
    """Return the percentage of one processor that `watch` takes within WINDOW."""
    before = _ticks(rig.watch_pid)
    time.sleep(WINDOW)
    return (_ticks(rig.watch_pid) - before) / os.sysconf("SC_CLK_TCK") / WINDOW * 100


def _ticks(pid: int) -> int:
    user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return int(user) + int(system)
