"""Who served how much, against who should have: for algorithms that go by weight, and for those that go by load."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from proxyctl.core.statistics import binomial_tail, effect_size, goodness_of_fit, smallest_visible
from proxyctl.core.verdict import DEFAULT_P, Verdict, number, shares

_ENOUGH_LOAD: Final = 2.0  # under way per server and unit of weight, below which leastconn has nothing to choose
_LEASTCONN_SLACK: Final = 0.25  # of the average, beside one connection: both figures are averages of a sample


def balance(counts: Mapping[str, int], expected: Mapping[str, float], p: float = DEFAULT_P) -> Verdict:
    """Judge by chi-squared who served how much (`counts`) by the weights that were `expected`."""
    value = goodness_of_fit(counts, expected)
    total = sum(counts.values())
    detail = _strangers(counts, expected)
    if not detail:
        visible = smallest_visible(total, expected, p)
        shows = f"with {total} requests a share that is off by {visible * 100:.1f} points shows"
        size = effect_size(counts, expected)
        detail = f"{_furthest(counts, expected)}, effect size {size:.2f}; {shows}"
    return Verdict("balance", value > p, value, f"p > {number(p)}", detail)


def exact_balance(counts: Mapping[str, int], expected: Mapping[str, float], cycles: int) -> Verdict:
    """Judge a round robin that nothing disturbs: each server is within so many cycles of its due.

    A cycle gives each server as many requests as its weight. Every process of the proxy that counts for itself may
    be in the middle of one. The value is how many cycles the furthest server is off.
    """
    weights = {name: round(weight) for name, weight in expected.items() if weight}
    unit, whole = math.gcd(*weights.values()), sum(weights.values())
    total = sum(counts.values())
    detail = _strangers(counts, expected)
    off = max((abs(counts.get(n, 0) * whole - w * total) * unit / (whole * w) for n, w in weights.items()), default=0.0)
    if not detail:
        most = max(weights.values(), default=0) / max(1, unit) * cycles / total * 100 if total else 100.0
        shows = f"with {total} requests a share that is off by {min(100.0, most):.1f} points shows"
        detail = f"{_furthest(counts, expected)}; {shows}"
    ok = off <= cycles and not _strangers(counts, expected)
    return Verdict("balance", ok, round(off, 3), f"within {cycles} cycle{'s' if cycles > 1 else ''}", detail)


def can_be_exact(expected: Mapping[str, float]) -> bool:
    """Whether the weights are whole numbers, which a cycle needs."""
    return all(weight == round(weight) for weight in expected.values()) and any(expected.values())


def leastconn(busy: Mapping[str, float], expected: Mapping[str, float]) -> Verdict:
    """Judge least connections by how many requests each server had under way on average (`busy`).

    Such a proxy keeps that number, divided by the weight, equal: so a slow server gets fewer requests, in proportion
    to its latency (Little's law). The value is how far apart the most and the least busy are, in connections.
    """
    per_weight = {n: busy.get(n, 0.0) / weight for n, weight in sorted(expected.items()) if weight}
    if strangers := [n for n in sorted(busy) if busy[n] and not expected.get(n)]:
        served = round(sum(busy[n] for n in strangers), 3)
        return Verdict(
            "leastconn", ok=False, value=served, expected="== 0", detail=f"{', '.join(strangers)} served too"
        )
    average = sum(per_weight.values()) / len(per_weight) if per_weight else 0.0
    limit = 1 + _LEASTCONN_SLACK * average
    spread = max(per_weight.values(), default=0.0) - min(per_weight.values(), default=0.0)
    shown = ", ".join(f"{name} {value:.1f}" for name, value in per_weight.items())
    enough = average >= _ENOUGH_LOAD
    detail = f"under way on average: {shown}" + (
        "" if enough else f"; with so few there is little to choose: more --concurrency than {len(per_weight) * 2}"
    )
    return Verdict("leastconn", spread <= limit, round(spread, 3), f"<= {number(round(limit, 2))} apart", detail)


def backup(counts: Mapping[str, int], backups: tuple[str, ...]) -> Verdict:
    """Judge that backups had nothing to do while others were up."""
    used = {name: counts[name] for name in backups if counts.get(name)}
    detail = ", ".join(f"{name} served {count}" for name, count in sorted(used.items()))
    return Verdict("backup", not used, sum(used.values()), "== 0", detail or f"not used: {', '.join(sorted(backups))}")


def faulty_server(requests: Mapping[str, int], failed: Mapping[str, int], p: float = DEFAULT_P) -> Verdict | None:
    """Judge whether one server fails more of its requests than the others do; None where that cannot be asked.

    Were all alike, the failures would be spread as the requests are: the value is the probability that one server
    has at least as many of them as the worst one has, multiplied by the number of servers (Bonferroni).
    """
    failures = sum(failed.values())
    total = sum(requests.values())
    if len(requests) < 2 or not failures:  # noqa: PLR2004 - one server has nobody to be compared with
        return None
    chances = {n: binomial_tail(failed.get(n, 0), failures, count / total) for n, count in sorted(requests.items())}
    worst = min(chances, key=chances.__getitem__)
    value = min(1.0, chances[worst] * len(requests))
    others = f"{failures - failed.get(worst, 0)} of {total - requests[worst]}"
    detail = f"{worst} failed {failed.get(worst, 0)} of {requests[worst]} requests, the others {others}"
    return Verdict("faulty_server", value > p, value, f"p > {number(p)}", detail)


def _strangers(counts: Mapping[str, int], expected: Mapping[str, float]) -> str:
    strangers = [name for name in sorted(counts) if counts[name] and not expected.get(name)]
    got = sum(counts[name] for name in strangers)
    return f"{', '.join(strangers)} got {got} and should get nothing" if strangers else ""


def _furthest(counts: Mapping[str, int], expected: Mapping[str, float]) -> str:
    wanted, total = shares(expected), sum(counts.values())
    worst = max(wanted, key=lambda name: abs(counts.get(name, 0) - wanted[name] * total), default="")
    seen, due = counts.get(worst, 0), wanted.get(worst, 0.0) * total
    return f"{worst} got {seen} instead of {due:.0f}" if abs(seen - due) >= 1 else "as expected"
