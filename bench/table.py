"""The figures as plain text of at most 80 columns, and as JSON. Computes nothing but percentiles."""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections.abc import Iterator, Mapping
from typing import Any

from bench import throughput
from bench.joins import Moves
from bench.steps import STEPS
from bench.throughput import Rates

WIDTH = 80
_TITLE = 44


@dataclasses.dataclass(frozen=True)
class Results:
    """One run; `moves` are by the proxy's name with its version."""

    date: str
    seconds: float
    machine: Mapping[str, str]
    load: tuple[str, str]
    moves: Mapping[str, Moves]
    rates: Rates | None

    def to_json(self) -> dict[str, Any]:
        """Return every single figure."""
        return dataclasses.asdict(self)


def percentile(figures: list[float], percent: float) -> float:
    """Return the nearest-rank percentile: a figure that was really measured."""
    return sorted(figures)[max(0, math.ceil(len(figures) * percent / 100) - 1)]


def text(results: Results) -> str:
    """Return the whole report."""
    return "\n".join([*_head(results), "", *_moves(results), "", *_rates(results.rates)])


def _head(results: Results) -> Iterator[str]:
    machine = results.machine
    yield f"proxyctl bench, {results.date}, {results.seconds:.0f} s"
    yield machine["processors"][:WIDTH]
    tools = [f"kernel {machine['kernel']}", f"Docker {machine['docker']}", f"Python {machine['python']}"]
    yield ", ".join(tools)[:WIDTH]
    yield f"load average (1, 5, 15 min) before {results.load[0]}, after {results.load[1]}"


def _moves(results: Results) -> Iterator[str]:
    yield _line("milliseconds", "n", "p50", "p99", "max")
    for name, moves in results.moves.items():
        yield ""
        yield name
        yield _figures("join: start event → its first request", moves.joins)
        yield _figures("  the server listened after", moves.listened)
        yield _figures("  so proxyctl and the proxy took", moves.own)
        yield _figures("leave: kill event → its last request", moves.leaves)
        yield "steps of a join, since the start event, by watch's log"
        for step in STEPS:
            yield _figures(f"  {step}", [s[step] for s in moves.steps if step in s])
        yield "one apply, by watch's log"
        for kind, took in moves.applies.items():
            yield _figures(f"  {kind}", took)
        kinds = f": {', '.join(sorted(set(moves.failed)))}"[: WIDTH - 40] if moves.failed else ""
        yield f"failed requests: {len(moves.failed)} of {moves.requests}{kinds}"
        yield f"(asked once every {moves.every_ms:.1f} ms; a new server's turn is among the first four)"


def _rates(rates: Rates | None) -> Iterator[str]:
    if rates is None:
        yield "throughput: skipped, wrk is not installed (apt-get install wrk)"
        return
    title = f"{throughput.CONNECTIONS} connections, {throughput.TURNS} turns of {throughput.SECONDS} s"
    yield f"{title:<{_TITLE}}{'req/s':>10}{'ratio to direct':>24}"
    for what in rates.per_second:
        ratios = rates.ratios(what)
        spread = "" if what == throughput.DIRECT else f" ({min(ratios):.2f} to {max(ratios):.2f})"
        yield f"{what:<{_TITLE}}{rates.median(what):>10,.0f}{f'{statistics.median(ratios):.2f}{spread}':>24}"
    for error in rates.errors:
        yield f"  {error}"[:WIDTH]


def _figures(title: str, figures: list[float]) -> str:
    if not figures:
        return _line(title, "0", "-", "-", "-")
    return _line(title, str(len(figures)), *(f"{percentile(figures, p):.1f}" for p in (50, 99, 100)))


def _line(title: str, *cells: str) -> str:
    return f"{title:<{_TITLE}}" + "".join(f"{cell:>9}" for cell in cells)
