"""One `--expect`: which figure, compared how, with what limit."""

from __future__ import annotations

import dataclasses
import operator
import re
from collections.abc import Callable, Mapping
from typing import Final

from proxyctl.check.verdicts.verdict import Verdict, number
from proxyctl.errors import UsageError

_COMPARE: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}
_TIMES: Final = ("p50", "p90", "p99", "p99.9", "max")
_COUNTS: Final = ("requests", "ok", "errors", "servers", "stalls", "consistent", "spread", "leastconn", "backup")
_PREFIXES: Final = ("errors.", "requests.", "share.")
_SERVER: Final = re.compile(r"server\.(.+?)\.((?:ttfb\.)?(?:p50|p90|p99|p99\.9|max)|errors|requests)")
_MS: Final = {"": 1.0, "ms": 1.0, "us": 1e-3, "s": 1e3}
_UNITS: Final[Mapping[str, Mapping[str, float]]] = {
    **dict.fromkeys(_TIMES, _MS),
    **{f"ttfb.{time}": _MS for time in _TIMES},
    **{count: {"": 1.0} for count in (*_COUNTS, "balance.p", "faulty_server.p", *_PREFIXES)},
    "seconds": {"": 1.0, "s": 1.0, "ms": 1e-3},
    "rate": {"": 1.0, "/s": 1.0},
    "error_rate": {"": 1.0, "%": 0.01},
    "share.": {"": 1.0, "%": 0.01},
}
_THRESHOLD: Final = re.compile(r"\s*([\w.-]+?)\s*(==|!=|<=|>=|<|>)\s*([\d.]+(?:[eE][-+]?\d+)?)\s*(ms|us|s|/s|%)?\s*")


_TTFB: Final = frozenset(f"ttfb.{time}" for time in _TIMES)


def per_server(metric: str) -> tuple[str, str] | None:
    """Return server and figure of `server.web1.p99`; None for other metrics."""
    found = _SERVER.fullmatch(metric)
    return (found[1], found[2]) if found else None


def _family(metric: str) -> str:
    """Return the metric whose units it has."""
    if found := per_server(metric):
        return found[1]
    return next((p for p in _PREFIXES if metric.startswith(p) and metric != p), metric)


@dataclasses.dataclass(frozen=True, slots=True)
class Threshold:
    """One `--expect`: a figure, a comparison and a limit; times in milliseconds, shares from 0 to 1."""

    metric: str
    sign: str
    limit: float

    @property
    def expected(self) -> str:
        """The limit as people write it, `< 50 ms`."""
        unit = " ms" if _family(self.metric) in {*_TIMES, *_TTFB} else " s" if self.metric == "seconds" else ""
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
    family = _family(metric)
    if metric in _PREFIXES or family not in _UNITS:
        known = ", ".join((*_COUNTS, "error_rate", "rate", "seconds", *_TIMES, "ttfb.p99", "balance.p"))
        per_name = "faulty_server.p, errors.KIND, requests.SERVER, share.SERVER, server.SERVER.p99"
        raise UsageError(f"the threshold {text!r} is about none of {known}, {per_name}")
    if unit not in _UNITS[family]:
        accepted = " or ".join(u or "none" for u in _UNITS[family])
        raise UsageError(f"the threshold {text!r} has the unit {unit!r}; {metric} takes {accepted}")
    try:
        return Threshold(metric, sign, float(limit) * _UNITS[family][unit])
    except ValueError:
        raise UsageError(f"the threshold {text!r} has the limit {limit!r}, which is not a number") from None
