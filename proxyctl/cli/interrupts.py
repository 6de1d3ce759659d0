"""Ctrl-C and SIGTERM as a question, for commands whose steps must not be cut in two.

An exception that comes out of a signal handler may land anywhere: between a container's start and the note that it has
to be removed, or where a lock is just being released.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def interrupts() -> Iterator[Callable[[], bool]]:
    """Give a function that says whether somebody wants the command to end; who does is told that it was heard."""
    caught: list[int] = []

    def heard(number: int, _: object) -> None:
        if not caught:
            os.write(2, b"\ninterrupted: what was begun is taken back first\n")  # a handler may not print: it may nest
        caught.append(number)

    before = {s: signal.signal(s, heard) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(caught)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
