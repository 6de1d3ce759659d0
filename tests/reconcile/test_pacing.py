"""`proxyctl.reconcile.pacing`: how far apart reloads are."""

from __future__ import annotations

from itertools import pairwise

import pytest

from proxyctl.reconcile.pacing import LONGEST, Spacing


def times(changes: list[float], first: float = 0.25, work: float = 0.0) -> list[float]:
    """Return when reloads that take `work` are made for changes at these times, as early as the spacing allows."""
    spacing, made, now, done = Spacing(first), [], 0.0, 0
    while done < len(changes):
        now = max(now, changes[done])
        there = sum(change <= now for change in changes)
        held = spacing.deferring(f"{there} changes", now)
        if wait := held.wait(now):
            spacing = held
            now = min([now + wait, *changes[there : there + 1]])
            continue
        made.append(round(now, 3))
        now += work
        spacing, done = spacing.reloaded(now, work), there
    return made


def every(seconds: float, times_: int) -> list[float]:
    """Return so many changes, so far apart."""
    return [n * seconds for n in range(times_)]


def test_a_storm_makes_a_handful_of_reloads() -> None:
    """A hundred changes in eighteen seconds are seven reloads, the first at once, the last 1.25 s after its change."""
    made = times(every(0.18, 101), work=0.15)
    assert made == [0.0, 0.435, 1.785, 6.735, 11.885, 17.035, 19.25]
    assert all(later - earlier <= LONGEST + 0.15 for earlier, later in pairwise(made))


def test_a_wait_ends_early_when_the_storm_is_over() -> None:
    """Nothing new for a quarter of the gap, and the reload is made; never before the first gap is over."""
    assert times([0.0, 0.1, 0.2, 0.3, 0.4]) == [0.0, 0.25, 0.65]
    assert times([0.0, 0.1, 0.2, 0.26]) == [0.0, 0.25, 0.51]


@pytest.mark.parametrize("apart", [0.3, 1.0, 30.0])
def test_changes_that_are_further_apart_are_not_held_up(apart: float) -> None:
    """Each is made when it comes."""
    assert times(every(apart, 20)) == pytest.approx(every(apart, 20), abs=1e-3)


def test_servers_that_come_one_by_one_after_a_storm_are_not_held_up_for_long() -> None:
    """A gap shrinks again with each reload that had not to wait."""
    after = [20.0, 30.0, 30.5, 31.0, 31.5]
    made = times([*every(0.1, 100), *after], work=0.15)
    assert made[-5:] == after


def test_one_that_waits_alone_waits_for_a_quarter_of_the_gap() -> None:
    """And that does not make the gap longer: it is no storm."""
    assert times([0.0, 0.1, 0.2, 2.0, 2.5, 3.0]) == [0.0, 0.25, 2.0, 2.5, 3.0]
    spacing = Spacing(0.25, gap=4.0, at=10.0).deferring("a", 10.5)
    assert spacing.wait(10.5) == 1.0
    assert spacing.reloaded(11.5, 0.1).gap == 4.0


def test_reloads_that_take_long_are_further_apart() -> None:
    """A busy machine starts a server every 0.6 s and reloads in half a second: ten for fifty, and not fifty."""
    assert len(times(every(0.6, 50), work=0.5)) == 10


def test_the_same_again_does_not_make_a_wait_longer() -> None:
    """A pass that wants what one before it wanted is nothing new."""
    held = Spacing(0.25, gap=4.0, at=10.0).deferring("a", 10.5)
    assert held.deferring("a", 11.0).wait(11.0) == 0.5
    assert held.deferring("b", 11.0).wait(11.0) == 1.0


def test_a_first_gap_of_more_than_the_longest_stays_as_it_is() -> None:
    """What the operator asks for is the least."""
    assert times([0.0, 1.0, 7.0, 14.0], 6.0) == [0.0, 6.0, 12.0, 18.0]
