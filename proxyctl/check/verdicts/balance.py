"""How much each server served, against how much it should have: for algorithms by weight, and for those by load."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Final

from proxyctl.check.verdicts.statistics import binomial_tail, effect_size, goodness_of_fit, smallest_visible
from proxyctl.check.verdicts.verdict import DEFAULT_P, Verdict, number, shares

_MEANT_REQUESTS: Final = 50  # for each server, of which least connections gives all some
_ENOUGH_LOAD: Final = 2.0  # under way per server and unit of weight, below which leastconn has nothing to choose
_RING_POINTS: Final = 16
_SIGMAS: Final = 4.0
_LEASTCONN_SLACK: Final = 0.25  # of the average, beside one connection: both figures are averages of a sample


def balance(counts: Mapping[str, int], expected: Mapping[str, float], p: float = DEFAULT_P) -> Verdict:
    """Judge by chi-squared whether what each server served (`counts`) fits the `expected` weights."""
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
    """Judge a round robin that nothing disturbs: each server is at most so many `cycles` off its due.

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


def ring_balance(counts: Mapping[str, int], expected: Mapping[str, float]) -> Verdict:
    """Judge an algorithm that picks random points of a hash ring, on which a server has 16 for each unit of weight.

    The part of the ring that n points have is off by 1/sqrt(n), and chance is added to that. The value is how far the
    furthest server is off, of what four standard deviations of both allow it.
    """
    total, due_shares = sum(counts.values()), shares(expected)
    allowed = {
        name: _SIGMAS
        * math.hypot(share / math.sqrt(_RING_POINTS * expected[name]), math.sqrt(share * (1 - share) / total))
        for name, share in due_shares.items()
        if share and total
    }
    off = max(
        (abs(counts.get(n, 0) / total - due_shares[n]) / (limit or 1.0) for n, limit in allowed.items()), default=0.0
    )
    most = max(allowed.values(), default=1.0) * 100
    shows = f"a hash ring is uneven: only a share that is off by {most:.0f} points shows"
    strangers = _strangers(counts, expected)
    detail = strangers or f"{_furthest(counts, expected)}; {shows}"
    return Verdict("balance", off <= 1 and not strangers, round(off, 3), "<= 1", detail)


def can_be_exact(expected: Mapping[str, float]) -> bool:
    """Whether the weights are whole numbers, which a cycle needs."""
    return all(weight == round(weight) for weight in expected.values()) and any(expected.values())


@dataclasses.dataclass(frozen=True, slots=True)
class Work:
    """What one server did: requests, and how long they took in seconds, in the median and in all."""

    requests: int
    median: float
    total: float


def leastconn(work: Mapping[str, Work], expected: Mapping[str, float], seconds: float) -> Verdict:
    """Judge least connections: for its weight, no server has more than one request more under way than any other.

    So a slow server gets fewer requests, in proportion to its latency (Little's law). Of each request, what the fastest
    server takes is not counted for the slower ones: it may have been spent in the proxy and here, and so may single
    long ones, so that the median is what counts. The value is how many too many the worst server had under way.
    """
    weights = {name: weight for name, weight in sorted(expected.items()) if weight}
    strangers = [name for name in sorted(work) if work[name].requests and name not in weights]
    idle = [name for name in weights if name not in work or not work[name].requests]
    total = sum(w.requests for w in work.values())
    if strangers or (idle and total >= _MEANT_REQUESTS * len(weights)):
        count = sum(work[name].requests for name in strangers)
        said = f"{', '.join(strangers)} got {count} and should get nothing" if strangers else f"{idle[0]} got nothing"
        return Verdict("leastconn", ok=False, value=count, expected="work for all, and only for them", detail=said)
    if len(weights) < 2 or idle or seconds <= 0:  # noqa: PLR2004 - one server cannot have more than the others
        return Verdict("leastconn", ok=True, value=0, expected="<= 1", detail="too few requests to tell")
    fastest = min(work[name].median for name in weights)
    at_most = {name: work[name].total / seconds / weight for name, weight in weights.items()}
    surely = {
        name: work[name].requests * (work[name].median - fastest) / seconds / weight for name, weight in weights.items()
    }
    too_many = max(surely[name] - min(v for n, v in at_most.items() if n != name) for name in weights)
    average = sum(at_most.values()) / len(at_most)
    limit = 1 + _LEASTCONN_SLACK * average
    detail = "under way on average: " + ", ".join(f"{name} {value:.1f}" for name, value in at_most.items())
    if average < _ENOUGH_LOAD:
        detail += f"; with so few there is little to choose: more --concurrency than {len(weights) * 2}"
    return Verdict(
        "leastconn", too_many <= limit, round(max(0.0, too_many), 3), f"<= {number(round(limit, 2))}", detail
    )


def backup(counts: Mapping[str, int], backups: tuple[str, ...]) -> Verdict:
    """Judge that the backups served no request while other servers were up."""
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
    due_shares, total = shares(expected), sum(counts.values())
    worst = max(due_shares, key=lambda name: abs(counts.get(name, 0) - due_shares[name] * total), default="")
    seen, due = counts.get(worst, 0), due_shares.get(worst, 0.0) * total
    return f"{worst} got {seen} instead of {due:.0f}" if abs(seen - due) >= 1 else "as expected"
