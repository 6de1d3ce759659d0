"""`proxyctl.reconcile.checkup`: how often ports and limits are asked for, and what becomes of the answers."""

from __future__ import annotations

import asyncio
from typing import cast

from proxyctl.core import codes
from proxyctl.core.model import Problem
from proxyctl.core.usage import Usage
from proxyctl.engines.port import Engine
from proxyctl.reconcile.checkup import AGAIN, EVERY, Checkup
from tests import virtual_time
from tests.in_memory import MemoryRoad

BROKEN = Problem("", "", "port 80 is published, and nothing answers", code=codes.NO_ROAD)


class Used:
    """Of an engine: how much of its limits is in use; `fails` is a mistake of ours in reading that."""

    def __init__(self) -> None:
        self.usages: tuple[Usage, ...] = ()
        self.fails = False

    async def usage(self) -> tuple[Usage, ...]:
        """Return what the test says."""
        if self.fails:
            raise ZeroDivisionError
        return self.usages


def test_rounds_are_rare_and_at_once_after_a_change() -> None:
    """A problem is looked at again soon, so that whoever mends it sees that; only news wakes a pass."""
    road, used, woken = MemoryRoad(), Used(), list[str]()

    async def play() -> None:
        checkup = Checkup(road, cast("Engine", used), woken.append)
        running = asyncio.create_task(checkup.run(lambda: {80}))
        await asyncio.sleep(2 * EVERY + 1)
        assert road.asked == [{80}] * 2
        road.problems = (BROKEN,)
        checkup.soon()
        await asyncio.sleep(0.1)
        assert (len(road.asked), checkup.problems, len(woken)) == (3, (BROKEN,), 1)
        await asyncio.sleep(2 * AGAIN)
        assert (len(road.asked), len(woken)) == (5, 1)
        road.problems, used.usages = (), (Usage("connections", 9, 10),)
        await asyncio.sleep(AGAIN)
        assert [p.code for p in checkup.problems] == [codes.NEAR_LIMIT]
        assert len(woken) == 2
        running.cancel()

    virtual_time.run(play())


def test_a_mistake_in_reading_an_answer_ends_nothing() -> None:
    """What was known stays, and the next round comes."""
    road, used = MemoryRoad(), Used()
    used.fails = True

    async def play() -> None:
        checkup = Checkup(road, cast("Engine", used), lambda _: None)
        running = asyncio.create_task(checkup.run(set))
        await asyncio.sleep(EVERY + 1)
        used.fails, road.problems = False, (BROKEN,)
        await asyncio.sleep(EVERY)
        assert checkup.problems == (BROKEN,)
        running.cancel()

    virtual_time.run(play())
