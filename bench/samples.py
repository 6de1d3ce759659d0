"""What must stay flat, read from /proc every two seconds: memory and descriptors of proxyctl, processes, connections.

Reads only; judges whether a series grew. Next: `soak`.
"""

from __future__ import annotations

import contextlib
import dataclasses
import statistics
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from bench.meanwhile import meanwhile
from bench.processes import children
from bench.rig import Rig

EVERY = 2.0


@dataclasses.dataclass(frozen=True)
class Sample:
    """One look: seconds since the beginning, proxyctl's pid and what it holds, and what the gateway holds."""

    at: float
    pid: int
    rss_kb: int
    descriptors: int
    threads: int
    processes: int
    """Children of the proxy's master: workers, old ones too."""
    connections: int
    """TCP sockets in the gateway's network namespace that are open."""
    generations: int


SERIES = ("rss_kb", "descriptors", "threads", "processes", "connections", "generations")
SLACK = {"rss_kb": 4096, "descriptors": 12, "threads": 2, "processes": 2, "connections": 60, "generations": 0}
"""How much more the last quarter's median may be than the second's: more than noise, far less than a leak.

A client of docker-py keeps up to ten connections to Docker that calls beside each other once needed.
"""


class Samples:
    """The samples of one rig, in the order in which they were taken."""

    def __init__(self, rig: Rig) -> None:
        self.taken: list[Sample] = []
        self._rig = rig
        self._began = time.monotonic()

    def take(self, ended: threading.Event) -> None:
        """Take samples until `ended` is set."""
        gateway = self._rig.gateway_pid
        while not ended.wait(EVERY):
            try:
                self.taken.append(look(self._rig, gateway, time.monotonic() - self._began))
            except (OSError, ValueError):
                continue  # proxyctl is just being restarted

    def of_the_last(self) -> list[Sample]:
        """Return the samples of the proxyctl that ran at the end."""
        return [s for s in self.taken if s.pid == self.taken[-1].pid]


@contextlib.contextmanager
def samples_of(rig: Rig) -> Iterator[Samples]:
    """Yield the samples of a rig, which are taken while the block runs."""
    samples = Samples(rig)
    with meanwhile(samples.take):
        yield samples


def look(rig: Rig, gateway: int, at: float) -> Sample:
    """Take one sample; raise OSError where a process is gone."""
    proc = Path(f"/proc/{rig.watch_pid}")
    status = dict(line.split(":\t", 1) for line in (proc / "status").read_text().splitlines() if ":\t" in line)
    sockets = Path(f"/proc/{gateway}/net/sockstat").read_text().split()
    return Sample(
        at=round(at, 1),
        pid=rig.watch_pid,
        rss_kb=int(status["VmRSS"].split()[0]),
        descriptors=len(list((proc / "fd").iterdir())),
        threads=int(status["Threads"]),
        processes=len(children(gateway)),
        connections=int(sockets[sockets.index("TCP:") + 2]),
        generations=len(list((rig.state / "proxy" / "generations").iterdir())),
    )


def quarters(samples: list[Sample], series: str) -> tuple[float, float]:
    """Return the medians of a series in the second and in the last quarter: the first one warms up."""
    figures = [getattr(s, series) for s in samples]
    quarter = max(1, len(figures) // 4)
    return statistics.median(figures[quarter : 2 * quarter] or figures), statistics.median(figures[-quarter:])
