"""How long servers have been leaving."""

from __future__ import annotations

from proxyctl.core.decide.outcome import Leaving
from proxyctl.reconcile.drains import Drains

A, B = Leaving("web", "a", 1000), Leaving("web", "b", 5000)


def test_each_has_its_time_from_when_it_was_first_seen() -> None:
    """Those that stay keep their time, and who is over stays so until it is gone."""
    drains = Drains()
    assert (drains.over(0), drains.next_end(0)) == (frozenset(), None)
    drains.follow([A], 10)
    drains.follow([A, B], 10.5)
    assert drains.over(10.9) == frozenset()
    assert round(drains.next_end(10.9) or 0, 3) == 0.1
    assert drains.over(11) == {("web", "a")}
    drains.follow([A, B], 11)
    assert drains.over(11.1) == {("web", "a")}
    assert drains.next_end(11) == 4.5
    drains.follow([B], 11)
    assert drains.over(15.5) == {("web", "b")}
    assert drains.next_end(15.5) is None


def test_who_comes_back_and_leaves_again_has_its_whole_time() -> None:
    """As one that is paused twice; and another `drain` counts from the same start."""
    drains = Drains()
    drains.follow([A], 0)
    drains.follow([], 0.5)
    drains.follow([A], 0.9)
    assert round(drains.next_end(0.9) or 0, 3) == 1
    drains.follow([Leaving("web", "a", 3000)], 1)
    assert drains.next_end(1) == 2.9
