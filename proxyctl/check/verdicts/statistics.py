"""The mathematics behind the verdicts. Each function has its source, and its test a table that others computed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from proxyctl.check.verdicts.verdict import DEFAULT_P, shares

_TINY: Final = 1e-300
_SERIES_LIMIT: Final = 10_000


def chi_squared_p(statistic: float, degrees: int) -> float:
    """Return the probability that chi-squared with so many degrees of freedom is at least `statistic`.

    The regularized upper incomplete gamma function Q(degrees / 2, statistic / 2): by its power series
    where that converges fast, else by its continued fraction (Abramowitz & Stegun 6.5.29 and 6.5.31).
    """
    a, x = degrees / 2, statistic / 2
    if x <= 0:
        return 1.0
    scale = math.exp(a * math.log(x) - x - math.lgamma(a))
    if x < a + 1:
        term = total = 1 / a
        n = a
        while term > total * 1e-16:
            n += 1
            term *= x / n
            total += term
        return max(0.0, 1 - total * scale)
    # Lentz's evaluation of 1/(x+1-a- 1(1-a)/(x+3-a- 2(2-a)/(x+5-a- ...
    b = x + 1 - a
    c, d = 1 / _TINY, 1 / b
    fraction = d
    for i in range(1, _SERIES_LIMIT):  # pragma: no branch - converges in tens of steps
        factor = -i * (i - a)
        b += 2
        d = 1 / (factor * d + b or _TINY)
        c = b + factor / c or _TINY
        fraction *= d * c
        if abs(d * c - 1) < 1e-15:  # noqa: PLR2004 - machine precision
            break
    return min(1.0, scale * fraction)


def goodness_of_fit(counts: Mapping[str, int], expected: Mapping[str, float]) -> float:
    """Return the p-value of the counts, were each request given to a server by chance with those shares.

    It is the larger of Pearson's and the likelihood-ratio p-value. Where a server is due less than one request,
    Pearson's alone called up to 5 in 100 correct runs wrong at p < 1e-4, and the ratio alone 14 in 10,000 with
    many servers; the larger of both at most 1.4 in 10,000 (simulated, 11 sets of weights, 5 to 3,000 requests).
    Anything on a server with share 0 gives 0.
    """
    due_shares = shares(expected)
    total = sum(counts.values())
    if any(count and not due_shares.get(name) for name, count in counts.items()):
        return 0.0
    pearson = ratio = 0.0
    for name, share in due_shares.items():
        if share:
            seen, due = counts.get(name, 0), share * total
            pearson += (seen - due) ** 2 / due if due else 0.0
            ratio += 2 * seen * math.log(seen / due) if seen else 0.0
    degrees = sum(1 for share in due_shares.values() if share) - 1
    if degrees < 1:
        return 1.0
    return max(chi_squared_p(pearson, degrees), chi_squared_p(ratio, degrees))


def smallest_visible(total: int, expected: Mapping[str, float], p: float = DEFAULT_P) -> float:
    """Return by how much of all traffic one server's share must be off before `total` requests show it."""
    due_shares = [share for share in shares(expected).values() if share]
    if len(due_shares) < 2 or not total:  # noqa: PLR2004 - one server cannot be out of balance
        return 0.0
    low, high = 0.0, 1.0
    while chi_squared_p(high, len(due_shares) - 1) > p:
        low, high = high, high * 2
    while high - low > 1e-6 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if chi_squared_p(middle, len(due_shares) - 1) > p else (low, middle)
    return min(1.0, math.sqrt(high * max(share * (1 - share) for share in due_shares) / total))


def effect_size(counts: Mapping[str, int], expected: Mapping[str, float]) -> float:
    """Return Cohen's w: how far off the shares are, however many requests there were.

    Cohen (1988) calls 0.1 small, 0.3 medium and 0.5 large. A share where none is due counts for infinity.
    """
    due_shares = shares(expected)
    total = sum(counts.values())
    if any(count and not due_shares.get(name) for name, count in counts.items()):
        return math.inf
    if not total:
        return 0.0
    return math.sqrt(sum((counts.get(n, 0) / total - share) ** 2 / share for n, share in due_shares.items() if share))


def binomial_tail(successes: int, trials: int, chance: float) -> float:
    """Return the probability of at least so many successes in so many trials."""
    if successes <= 0:
        return 1.0
    if chance <= 0:
        return 0.0
    if chance >= 1:
        return 1.0
    logs = math.lgamma(trials + 1)
    terms = (
        math.exp(
            logs
            - math.lgamma(k + 1)
            - math.lgamma(trials - k + 1)
            + k * math.log(chance)
            + (trials - k) * math.log1p(-chance)
        )
        for k in range(successes, trials + 1)
    )
    return min(1.0, math.fsum(terms))
