"""How long the steps of one pass took: what `watch --verbose` logs of each, and `make bench` reads.

Each step is timed where it happens, in any layer; the loop of passes gathers the timings. Outside a pass `timed` costs
almost nothing and keeps nothing. Decides nothing.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from contextvars import ContextVar

_gathered: ContextVar[dict[str, float] | None] = ContextVar("timings", default=None)


@contextlib.contextmanager
def timings() -> Iterator[dict[str, float]]:
    """Yield a dictionary that fills with the milliseconds of each step inside the block, in the order of their ends."""
    took: dict[str, float] = {}
    token = _gathered.set(took)
    try:
        yield took
    finally:
        _gathered.reset(token)


@contextlib.contextmanager
def timed(step: str) -> Iterator[None]:
    """Add the time of the block to the step of that name."""
    began = time.perf_counter()
    try:
        yield
    finally:
        took = _gathered.get()
        if took is not None:
            took[step] = took.get(step, 0.0) + (time.perf_counter() - began) * 1000
