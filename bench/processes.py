"""The proxy's processes on the host, counted again and again: whether old workers pile up.

Reads /proc below the gateway's pid, so it needs the engine's own machine. Next: `burst`.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from bench.meanwhile import meanwhile

_EVERY = 0.05
_OLD = b"shutting down"
"""How nginx titles a worker that a reload has replaced; HAProxy's old workers keep their title."""


class Processes:
    """How many children one pid has, again and again: all of them, and those that say they are shutting down."""

    def __init__(self, pid: int) -> None:
        self.counts: list[tuple[float, int, int]] = []
        """(seconds since the beginning, children, those of them that are shutting down)."""
        self._pid = pid
        self._began = time.monotonic()

    @property
    def most(self) -> int:
        """The greatest number of children at one time."""
        return max((total for _, total, _ in self.counts), default=0)

    @property
    def most_old(self) -> int:
        """The greatest number that was shutting down at one time."""
        return max((old for _, _, old in self.counts), default=0)

    def count(self, ended: threading.Event) -> None:
        """Count until `ended` is set."""
        while not ended.wait(_EVERY):
            titles = children(self._pid)
            old = sum(_OLD in title for title in titles)
            self.counts.append((time.monotonic() - self._began, len(titles), old))


@contextlib.contextmanager
def processes_of(pid: int) -> Iterator[Processes]:
    """Yield the counts of a pid's children, which grow while the block runs."""
    found = Processes(pid)
    with meanwhile(found.count):
        yield found


def children(pid: int) -> list[bytes]:
    """Return the command lines of the proxy's processes among a process's children, without what `boot.sh` runs."""
    titles = []
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        try:
            titles.append(Path(f"/proc/{child}/cmdline").read_bytes())
        except OSError:
            continue
    return [title for title in titles if title.startswith((b"haproxy", b"nginx"))]
