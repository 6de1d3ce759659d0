"""How long the steps of one pass took: what `watch --verbose` logs of each, and `make bench` reads.

Steps are timed where they happen, in any layer, and gathered by whoever makes the pass; outside of one a lap costs
nothing and goes nowhere. Decides nothing.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from contextvars import ContextVar

_gathered: ContextVar[dict[str, float] | None] = ContextVar("laps", default=None)


@contextlib.contextmanager
def gathered() -> Iterator[dict[str, float]]:
    """Give the milliseconds by step of all laps inside, in the order of their ends."""
    took: dict[str, float] = {}
    token = _gathered.set(took)
    try:
        yield took
    finally:
        _gathered.reset(token)


@contextlib.contextmanager
def lap(step: str) -> Iterator[None]:
    """Time one step; several of one name are added up."""
    began = time.perf_counter()
    try:
        yield
    finally:
        took = _gathered.get()
        if took is not None:
            took[step] = took.get(step, 0.0) + (time.perf_counter() - began) * 1000
