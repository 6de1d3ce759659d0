"""Wake-ups become one, and timers ring once, by a clock that jumps."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from proxyctl.reconcile.wakes import RETRY_LAST, Wakes
from tests import virtual_time


def rings(script: Callable[[Wakes], Coroutine[Any, Any, None]], *, until: float) -> list[float]:
    """Return when `wait` returned, in seconds after the start, while a script runs."""
    made: list[float] = []

    async def listen(wakes: Wakes, began: float) -> None:
        while True:
            await wakes.wait()
            made.append(round(asyncio.get_running_loop().time() - began, 3))

    async def play() -> None:
        wakes = Wakes()
        listening = asyncio.create_task(listen(wakes, asyncio.get_running_loop().time()))
        await script(wakes)
        await asyncio.sleep(until)
        listening.cancel()

    virtual_time.run(play())
    return made


def test_wake_ups_before_a_pass_are_one() -> None:
    """Those that come later make another."""

    async def script(wakes: Wakes) -> None:
        wakes.wake("one")
        wakes.wake("two")
        await asyncio.sleep(1)
        wakes.wake("three")

    assert rings(script, until=1) == [0, 1]


async def test_one_that_cannot_wait_counts_for_the_next_pass_alone() -> None:
    """Whatever else woke that pass."""
    wakes = Wakes()
    wakes.wake("operator", at_once=True)
    wakes.wake("event")
    assert wakes.take_at_once()
    wakes.wake("event")
    assert not wakes.take_at_once()


def test_the_earliest_timer_rings_and_later_ones_do_not() -> None:
    """Each pass sets its timers anew, so none may add up; after it has rung the next can be set."""

    async def script(wakes: Wakes) -> None:
        wakes.later(3, "late")
        wakes.later(2, "early")
        wakes.later(2.5, "later")
        await asyncio.sleep(2.1)
        wakes.later(0.4, "next")

    assert rings(script, until=0.6)[:2] == [2, 2.5]


def test_failures_are_further_and_further_apart() -> None:
    """Up to the longest wait; a pass that goes well begins anew."""

    async def script(wakes: Wakes) -> None:
        for _ in range(6):
            wakes.back_off("no gateway")
            await asyncio.sleep(10)
        wakes.calm()
        wakes.back_off("no gateway")

    waits = [ring - 10 * n for n, ring in enumerate(rings(script, until=1))]
    assert waits == [0.5, 1, 2, 4, RETRY_LAST, RETRY_LAST, 0.5]
