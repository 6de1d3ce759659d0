"""What happened when, drawn: requests per server, latency, errors and events on one time axis."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from proxyctl.check.measures.timeline import Slice
from proxyctl.check.report import Report
from proxyctl.check.reports.page import scale, shape
from proxyctl.check.reports.page.shape import WIDTH, Label

COLOURS: Final = 8
REQUESTS_HEIGHT: Final = 170
LATENCY_HEIGHT: Final = 150
ERRORS_HEIGHT: Final = 64
SPARK_HEIGHT: Final = 22

_BINS: Final = 300
_FEW_BINS: Final = 120  # where there is a line per server, or a tooltip per bin
_TIME_TICKS: Final = 10
_WIDE, _NARROW = 620.0, 270.0  # pixels that a drawing has at least, in the two layouts of the page
_MOST_EVENTS: Final = 200
_SPARK_MOST: Final = 3.0  # times the mean of the busiest server
_LOG_FROM: Final = 15.0  # times between the least and the greatest latency
_UNNAMED: Final = "server unknown"


@dataclasses.dataclass(frozen=True, slots=True)
class Bin:
    """Slices that are drawn as one; rates are per second of its own width."""

    at: float
    seconds: float
    slices: tuple[Slice, ...]

    @property
    def requests(self) -> int:
        """How many ended."""
        return sum(piece.requests for piece in self.slices)

    @property
    def errors(self) -> int:
        """How many of them failed."""
        return sum(piece.errors for piece in self.slices)

    def of(self, server: str) -> int:
        """Return how many a server served."""
        return sum(piece.servers.get(server, 0) for piece in self.slices)


@dataclasses.dataclass(frozen=True, slots=True)
class Tick:
    """A value on an axis: its place (y in pixels, x in percent), and every second one of an axis that is `odd`."""

    place: float
    text: str
    odd: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Drawn:
    """A path with the class that colours it, and what it is."""

    path: str
    style: str
    name: str


@dataclasses.dataclass(frozen=True, slots=True)
class Panel:
    """One drawing: its height, its paths from back to front, the ticks of its y axis."""

    height: int
    drawn: tuple[Drawn, ...]
    ticks: tuple[Tick, ...]
    log: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Hover:
    """A column that tells its figures when it is pointed at; places in percent."""

    x: float
    width: float
    text: str


@dataclasses.dataclass(frozen=True, slots=True)
class TimeChart:
    """All panels and what they share. `styles` are the colours of servers; empty where there are too many."""

    requests: Panel
    latency: Panel
    errors: Panel | None
    ticks: tuple[Tick, ...]
    events: tuple[float, ...]
    labels: tuple[Label, ...]
    labels_narrow: tuple[Label, ...]
    hover: tuple[Hover, ...]
    sparks: Mapping[str, str]
    styles: Mapping[str, str]
    unnamed: bool


def timechart(report: Report) -> TimeChart | None:
    """Draw what happened when; None where nothing ended."""
    if not report.timeline or report.seconds <= 0:
        return None
    few = bins(report, _FEW_BINS)
    many = len(report.servers) > COLOURS
    drawn = few if many else bins(report, _BINS)
    ticks = scale.seconds(report.seconds, _TIME_TICKS)
    marks = [(_x(report, e.at - report.started_at) / WIDTH * 100, e.kind) for e in report.events[:_MOST_EVENTS]]
    styles = {} if many else {name: f"s{i}" for i, name in enumerate(sorted(report.servers))}
    return TimeChart(
        requests=_requests(report, drawn, styles),
        latency=_latency(report),
        errors=_errors(report, drawn),
        ticks=tuple(
            Tick(round(at / report.seconds * 100, 2), scale.clock(at, ticks), odd=bool(i % 2))
            for i, at in enumerate(ticks)
        ),
        events=tuple(round(x, 2) for x, _ in marks),
        labels=shape.together(marks, _WIDE),
        labels_narrow=shape.together(marks, _NARROW),
        hover=tuple(_hover(report, one) for one in few),
        sparks=_sparks(report, few),
        styles=styles,
        unnamed=any(one.requests > sum(map(one.of, report.servers)) for one in few),
    )


def bins(report: Report, most: int) -> tuple[Bin, ...]:
    """Return the slices in at most so many bins; what is left at the end joins the last, if it is less than half."""
    size = math.ceil(len(report.timeline) / most)
    width = report.slice_seconds * size
    groups = [report.timeline[i : i + size] for i in range(0, len(report.timeline), size)]
    rest = report.seconds - (len(groups) - 1) * width
    if len(groups) > 1 and rest < width / 2:
        last = groups.pop()
        groups[-1] = (*groups[-1], *last)
    return tuple(
        Bin(i * width, (report.seconds if i == len(groups) - 1 else (i + 1) * width) - i * width, tuple(group))
        for i, group in enumerate(groups)
    )


def _requests(report: Report, drawn: Sequence[Bin], styles: Mapping[str, str]) -> Panel:
    names = sorted(report.servers)
    rows = [[one.of(name) / one.seconds for one in drawn] for name in names]
    rows.append([max(0, one.requests - sum(map(one.of, names))) / one.seconds for one in drawn])
    sums = shape.stacked(rows)
    axis, ticks = scale.up_to(max(sums[-1]), REQUESTS_HEIGHT, 4)
    heights = [[round(REQUESTS_HEIGHT - axis(value), 1) for value in row] for row in sums]
    edges = _edges(report, drawn)
    styled = [styles.get(name, f"many{i % 2}") for i, name in enumerate(names)]
    paths = [
        Drawn(shape.band(edges, low, up), style, name)
        for low, up, style, name in zip(heights, heights[1:], [*styled, "unnamed"], [*names, _UNNAMED], strict=False)
    ]
    return Panel(REQUESTS_HEIGHT, tuple(path for path in paths if path.path), _y_ticks(axis, ticks, scale.count))


def _latency(report: Report) -> Panel:
    pieces = _whole(report)
    values = [v for piece in pieces for v in (piece.p50, piece.p99, piece.max) if v]
    if not values:
        return Panel(LATENCY_HEIGHT, (), ())
    log = max(values) > _LOG_FROM * min(values)
    axis, ticks = (
        scale.decades(min(values), max(values), LATENCY_HEIGHT) if log else scale.up_to(max(values), LATENCY_HEIGHT, 4)
    )
    edges = [_x(report, at) for at in (*(piece.at for piece in pieces), report.seconds)]
    drawn = []
    for name in ("max", "p99", "p50"):
        heights = [
            None if (value := getattr(piece, name)) is None else round(LATENCY_HEIGHT - axis(value), 1)
            for piece in pieces
        ]
        drawn.append(Drawn(shape.steps(edges, heights), name, name))
    return Panel(LATENCY_HEIGHT, tuple(drawn), _y_ticks(axis, ticks, scale.milliseconds), log=log)


def _whole(report: Report) -> tuple[Slice, ...]:
    """Return the slices for latency; of what is left at the end, if it is less than half, only the maximum stays."""
    *first, last = report.timeline
    if not first or report.seconds - last.at >= report.slice_seconds / 2:
        return report.timeline
    longest = max((ms for ms in (first[-1].max, last.max) if ms is not None), default=None)
    return (*first[:-1], dataclasses.replace(first[-1], max=longest))


def _errors(report: Report, drawn: Sequence[Bin]) -> Panel | None:
    if not report.failed:
        return None
    axis, ticks = scale.up_to(max(one.errors for one in drawn), ERRORS_HEIGHT, 2)
    heights = [round(ERRORS_HEIGHT - axis(one.errors), 1) for one in drawn]
    least = ERRORS_HEIGHT - 2  # one error among thousands is still to be seen
    heights = [min(y, least) if one.errors else y for y, one in zip(heights, drawn, strict=True)]
    path = shape.bars(_edges(report, drawn), heights, ERRORS_HEIGHT)
    whole = tuple(tick for tick in ticks if tick == int(tick))
    return Panel(ERRORS_HEIGHT, (Drawn(path, "errors", "errors"),), _y_ticks(axis, whole, scale.count))


def _sparks(report: Report, few: Sequence[Bin]) -> dict[str, str]:
    """Return a small area for each server, all on one scale."""
    edges = _edges(report, few)
    rates = {name: [one.of(name) / one.seconds for one in few] for name in report.servers}
    means = [served.requests / report.seconds for served in report.by_server.values()]
    most = min(
        max((rate for row in rates.values() for rate in row), default=0.0), _SPARK_MOST * max(means, default=0.0)
    )
    axis = scale.Scale(0.0, most or 1.0, SPARK_HEIGHT)  # what is beyond is cut: a rush on one must not flatten all
    ground = [float(SPARK_HEIGHT)] * len(few)
    return {
        name: shape.band(edges, ground, [round(SPARK_HEIGHT - axis(rate), 1) for rate in row])
        for name, row in rates.items()
    }


def _hover(report: Report, one: Bin) -> Hover:
    lines = [f"{one.at:.2f} to {one.at + one.seconds:.2f} s", f"{one.requests / one.seconds:,.0f} requests/s"]
    counts = sorted(((one.of(name), name) for name in report.servers), reverse=True)
    lines += [f"{name}: {count / one.seconds:,.0f}/s" for count, name in counts[:COLOURS]]
    slowest = max((piece.max for piece in one.slices if piece.max is not None), default=None)
    if slowest is not None:
        lines.append(f"longest {scale.milliseconds(slowest)}")
    if one.errors:
        lines.append(f"errors: {one.errors:,}")
    left, right = (_x(report, at) / WIDTH * 100 for at in (one.at, one.at + one.seconds))
    return Hover(round(left, 2), round(right - left, 2), "\n".join(lines))


def _edges(report: Report, drawn: Sequence[Bin]) -> list[float]:
    return [_x(report, at) for at in (*(one.at for one in drawn), report.seconds)]


def _x(report: Report, at: float) -> float:
    return scale.Scale(0.0, report.seconds, WIDTH)(at)


def _y_ticks(axis: scale.Scale, ticks: Iterable[float], write: Callable[[float], str]) -> tuple[Tick, ...]:
    return tuple(Tick(round(axis.size - axis(value), 1), write(value)) for value in ticks)
