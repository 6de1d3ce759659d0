"""`proxyctl.core.spacing`: how far apart reloads are."""

from __future__ import annotations

from itertools import pairwise

import pytest

from proxyctl.core.spacing import LONGEST, Spacing


def times(changes: list[float], first: float) -> list[float]:
    """Return when reloads are made for changes at these times, each as early as the spacing allows."""
    spacing, made, waiting = Spacing(first), [], False
    for now, later in zip(changes, [*changes[1:], float("inf")], strict=True):
        held = spacing.wanting(f"change at {now}", now)
        if wait := held.wait(now):
            spacing, waiting = held, True
            if now + wait >= later:
                continue
        made.append(round(now + wait, 3))
        spacing, waiting = spacing.reloaded(now + wait), False
    assert not waiting
    return made


def test_a_storm_makes_a_handful_of_reloads() -> None:
    """A change every fifth of a second for twenty seconds: seven reloads, the first at once, the last 1.25 s after."""
    storm = [n / 5 for n in range(101)]
    made = times(storm, 0.25)
    assert made == [0.0, 0.25, 1.25, 5.25, 10.25, 15.25, 20.25]
    assert all(later - earlier <= LONGEST for earlier, later in pairwise(made))


def test_a_wait_ends_early_when_the_storm_is_over() -> None:
    """Nothing new for a quarter of the gap, and the reload is made; never before the first gap is over."""
    assert times([0.0, 0.1, 0.3, 0.4], 0.25) == [0.0, 0.25, 0.65]
    assert times([0.0, 0.1, 0.26], 0.25) == [0.0, 0.25, 0.51]
    assert times([n / 5 for n in range(31)], 0.25) == [0.0, 0.25, 1.25, 5.25, 7.25]


@pytest.mark.parametrize("changes", [[0.0, 0.3, 0.6, 0.9], [0.0, 5.0]])
def test_changes_that_are_further_apart_are_not_held_up(changes: list[float]) -> None:
    """Each is made when it comes."""
    assert times(changes, 0.25) == changes


def test_the_gap_is_short_again_after_quiet() -> None:
    """The first change after a storm is made at once, and the next has to wait only as long as the first gap."""
    assert times([0.0, 0.1, 0.3, 9.0, 9.1], 0.25) == [0.0, 0.25, 0.55, 9.0, 9.25]


def test_the_waves_of_a_storm_are_one_storm() -> None:
    """After a pause that is shorter than twice the gap the next change is made at once, but those after it wait."""
    assert times([0.0, 0.1, 0.3, 5.0, 5.1, 5.9, 6.5], 0.25) == [0.0, 0.25, 0.55, 5.0, 7.5]


def test_the_same_again_does_not_make_a_wait_longer() -> None:
    """A pass that wants what one before it wanted is nothing new."""
    held = Spacing(0.25, gap=4.0, at=10.0).wanting("a", 10.5)
    assert held.wanting("a", 11.0).wait(11.0) == 0.5
    assert held.wanting("b", 11.0).wait(11.0) == 1.0


def test_a_first_gap_of_more_than_the_longest_stays_as_it_is() -> None:
    """What the operator asks for is the least."""
    assert times([0.0, 1.0, 7.0, 14.0], 6.0) == [0.0, 6.0, 12.0, 18.0]
