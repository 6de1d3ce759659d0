"""How latency is spread, drawn: a histogram with logarithmic axes, so that one slow request in 100,000 shows."""

from __future__ import annotations

import bisect
import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Final

from proxyctl.check.report import Report
from proxyctl.check.reports.page import scale, shape
from proxyctl.check.reports.page.shape import WIDTH, Label
from proxyctl.check.reports.page.timechart import Tick

HEIGHT: Final = 170

_MOST_BARS: Final = 72
_FINEST: Final = 1.02  # the resolution of what was counted is 1 in 1,000
_LEAST: Final = 0.7  # where the axis of counts begins: one request has a height
_NARROW: Final = 270.0
_FEW_TICKS: Final = 5


@dataclasses.dataclass(frozen=True, slots=True)
class Mark:
    """A percentile: its place in percent, and its label."""

    x: float
    label: Label
    title: str


@dataclasses.dataclass(frozen=True, slots=True)
class SpreadChart:
    """Bars of the latency, the outline of the first byte, both axes, the percentiles."""

    bars: str
    outline: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    marks: tuple[Mark, ...]
    lines: int


def spreadchart(report: Report) -> SpreadChart | None:
    """Draw the histogram; None without a good request."""
    counts = report.latency.counts
    if not counts:
        return None
    both = (*counts, *report.first_byte.counts)
    axis, ticks = scale.decades(min(both) / 1000 * 0.98, max(report.latency.longest_us, *both) / 1000 * 1.02, WIDTH)
    edges = _edges(axis)
    latency, first_byte = (_heap(edges, c) for c in (counts, report.first_byte.counts))
    y_axis, y_ticks = _counts(max(*latency, *first_byte))
    places = [axis(edge) for edge in edges]
    marks = {name: ms for name, ms in report.latency_ms.items() if ms is not None}
    labels = shape.apart(((axis(ms) / WIDTH * 100, name) for name, ms in marks.items()), _NARROW)
    ordered = {label.text: label for label in labels}
    return SpreadChart(
        bars=shape.bars(places, [round(HEIGHT - y_axis(n), 1) for n in latency], HEIGHT, gap=0.8),
        outline=shape.steps(places, [round(HEIGHT - y_axis(n), 1) if n else None for n in first_byte], HEIGHT),
        x_ticks=tuple(
            Tick(round(axis(ms) / WIDTH * 100, 2), scale.milliseconds(ms), odd=len(ticks) > _FEW_TICKS and bool(i % 2))
            for i, ms in enumerate(ticks)
        ),
        y_ticks=tuple(Tick(round(HEIGHT - y_axis(n), 1), scale.count(n)) for n in y_ticks),
        marks=tuple(
            Mark(round(axis(ms) / WIDTH * 100, 2), ordered[name], f"{name}: {scale.milliseconds(ms)}")
            for name, ms in marks.items()
        ),
        lines=1 + max((label.line for label in labels), default=0),
    )


def _edges(axis: scale.Scale) -> list[float]:
    factor = max(_FINEST, (axis.high / axis.low) ** (1 / _MOST_BARS))
    count = max(1, math.ceil(math.log(axis.high / axis.low) / math.log(factor) - 1e-9))
    return [axis.low * (axis.high / axis.low) ** (i / count) for i in range(count + 1)]


def _heap(edges: Sequence[float], counts: Mapping[int, int]) -> list[int]:
    heaps = [0] * (len(edges) - 1)
    for us, count in counts.items():
        heaps[min(len(heaps) - 1, max(0, bisect.bisect_right(edges, us / 1000) - 1))] += count
    return heaps


def _counts(most: int) -> tuple[scale.Scale, tuple[float, ...]]:
    powers = [10.0**e for e in range(math.ceil(math.log10(max(1, most)) - 1e-9) + 1)]
    every = math.ceil(len(powers) / 5)
    return scale.Scale(_LEAST, max(powers[-1], 10.0), HEIGHT, log=True), tuple(powers[::every])
