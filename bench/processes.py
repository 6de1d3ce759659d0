"""The proxy's processes on the host, counted again and again: whether old workers pile up.

Reads /proc below the gateway's pid, so it needs the engine's own machine. Next: `burst`.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Self

_EVERY = 0.05
_OLD = b"shutting down"
"""How nginx titles a worker that a reload has replaced; HAProxy's old workers keep their title."""


class Processes:
    """Counts the children of one pid from a thread: all of them, and those that say they are shutting down."""

    def __init__(self, pid: int) -> None:
        self.counts: list[tuple[float, int, int]] = []
        """(seconds since the beginning, children, those of them that are shutting down)."""
        self._pid = pid
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._began = time.monotonic()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    @property
    def most(self) -> int:
        """The greatest number of children at one time."""
        return max((total for _, total, _ in self.counts), default=0)

    @property
    def most_old(self) -> int:
        """The greatest number that was shutting down at one time."""
        return max((old for _, _, old in self.counts), default=0)

    def _run(self) -> None:
        while not self._ended.wait(_EVERY):
            titles = children(self._pid)
            old = sum(_OLD in title for title in titles)
            self.counts.append((time.monotonic() - self._began, len(titles), old))


def children(pid: int) -> list[bytes]:
    """Return the command lines of a process's children; those that have just ended are empty or left out."""
    titles = []
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        try:
            titles.append(Path(f"/proc/{child}/cmdline").read_bytes())
        except OSError:
            continue
    return titles
