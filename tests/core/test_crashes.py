"""`proxyctl.core.crashes`: when a container crashes in a loop, how long it waits then, and when that is over."""

from __future__ import annotations

import pytest

from proxyctl.core.crashes import Held, ended, held, started
from proxyctl.core.model import Crashes

WEB = Crashes("web")


def lived(*runs: tuple[float, float], of: Crashes = WEB) -> Crashes:
    """Return what is known after these runs, each from a start to a crash; seconds."""
    for start, end in runs:
        of = ended(started(of, start), end, "1")
    return of


def reasons(known: Crashes, now: float) -> list[str]:
    """Return why the container may not serve at that time."""
    return [each.reason for each in held([known], now)]


@pytest.mark.parametrize(
    ("runs", "loops"),
    [
        ([], False),
        ([(0, 0.3)], False),
        ([(0, 0.3), (0.4, 0.7)], False),
        ([(0, 0.3), (0.4, 0.7), (0.9, 1.2)], True),
        ([(0, 25), (25, 50), (50, 75)], True),  # the first end and the third are within a minute
        ([(0, 35), (35, 70), (70, 105)], False),  # here they are not
        ([(0, 35), (35, 70), (70, 71), (71, 72)], True),  # but of these the last three are
        ([(0, 1), (1, 2), (2, 3), (63, 64)], True),  # Docker waits up to a minute between starts: still the same loop
        ([(0, 1), (1, 2), (2, 63)], False),  # a minute's run is a good start, and what came before is forgotten
        ([(0, 1), (1, 2), (2, 3), (3, 64)], False),
        ([(0, 1), (1, 2), (2, 3), (3, 64), (64, 65), (65, 66)], True),  # its end is the first of the next three
    ],
)
def test_three_crashes_within_a_minute_are_a_loop_until_it_runs_for_a_minute(
    runs: list[tuple[float, float]], *, loops: bool
) -> None:
    """Only a container in a loop waits."""
    known = lived(*runs)
    assert known.looping is loops
    assert bool(held([known], now=1000)) is loops


@pytest.mark.parametrize(
    ("runs", "needed"),
    [
        ([(0, 0.3), (1, 1.3), (2, 2.3)], 10),  # 10 s at least
        ([(0, 0.3), (1, 9), (9, 9.1)], 16),  # twice the longest run
        ([(0, 15), (15, 29), (30, 45)], 30),
        ([(0, 1), (1, 2), (2, 3), (3, 53)], 60),  # a minute at most
    ],
)
def test_it_waits_until_it_has_run_for_longer_than_lately(runs: list[tuple[float, float]], needed: float) -> None:
    """So a start that is like the others is not served, however long these runs are."""
    known = started(lived(*runs), 100)
    for ran, seconds in ((0.0, needed), (needed - 0.5, 0.5)):
        (waits,) = held([known], 100 + ran)
        assert waits == Held("web", waits.reason, seconds)
        assert waits.reason == (
            f"crashed {len(runs)} times (exit code 1) and never ran for a minute: it is taken in again once it has run "
            f"for {needed:.0f} s"
        )
    assert held([known], 100 + needed) == ()


@pytest.mark.parametrize(("count", "told"), [(9, "9"), (10, "at least 10"), (19, "at least 10"), (345, "at least 300")])
def test_many_crashes_are_told_in_round_numbers(count: int, told: str) -> None:
    """What is told of a fast loop changes seldom."""
    (reason,) = reasons(lived(*((n, n + 0.3) for n in range(count))), 1000)
    assert reason.startswith(f"crashed {told} times ")


def test_it_waits_while_it_does_not_run() -> None:
    """Nobody knows when Docker starts it again."""
    (waits,) = held([lived((0, 1), (1, 2), (2, 3))], 1000)
    assert waits.seconds is None


def test_a_crash_after_the_wait_makes_the_next_one_longer() -> None:
    """A container that crashes a while after it is taken in again is not taken in at that age once more."""
    known = lived((0, 1), (1, 2), (2, 3), (3, 18))
    assert reasons(started(known, 20), 20 + 29)
    assert not reasons(started(known, 20), 20 + 30)


def test_a_first_crash_of_a_container_whose_start_nobody_saw_says_nothing_of_its_run() -> None:
    """As after a start of proxyctl. An exit code that is not known is not told."""
    known = ended(WEB, 50, "")
    assert (known.count, known.longest, known.ends) == (1, 0, (50,))
    known = ended(started(ended(started(known, 51), 52, ""), 53), 54, "")
    assert reasons(known, 54) == [
        "crashed 3 times and never ran for a minute: it is taken in again once it has run for 10 s"
    ]
