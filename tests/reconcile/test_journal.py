"""`proxyctl.reconcile.journal`: events with ids, problems told once, and a bell that no listener misses for good."""

from __future__ import annotations

import asyncio
import time

import pytest
from structlog.testing import capture_logs

from proxyctl.core import codes
from proxyctl.core.model import Desired, Pool, Problem, Server
from proxyctl.core.plan import diff
from proxyctl.reconcile.apply import Applied
from proxyctl.reconcile.journal import KEPT, Journal
from proxyctl.state.port import Generation

EMPTY = Desired(pools=(Pool("web"),))
FULL = Desired(pools=(Pool("web", servers=(Server("web1", "id-web1", "10.0.0.1", 80),)),))


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


def test_what_was_applied_is_told_change_by_change() -> None:
    """Each change is an event with how it was done and how long it took; the log has one line for all of them."""
    made = Journal()
    with capture_logs() as lines:
        made.record_applied(Applied("runtime", diff(EMPTY, FULL), (), 0.0123), Generation(3, "rev3", "t", FULL))
    assert [(e.kind, e.text) for e in made.after()] == [
        ("join", "web1 joined pool web at 10.0.0.1:80 (runtime, 12.3 ms)")
    ]
    (line,) = lines
    assert (line["event"], line["how"], line["generation"], line["revision"]) == ("applied", "runtime", 3, "rev3")
    assert "why" not in line


def test_a_reload_without_changes_is_told_by_its_reasons() -> None:
    """As after a change of a template."""
    made = Journal()
    with capture_logs() as lines:
        made.record_applied(Applied("reload", diff(FULL, FULL), ("templates changed",), 0.1), None)
    assert [(e.kind, e.text) for e in made.after()] == [("reload", "templates changed (100.0 ms)")]
    assert (lines[0]["why"], lines[0]["changes"]) == ("templates changed", "no change of servers or routes")


def test_a_problem_is_told_when_it_is_new() -> None:
    """Not again by the next pass; its end is in the log alone; what stays is what the last pass found, sorted."""
    made = Journal()
    bad = Problem("web1", "proxyctl.port", "no number", code=codes.BAD_VALUE)
    worse = Problem("", "", "gateway: gone", code=codes.GATEWAY)
    with capture_logs() as lines:
        for found in ([bad], [bad, worse, bad], [worse]):
            made.record_problems(found)
    assert [e.text for e in made.after()] == ["web1 proxyctl.port no number", "gateway: gone"]
    assert [line["event"] for line in lines] == ["problem", "problem", "problem solved"]
    assert made.problems == (worse,)
