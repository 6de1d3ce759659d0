"""From values to places, and which values get a tick: axes as numbers. Knows nothing of reports or HTML."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Final

_STEPS: Final = (1.0, 2.0, 5.0)
_ENDS: Final = (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0)  # of a logarithmic axis, which need no tick
_SECONDS: Final = (
    *(_m * 10**_e for _e in (-4, -3, -2, -1, 0) for _m in _STEPS),
    *(10, 20, 30, 60, 120, 300, 600, 1200, 1800),
    *(3600 * _h for _h in (1, 2, 3, 6, 12, 24)),
)
_MINUTE: Final = 60
_HOUR: Final = 3600


@dataclasses.dataclass(frozen=True, slots=True)
class Scale:
    """A range of values, on `size` units of the drawing; a logarithmic one must be above 0."""

    low: float
    high: float
    size: float
    log: bool = False

    def __call__(self, value: float) -> float:
        """Return how far a value is along the axis; what is beyond the range is at its end."""
        low, high, value = (self._flat(v) for v in (self.low, self.high, value))
        part = (value - low) / (high - low) if high > low else 0.0
        return round(min(1.0, max(0.0, part)) * self.size, 1)

    def _flat(self, value: float) -> float:
        return math.log10(max(value, 1e-12)) if self.log else value


def up_to(high: float, size: float, most: int) -> tuple[Scale, tuple[float, ...]]:
    """Return a scale from 0 to just above `high`, and its ticks, at most so many above 0."""
    high = high if high > 0 else 1.0
    step = _step(high / most)
    count = math.ceil(high / step - 1e-9)
    return Scale(0.0, _tidy(count * step), size), tuple(_tidy(i * step) for i in range(count + 1))


def decades(low: float, high: float, size: float) -> tuple[Scale, tuple[float, ...]]:
    """Return a logarithmic scale from just below `low` to just above `high`, and its ticks."""
    low, high = max(low, 1e-9), max(high, low, 1e-9)
    powers = range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 2)
    ends = [_tidy(m * 10.0**e) for e in powers for m in _ENDS]
    low = max(end for end in ends if end <= low * (1 + 1e-9))
    high = min(end for end in ends if end >= high * (1 - 1e-9) and end > low)
    ticks = [tick for e in powers for m in _STEPS if low <= (tick := _tidy(m * 10.0**e)) <= high]
    whole = [tick for tick in ticks if round(math.log10(tick), 9) % 1 == 0]
    few = 6
    return Scale(low, high, size, log=True), tuple(ticks if len(ticks) <= few else whole)


def seconds(length: float, most: int) -> tuple[float, ...]:
    """Return the ticks of a time axis from 0 on."""
    step = next((s for s in _SECONDS if length / s <= most), _step(length / most))
    return tuple(_tidy(i * step) for i in range(math.floor(length / step + 1e-9) + 1))


def clock(at: float, ticks: Sequence[float]) -> str:
    """Write a tick of a time axis: `0.5 s`, `30 s`, `1:30` where the axis is of minutes, `3 h` where it is of hours."""
    if ticks and ticks[-1] >= 4 * _HOUR:
        return f"{at / _HOUR:g} h"
    if ticks and ticks[-1] >= 2 * _MINUTE:
        return f"{int(at) // _MINUTE}:{int(at) % _MINUTE:02}"
    return f"{at:g} s"


def milliseconds(ms: float, *, exact: bool = False) -> str:
    """Write a time with up to three digits, in the unit that suits it; an `exact` one shows all three."""
    thousand = 1000
    value, unit = (ms / thousand, "s") if ms >= thousand else (ms, "ms") if ms >= 1 or not ms else (ms * thousand, "µs")
    text = f"{value:#.3g}".removesuffix(".") if exact and ms else f"{value:.3g}"
    return f"{value:.0f} {unit}" if "e" in text else f"{text} {unit}"


def count(value: float) -> str:
    """Write a count for an axis: `1,200`, `12k`, `3.5M`."""
    for size, unit in ((1e6, "M"), (1e4, "k")):
        if value >= size:
            return f"{value / {'M': 1e6, 'k': 1e3}[unit]:.3g}{unit}"
    return f"{value:,.4g}" if value < 1 else f"{value:,.0f}" if value == round(value) else f"{value:,.1f}"


def _step(least: float) -> float:
    power = 10.0 ** math.floor(math.log10(least))
    return next((m * power for m in _STEPS if m * power >= least * (1 - 1e-9)), 10 * power)


def _tidy(value: float) -> float:
    """Leave out what binary fractions add: 0.30000000000000004."""
    return float(f"{value:.6g}")
