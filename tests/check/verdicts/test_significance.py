"""Tests of chance, against figures of other programs and against what must hold."""

from __future__ import annotations

import random

import pytest

from proxyctl.check.verdicts.significance import (
    FEWEST_BLOCKS,
    Spread,
    beta_tail,
    f_tail,
    fisher,
    same_rate,
    same_share,
    same_shares,
    spread,
    spread_of_rate,
)


@pytest.mark.parametrize(
    ("statistic", "upper", "lower", "p"),
    [
        (4.0, 1, 10, 0.07338803477074037),  # scipy.stats.f.sf
        (20.0, 3, 30, 2.587600271284228e-07),
        (25.0, 1, 38, 1.3276418057994296e-05),
        (0.5, 1, 1, 0.6081734479693928),
        (0.0, 1, 10, 1.0),
    ],
)
def test_f(statistic: float, upper: float, lower: float, p: float) -> None:
    """The tail of F is what SciPy says."""
    assert f_tail(statistic, upper, lower) == pytest.approx(p, rel=1e-9)


def test_beta_at_its_ends() -> None:
    """Nothing is below 0, everything below 1."""
    assert (beta_tail(0.0, 2, 3), beta_tail(1.0, 2, 3)) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("table", "p"),
    [
        ((3, 10, 8, 10), 2 * 0.034889259347463676),  # twice scipy.stats.hypergeom.cdf
        ((8, 10, 3, 10), 2 * 0.034889259347463676),
        ((0, 1000, 14, 1000), 0.00011660447465259827),  # scipy.stats.fisher_exact, where both sides are alike
        ((10000, 1_000_000, 11000, 1_000_000), 4.16395509804456e-12),
        ((0, 10, 0, 10), 1.0),
        ((5, 5, 5, 5), 1.0),
        ((0, 0, 3, 5), 1.0),
    ],
)
def test_fisher(table: tuple[int, int, int, int], p: float) -> None:
    """Fisher's test is what SciPy says, with few and with a million."""
    assert fisher(*table) == pytest.approx(p, rel=1e-6)


def even(count: int, total: int, blocks: int = 20) -> list[tuple[int, int]]:
    """Return blocks that all have the same."""
    return [(count, total - count)] * blocks


def test_spread_of_chance_and_of_bursts() -> None:
    """Independent requests have a spread near 1, what is more even has 1, what comes ten at a time has 10."""
    rng = random.Random(1)
    chance = [[(k := sum(rng.random() < 0.3 for _ in range(200)), 200 - k) for _ in range(20)] for _ in range(2)]
    bursts = [[(k := 10 * sum(rng.random() < 0.3 for _ in range(20)), 200 - k) for _ in range(20)] for _ in range(2)]
    one, many = spread(*chance), spread(*bursts)
    assert one
    assert many
    assert 1.0 <= one.factor < 2.5
    assert 6 < many.factor < 25
    regular = spread(even(5, 100), even(5, 100))
    assert regular
    assert regular.factor == 1.0


def test_neighbours_alike_are_fewer_blocks() -> None:
    """Blocks that are like their neighbours count as fewer: the spread is wider and less well known."""
    high, low = [(60, 40)], [(40, 60)]
    mixed, drifting = spread((high + low) * 10, (low + high) * 10), spread(high * 10 + low * 10, low * 10 + high * 10)
    assert mixed
    assert drifting
    assert drifting.factor > 5 * mixed.factor
    assert drifting.degrees < mixed.degrees / 5


@pytest.mark.parametrize("few", [even(1, 10, FEWEST_BLOCKS - 1), [*even(1, 10, FEWEST_BLOCKS - 1), (0, 0), (0, 0)]])
def test_too_few_blocks(few: list[tuple[int, int]]) -> None:
    """How much a run varies is not known from fewer than 8 blocks in which something ended."""
    assert spread(few, even(1, 10)) is None
    assert spread_of_rate([(n, 1.0) for n, _ in few[:7]], [(1, 1.0)] * 20) is None


def test_one_class() -> None:
    """Where all are of one class, nothing varies."""
    assert spread(even(0, 10), even(0, 10)) == Spread(1.0, 38)


def test_same_share() -> None:
    """The same shares are by chance; what is far more than chance is not, unless it comes in bursts."""
    free = Spread(1.0, 38)
    assert same_share(10, 1000, 12, 1000, free) > 0.5
    assert same_share(0, 1000, 40, 1000, free) < 1e-6
    assert same_share(0, 1000, 40, 1000, Spread(20.0, 38)) > 0.1
    assert same_share(0, 1000, 40, 1000, None) == fisher(0, 1000, 40, 1000)
    assert same_share(10, 10, 10, 10, free) == 1.0


def test_same_shares() -> None:
    """Shares over several classes are compared at once; one that is gone is seen; the spread is taken into account."""
    free = Spread(1.0, 38)
    assert same_shares([500, 500, 500], [490, 505, 505], free) > 0.5
    assert same_shares([500, 500, 500], [750, 750, 0], free) < 1e-9
    assert same_shares([500, 500, 500], [750, 750, 0], None) < 1e-9
    assert same_shares([500, 500], [550, 450], Spread(40.0, 38)) > 0.1
    assert same_shares([500, 0], [500, 0], free) == same_shares([0, 0], [1, 2], free) == 1.0
    assert same_shares([0, 0], [0, 0], free) == 1.0


def test_same_rate() -> None:
    """A rate is compared with how it varies; two runs that are perfectly regular may be one request apart."""
    rng = random.Random(2)
    rows = [[(round(rng.gauss(100, 10)), 0.1) for _ in range(20)] for _ in range(2)]
    varies = spread_of_rate(*rows)
    assert varies
    assert same_rate(2000, 2.0, 2020, 2.0, varies) > 0.1
    assert same_rate(2000, 2.0, 1500, 2.0, varies) < 1e-6
    regular = spread_of_rate([(10, 0.1)] * 20, [(10, 0.1)] * 20)
    assert regular
    assert regular.factor == 0.0
    assert same_rate(200, 2.0, 201, 2.0, regular) > 0.1
    assert same_rate(200, 2.0, 210, 2.0, regular) < 1e-5
