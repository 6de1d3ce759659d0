"""A loop whose clock jumps to the next timer, so that no test waits for one. Not for what runs in threads."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _Clock(selectors.DefaultSelector):
    """Waits for no file: the time passes instead."""

    now = 1000.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Let the time pass that the loop would wait for."""
        self.now += timeout or 0.0
        return super().select(0)


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._clock = _Clock()
        super().__init__(self._clock)

    def time(self) -> float:
        """Return the seconds of the clock that jumps."""
        return self._clock.now


def run(main: Coroutine[Any, Any, T]) -> T:
    """Return what `main` returns; its `asyncio.sleep` takes no time, and `loop.time()` says how long it was."""
    with asyncio.Runner(loop_factory=_Loop) as runner:
        return runner.run(main)
