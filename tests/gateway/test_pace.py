"""`proxyctl.gateway.pace`: how often a server is asked that is not ready, alone and among others."""

from __future__ import annotations

import pytest

from proxyctl.gateway.pace import CHECK, COMMAND, CONNECT, LONG, SELDOM, Way, pause


@pytest.mark.parametrize("waited", [0.1, 0.4, 5.0, 30.0, LONG - 0.001])
def test_a_server_alone_is_asked_as_often_after_half_a_minute_as_after_a_tenth_of_a_second(waited: float) -> None:
    """What it waits for after it listens does not depend on how long it took to listen."""
    assert pause(CONNECT, waited, 1) == CONNECT.usual


def test_the_first_pauses_are_the_shortest() -> None:
    """Most servers listen within milliseconds; how many others wait makes no difference then."""
    assert [pause(CONNECT, waited, 500) for waited in (0.0, 0.004, 0.012, 0.09)] == [0.001, 0.001, 0.003, 0.005]


@pytest.mark.parametrize("way", [CONNECT, CHECK, COMMAND])
@pytest.mark.parametrize("waited", [0.2, 20.0, LONG, 10_000.0])
@pytest.mark.parametrize("waiting", [1, 20, 200, 5000])
def test_all_together_are_asked_a_bounded_number_of_times_per_second(way: Way, waited: float, waiting: int) -> None:
    """However many servers wait, and for however long."""
    assert waiting / pause(way, waited, waiting) <= way.per_second * 1.001


@pytest.mark.parametrize(("way", "seldom"), [(CONNECT, SELDOM), (CHECK, 2.0), (COMMAND, SELDOM)])
def test_a_server_that_never_comes_is_asked_seldom(way: Way, seldom: float) -> None:
    """After a minute it most likely has a fault; a checked one is asked by its interval then."""
    assert pause(way, LONG, 1, seldom) == seldom


def test_no_check_before_the_first_success_comes_later_than_its_interval() -> None:
    """An interval that is shorter than the usual pause holds from the start."""
    assert pause(CHECK, 5.0, 1, 0.03) == 0.03
    assert pause(CHECK, 5.0, 1, 2.0) == CHECK.usual
