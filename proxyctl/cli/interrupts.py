"""Ctrl-C and SIGTERM as a question, for commands whose steps must not be cut in two.

An exception that comes out of a signal handler may land anywhere: between a container's start and the note that it has
to be removed, or where a lock is just being released.
"""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def interrupts() -> Iterator[Callable[[], bool]]:
    """Give a function that says whether somebody wants the command to end."""
    caught: list[int] = []
    before = {s: signal.signal(s, lambda number, _: caught.append(number)) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(caught)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
