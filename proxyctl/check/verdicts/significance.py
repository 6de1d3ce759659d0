"""Do two runs differ by more than chance? On counts per block of time, so that what comes in bursts is not overrated.

Requests of one run are not independent: a stall, a drain or a collector's pause hits many at once. A test that
counts each of them as evidence calls every second pair of equal runs different. Here each run is cut into blocks;
how much the blocks of one run differ among each other says how much two runs may (Rao and Scott's design effect,
with the uncertainty of its estimate in an F test). What the blocks cannot know is what changes between runs only.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Sequence
from typing import Final

from proxyctl.check.verdicts.statistics import chi_squared_p

FEWEST_BLOCKS: Final = 8
"""A run with fewer blocks does not show how much they vary."""

Block = Sequence[int]
"""How many requests of a block fell into each class."""

_TINY: Final = 1e-300
_STEPS: Final = 10_000
_MOST_RHO: Final = 0.97


@dataclasses.dataclass(frozen=True, slots=True)
class Spread:
    """How many times more the counts vary than those of independent requests; more `degrees`, more certain."""

    factor: float
    degrees: float


def beta_tail(x: float, a: float, b: float) -> float:
    """Return the regularized incomplete beta function I_x(a, b), by its continued fraction (DLMF 8.17.22)."""
    if x <= 0 or x >= 1:
        return 1.0 if x > 0 else 0.0
    if x > (a + 1) / (a + b + 2):
        return 1 - beta_tail(1 - x, b, a)
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)) / a
    c, d = 1.0, 1 / (1 - (a + b) * x / (a + 1) or _TINY)
    fraction = d
    for i in range(1, _STEPS):  # pragma: no branch - converges in tens of steps
        for factor in (
            i * (b - i) * x / ((a + 2 * i - 1) * (a + 2 * i)),
            -(a + i) * (a + b + i) * x / ((a + 2 * i) * (a + 2 * i + 1)),
        ):
            d = 1 / (1 + factor * d or _TINY)
            c = 1 + factor / c or _TINY
            fraction *= c * d
        if abs(c * d - 1) < 1e-15:  # noqa: PLR2004 - machine precision
            break
    return min(1.0, front * fraction)


def f_tail(statistic: float, upper: float, lower: float) -> float:
    """Return the probability that F with these degrees of freedom is at least `statistic`."""
    return beta_tail(lower / (lower + upper * statistic), lower / 2, upper / 2) if statistic > 0 else 1.0


def fisher(a: int, of_a: int, b: int, of_b: int) -> float:
    """Return the two-sided p-value of `a` out of `of_a` against `b` out of `of_b`: twice Fisher's smaller tail."""
    hits, total = a + b, of_a + of_b
    low, high = max(0, hits - of_b), min(hits, of_a)
    upward = a * of_b >= b * of_a
    at = (
        _log_choose(of_a, a) + _log_choose(of_b, b) - _log_choose(total, hits)
    )  # of this table, given its sums (the hypergeometric distribution)
    term = tail = 1.0
    k = a
    while (k < high if upward else k > low) and term > tail * 1e-17:
        other = hits - k
        if upward:
            term *= (of_a - k) * other / ((k + 1) * (of_b - other + 1))
            k += 1
        else:
            term *= k * (of_b - other) / ((of_a - k + 1) * (other + 1))
            k -= 1
        tail += term
    return min(1.0, 2 * math.exp(at + math.log(tail)))


def spread(one: Sequence[Block], other: Sequence[Block]) -> Spread | None:
    """Return how the blocks within each run vary; None where there are too few of them.

    Never less than 1: what is more even than chance, such as round robin, gets no bonus. A correlation of
    neighbouring blocks counts as fewer blocks: then blocks are too short to be independent.
    """
    runs = [[block for block in run if sum(block)] for run in (one, other)]
    if min(map(len, runs)) < FEWEST_BLOCKS:
        return None
    sums = [[sum(column) for column in zip(*run, strict=True)] for run in runs]
    pooled = [sum(column) for column in zip(*sums, strict=True)]
    classes = sum(1 for count in pooled if count)
    if classes < 2:  # noqa: PLR2004 - all requests are of one class
        return Spread(1.0, sum(map(len, runs)) - 2)
    squares = products = 0.0
    for run, own in zip(runs, sums, strict=True):
        residuals = [_residuals(block, own, pooled) for block in run]
        squares += sum(r * r for block in residuals for r in block)
        products += _neighbours(residuals)
    degrees = float(sum(map(len, runs)) - 2)
    return _spread(squares / (classes - 1), products / (classes - 1), degrees)


def spread_of_rate(one: Sequence[tuple[int, float]], other: Sequence[tuple[int, float]]) -> Spread | None:
    """Return how the rate varies, as requests squared per second; blocks are (requests, seconds)."""
    if min(len(one), len(other)) < FEWEST_BLOCKS:
        return None
    squares = products = 0.0
    for run in (one, other):
        rate = sum(n for n, _ in run) / math.fsum(t for _, t in run)
        residuals = [((n - rate * t) / math.sqrt(t),) for n, t in run]
        squares += sum(r * r for (r,) in residuals)
        products += _neighbours(residuals)
    return _spread(squares, products, float(len(one) + len(other) - 2), least=0.0)


def same_share(a: int, of_a: int, b: int, of_b: int, varies: Spread | None) -> float:
    """Return the p-value of `a` of `of_a` and `b` of `of_b` having the same cause; both tests must say it is not so.

    Fisher's is exact with few hits, the F test knows how they come in bursts.
    """
    exact = fisher(a, of_a, b, of_b)
    if varies is None or not 0 < a + b < of_a + of_b:
        return exact
    p = (a + b) / (of_a + of_b)
    statistic = (a / of_a - b / of_b) ** 2 / (p * (1 - p) * (1 / of_a + 1 / of_b))
    return max(exact, f_tail(statistic / varies.factor, 1, varies.degrees))


def same_shares(one: Block, other: Block, varies: Spread | None) -> float:
    """Return the p-value of two runs being spread over the classes alike: chi-squared, corrected by `varies`."""
    sums, total = (sum(one), sum(other)), sum(one) + sum(other)
    pearson = ratio = 0.0
    classes = 0
    for pair in zip(one, other, strict=True):
        classes += sum(pair) > 0
        for seen, of in zip(pair, sums, strict=True):
            due = sum(pair) * of / total if total else 0.0
            pearson += (seen - due) ** 2 / due if due else 0.0
            ratio += 2 * seen * math.log(seen / due) if seen else 0.0
    if classes < 2 or not all(sums):  # noqa: PLR2004 - nothing to choose from
        return 1.0
    statistic = min(pearson, ratio)  # where little is due, either alone accuses too often
    by_chance = chi_squared_p(statistic, classes - 1)
    if varies is None:
        return by_chance
    return max(
        by_chance, f_tail(statistic / (classes - 1) / varies.factor, classes - 1, varies.degrees * (classes - 1))
    )


def same_rate(a: int, seconds_a: float, b: int, seconds_b: float, varies: Spread) -> float:
    """Return the p-value of two rates being the same; each may be off by the one request that was cut."""
    difference = a / seconds_a - b / seconds_b
    variance = varies.factor * (1 / seconds_a + 1 / seconds_b)
    return f_tail(difference**2 / max(variance, seconds_a**-2 + seconds_b**-2), 1, varies.degrees)


def _residuals(block: Block, own: Sequence[int], pooled: Sequence[int]) -> list[float]:
    """Return how far each class of a block is from its run's share, in units of chance (Pearson)."""
    total, of_own, of_pooled = sum(block), sum(own), sum(pooled)
    return [
        (seen - total * mine / of_own) / math.sqrt(total * both / of_pooled)
        for seen, mine, both in zip(block, own, pooled, strict=True)
        if both
    ]


def _neighbours(residuals: Sequence[Sequence[float]]) -> float:
    return math.fsum(
        x * y for one, following in itertools.pairwise(residuals) for x, y in zip(one, following, strict=True)
    )


def _spread(squares: float, products: float, degrees: float, least: float = 1.0) -> Spread:
    """Return the spread, wider by the correlation of neighbours, as of an autoregressive process of first order.

    In so few blocks it comes out too low by (1 + 3 rho) / blocks (Kendall, Biometrika 41, 1954), and uncertain: it
    is corrected, one standard error is added, and the higher it is, the less the spread is taken to be known. Equal
    runs that drift slowly were called different else: docs/decisions/0023 has the figures.
    """
    blocks = (degrees + 2) / 2
    rho = products / squares if squares else 0.0
    rho = (rho + 1 / blocks) / (1 - 3 / blocks)
    rho += math.sqrt(max(0.0, 1 - rho * rho) / (2 * blocks))
    rho = min(_MOST_RHO, max(0.0, rho))
    longer = (1 + rho) / (1 - rho)
    return Spread(max(least, squares / degrees * longer), max(1.0, degrees / longer**2))


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
