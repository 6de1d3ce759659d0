"""Is what was measured what was asked for? Statistics and thresholds, on counts and figures alone.

`balance` compares who served how much with who should have; `Threshold` is one `--expect`.
"""

from __future__ import annotations

import dataclasses
import math
import operator
import re
from collections.abc import Callable, Mapping
from typing import Final

from proxyctl.errors import UsageError

DEFAULT_P: Final = 1e-4
"""A correct proxy is accused by chance less than once in so many: 1 in 10,000."""

_TINY = 1e-300
_SERIES_LIMIT = 10_000


@dataclasses.dataclass(frozen=True, slots=True)
class Verdict:
    """One thing that was judged; `value` is None where it could not be measured."""

    name: str
    ok: bool
    value: float | None
    expected: str
    detail: str = ""


# ------------------------------------------------------------------ distribution


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


def shares(weights: Mapping[str, float]) -> dict[str, float]:
    """Return the weights scaled to a sum of 1, sorted by name; all 0 where they sum up to nothing."""
    total = math.fsum(weights.values())
    return {name: weights[name] / total if total else 0.0 for name in sorted(weights)}


def parse_weights(text: str) -> dict[str, float]:
    """Return what `web1=3,web2=1` means; raise UsageError."""
    weights: dict[str, float] = {}
    for part in text.split(","):
        name, _, value = (piece.strip() for piece in part.rpartition("="))
        try:
            weights[name] = float(value)
        except ValueError:
            name = ""
        if not name or not 0 <= weights[name] < float("inf"):
            raise UsageError(f"the weights {text!r} are not like web1=3,web2=1")
    if not any(weights.values()):
        raise UsageError(f"the weights {text!r} give nothing to anyone")
    return weights


def goodness_of_fit(counts: Mapping[str, int], expected: Mapping[str, float]) -> float:
    """Return the p-value of the counts, were each request given to a server by chance with those shares.

    It is the larger of Pearson's and the likelihood-ratio p-value. Where a server is due less than one request,
    Pearson's alone called up to 5 in 100 correct runs wrong at p < 1e-4, and the ratio alone 14 in 10,000 with
    many servers; the larger of both at most 1.4 in 10,000 (simulated, 11 sets of weights, 5 to 3,000 requests).
    Anything on a server with share 0 gives 0.
    """
    wanted = shares(expected)
    total = sum(counts.values())
    if any(count and not wanted.get(name) for name, count in counts.items()):
        return 0.0
    pearson = ratio = 0.0
    for name, share in wanted.items():
        if share:
            seen, due = counts.get(name, 0), share * total
            pearson += (seen - due) ** 2 / due if due else 0.0
            ratio += 2 * seen * math.log(seen / due) if seen else 0.0
    degrees = sum(1 for share in wanted.values() if share) - 1
    if degrees < 1:
        return 1.0
    return max(chi_squared_p(pearson, degrees), chi_squared_p(ratio, degrees))


def smallest_visible(total: int, expected: Mapping[str, float], p: float = DEFAULT_P) -> float:
    """Return by how much of all traffic one server's share must be off before `total` requests show it."""
    wanted = [share for share in shares(expected).values() if share]
    if len(wanted) < 2 or not total:  # noqa: PLR2004 - one server cannot be out of balance
        return 0.0
    low, high = 0.0, 1.0
    while chi_squared_p(high, len(wanted) - 1) > p:
        low, high = high, high * 2
    while high - low > 1e-6 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if chi_squared_p(middle, len(wanted) - 1) > p else (low, middle)
    return min(1.0, math.sqrt(high * max(share * (1 - share) for share in wanted) / total))


def balance(counts: Mapping[str, int], expected: Mapping[str, float], p: float = DEFAULT_P) -> Verdict:
    """Judge who served how much (`counts`) by the weights that were `expected`."""
    wanted = shares(expected)
    total = sum(counts.values())
    value = goodness_of_fit(counts, expected)
    if strangers := [name for name in sorted(counts) if counts[name] and not wanted.get(name)]:
        detail = f"{', '.join(strangers)} got {sum(counts[name] for name in strangers)} and should get nothing"
    else:
        worst = max(wanted, key=lambda name: abs(counts.get(name, 0) - wanted[name] * total), default="")
        seen, due = counts.get(worst, 0), wanted.get(worst, 0.0) * total
        off = f"{worst} got {seen} instead of {due:.0f}" if abs(seen - due) >= 1 else "as expected"
        visible = smallest_visible(total, expected, p)
        detail = f"{off}; with {total} requests a share that is off by {visible * 100:.1f} points shows"
    return Verdict("balance", value > p, value, f"p > {number(p)}", detail)


# ------------------------------------------------------------------ thresholds

_COMPARE: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}
_TIMES: Final = ("p50", "p90", "p99", "p99.9", "max")
_COUNTS: Final = ("requests", "ok", "errors", "servers")
_PREFIXES: Final = ("errors.", "requests.", "share.")
_UNITS: Final[Mapping[str, Mapping[str, float]]] = {
    **{time: {"": 1.0, "ms": 1.0, "us": 1e-3, "s": 1e3} for time in _TIMES},
    **{count: {"": 1.0} for count in _COUNTS},
    "seconds": {"": 1.0, "s": 1.0, "ms": 1e-3},
    "rate": {"": 1.0, "/s": 1.0},
    "error_rate": {"": 1.0, "%": 0.01},
    "share.": {"": 1.0, "%": 0.01},
    "errors.": {"": 1.0},
    "requests.": {"": 1.0},
    "balance.p": {"": 1.0},
}
_THRESHOLD: Final = re.compile(r"\s*([\w.-]+?)\s*(==|!=|<=|>=|<|>)\s*([\d.]+(?:[eE][-+]?\d+)?)\s*(ms|us|s|/s|%)?\s*")


@dataclasses.dataclass(frozen=True, slots=True)
class Threshold:
    """One `--expect`: a figure, a comparison and a limit; times in milliseconds, shares from 0 to 1."""

    metric: str
    sign: str
    limit: float

    @property
    def expected(self) -> str:
        """The limit as people write it, `< 50 ms`."""
        unit = " ms" if self.metric in _TIMES else " s" if self.metric == "seconds" else ""
        return f"{self.sign} {number(self.limit)}{unit}"

    def judge(self, value: float | None) -> Verdict:
        """Judge the figure that was measured; one that could not be measured has failed."""
        if value is None:
            return Verdict(self.metric, ok=False, value=None, expected=self.expected, detail="not measured")
        ok = _COMPARE[self.sign](value, self.limit)
        off = "" if ok or value == self.limit else f"off by {number(abs(value - self.limit))}"
        return Verdict(self.metric, ok, value, self.expected, off)


def parse_threshold(text: str) -> Threshold:
    """Return what `p99<50ms` asks for; raise UsageError with what is accepted."""
    match = _THRESHOLD.fullmatch(text)
    if not match:
        raise UsageError(f"the threshold {text!r} is not like errors==0, p99<50ms or rate>1000")
    metric, sign, limit, unit = match.group(1), match.group(2), match.group(3), match.group(4) or ""
    family = next((p for p in _PREFIXES if metric.startswith(p) and metric != p), metric)
    if metric in _PREFIXES or family not in _UNITS:
        known = ", ".join((*_COUNTS, "error_rate", "rate", "seconds", *_TIMES, "balance.p"))
        raise UsageError(f"the threshold {text!r} is about none of {known}, errors.KIND, requests.SERVER, share.SERVER")
    if unit not in _UNITS[family]:
        accepted = " or ".join(u or "none" for u in _UNITS[family])
        raise UsageError(f"the threshold {text!r} has the unit {unit!r}; {metric} takes {accepted}")
    try:
        return Threshold(metric, sign, float(limit) * _UNITS[family][unit])
    except ValueError:
        raise UsageError(f"the threshold {text!r} has the limit {limit!r}, which is not a number") from None


def number(value: float) -> str:
    """Write a figure as people do: 1e-4, 0.05, 1234."""
    text = f"{value:.0f}" if abs(value) >= 1000 else f"{value:.4g}" if abs(value) >= 1e-3 else f"{value:.1e}"  # noqa: PLR2004
    return re.sub(r"(\.0)?e-0?", "e-", text) if value else "0"
