"""`proxyctl.reconcile.journal`: events with ids, and a bell that a slow listener may miss but not forget."""

from __future__ import annotations

import asyncio
import time

import pytest

from proxyctl.reconcile.journal import KEPT, Journal


def journal(events: int) -> Journal:
    """Return a journal of so many events."""
    made = Journal()
    for number in range(1, events + 1):
        made.record("join", f"web{number} joined")
    return made


def test_ids_count_from_one() -> None:
    """Each event has the next id, and the time at which it was written."""
    before = time.time()
    one, two = journal(2).after()
    assert (one.id, one.kind, one.text) == (1, "join", "web1 joined")
    assert two.id == 2
    assert before <= one.at <= two.at <= time.time()


@pytest.mark.parametrize(("last", "ids"), [(0, [1, 2, 3]), (1, [2, 3]), (3, []), (4, [1, 2, 3])])
def test_events_after_an_id(last: int, ids: list[int]) -> None:
    """Those that came later; all of them after an id that an earlier `watch` has given."""
    assert [e.id for e in journal(3).after(last)] == ids


def test_the_oldest_events_go_and_ids_stay() -> None:
    """A journal keeps the last 500; an event that is gone does not give its id to another."""
    kept = journal(KEPT + 2).after()
    assert (len(kept), kept[0].id, kept[-1].id) == (KEPT, 3, KEPT + 2)


async def test_a_listener_hears_of_what_came_while_it_was_busy() -> None:
    """It is told now, once for all rings that it missed, and then waits for the next."""
    made = Journal()
    rings = made.rings()
    await anext(rings)
    made.record("join", "web1 joined")
    made.ring()
    await asyncio.wait_for(anext(rings), 1)
    waiting = asyncio.ensure_future(anext(rings))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not waiting.done()
    made.ring()
    await asyncio.wait_for(waiting, 1)
