"""`proxyctl.core.spacing`: how far apart reloads are."""

from __future__ import annotations

import pytest

from proxyctl.core.spacing import LONGEST, Spacing


def times(changes: list[float], first: float) -> list[float]:
    """Return when reloads are made for changes at these times, each as early as the spacing allows."""
    spacing, made = Spacing(first), []
    while changes:
        now = changes[0]
        if wait := spacing.wait(now):
            spacing, now = spacing.holding(), now + wait
        made.append(round(now, 3))
        spacing = spacing.reloaded(now)
        changes = [change for change in changes if change > now]
    return made


def test_a_storm_makes_a_handful_of_reloads() -> None:
    """A change every tenth of a second for ten seconds: nine reloads, the first at once, the last within LONGEST."""
    storm = [n / 10 for n in range(101)]
    assert times(storm, 0.25) == [0.0, 0.25, 0.75, 1.75, 3.75, 5.75, 7.75, 9.75, 11.75]
    assert times(storm, 0.25)[-1] - storm[-1] < LONGEST


@pytest.mark.parametrize("changes", [[0.0, 0.3, 0.6, 0.9], [0.0, 5.0]])
def test_changes_that_are_further_apart_are_not_held_up(changes: list[float]) -> None:
    """Each is made when it comes."""
    assert times(changes, 0.25) == changes


def test_the_gap_is_short_again_after_quiet() -> None:
    """The first change after a storm is made at once, and the next has to wait only as long as the first gap."""
    assert times([0.0, 0.1, 0.3, 5.0, 5.1], 0.25) == [0.0, 0.25, 0.75, 5.0, 5.25]


def test_a_first_gap_of_more_than_the_longest_stays_as_it_is() -> None:
    """What the operator asks for is the least."""
    assert times([0.0, 1.0, 4.0, 7.0], 3.0) == [0.0, 3.0, 6.0, 9.0]
