"""The figures as plain text of at most 80 columns, and as JSON. Computes nothing but percentiles."""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections.abc import Iterator, Mapping
from typing import Any

from bench import crashes, throughput
from bench.burst import Burst
from bench.crashes import Reloads
from bench.joins import Moves
from bench.slow import STARTS, WAITING, Slow
from bench.steps import PARTS, STEPS
from bench.throughput import Rates

WIDTH = 80
_TITLE = 44
_BAR = WIDTH - 50
_STEPS = "steps of a join, by watch's log"


@dataclasses.dataclass(frozen=True)
class Results:
    """One run; all that is measured by proxy is by its name with its version, and empty where it was left out."""

    date: str
    seconds: float
    machine: Mapping[str, str]
    load: tuple[str, str]
    moves: Mapping[str, Moves]
    late: Mapping[str, Slow]
    crashing: Mapping[str, Reloads]
    bursts: Mapping[str, Burst]
    rates: Rates | None

    def to_json(self) -> dict[str, Any]:
        """Return every single figure."""
        return dataclasses.asdict(self)


def percentile(figures: list[float], percent: float) -> float:
    """Return the nearest-rank percentile: a figure that was really measured."""
    return sorted(figures)[max(0, math.ceil(len(figures) * percent / 100) - 1)]


def text(results: Results) -> str:
    """Return the whole report, without the parts that were left out."""
    lines = [*_head(results)]
    if results.moves:
        lines += ["", *_moves(results.moves)]
    if results.late:
        lines += ["", *_late(results.late)]
    if results.crashing:
        lines += ["", *_crashing(results.crashing)]
    if results.bursts:
        lines += ["", *_bursts(results.bursts)]
    if results.rates:
        lines += ["", *_rates(results.rates)]
    return "\n".join(lines)


def _head(results: Results) -> Iterator[str]:
    machine = results.machine
    yield f"proxyctl bench, {results.date}, {results.seconds:.0f} s"
    yield machine["processors"][:WIDTH]
    tools = [f"kernel {machine['kernel']}", f"Docker {machine['docker']}", f"Python {machine['python']}"]
    yield ", ".join(tools)[:WIDTH]
    yield f"load average (1, 5, 15 min) before {results.load[0]}, after {results.load[1]}"


def _moves(moves: Mapping[str, Moves]) -> Iterator[str]:
    yield _line("milliseconds", "n", "p50", "p99", "max")
    for name, its in moves.items():
        yield ""
        yield name
        yield _figures("join: start event → its first request", its.joins)
        yield _figures("  the server listened after", its.listened)
        yield _figures("  so proxyctl and the proxy took", its.own)
        yield _figures("leave: kill event → its last request", its.leaves)
        yield from _steps(its.steps)
        yield "one apply, by watch's log"
        for kind, took in its.applies.items():
            yield _figures(f"  {kind}", took)
        yield f"failed requests: {_failed(its.failed, its.requests)}"
        yield f"(asked once every {its.every_ms:.1f} ms; a new server's turn is among the first four)"


def _steps(steps: list[dict[str, float]]) -> Iterator[str]:
    """Yield the steps one below the other, each bar beginning where the one before it ends."""
    yield f"{_STEPS:<30}{'p50':>9}{'p99':>9}"
    whole = sum(medians(steps).values())
    before = 0.0
    for step, median in medians(steps).items():
        begin, end = (round(at / whole * _BAR) for at in (before, before + median))
        before += median
        yield f"{_step(steps, step)}  {' ' * begin}{'█' * (end - begin) or '▏'}"
    yield "of these, apply and confirm consist of"
    for part in PARTS:
        if any(part in s for s in steps):
            yield _step(steps, part)


def medians(steps: list[dict[str, float]]) -> dict[str, float]:
    """Return the median of each of STEPS in milliseconds."""
    return {step: percentile([s[step] for s in steps], 50) for step in STEPS}


def _step(steps: list[dict[str, float]], step: str) -> str:
    took = [s[step] for s in steps if step in s]
    return f"  {step:<28}" + "".join(f"{percentile(took, p):>9.1f}" for p in (50, 99))


def _late(late: Mapping[str, Slow]) -> Iterator[str]:
    yield _line("ms from listening to the first request", "n", "p50", "p99", "max")
    for name, slow in late.items():
        yield ""
        yield name
        for start in STARTS:
            for version, lags in slow.lags.items():
                yield _figures(f"  listens after {start:g} s, {version[:20]}", lags[start])
            medians = [percentile(lags[start], 50) for lags in slow.lags.values()]
            if len(medians) > 1:
                yield f"    after : before, p50{medians[1] / medians[0]:>37.2f}"
        for version, share in slow.waiting.items():
            yield f"  {WAITING} waiting, {version[:20]}: {share:.1f} % of a processor, idle {slow.idle[version]:.1f} %"
        yield f"  failed requests: {len(slow.failed)}"


def _crashing(crashing: Mapping[str, Reloads]) -> Iterator[str]:
    yield f"reloads while a server crashes every {crashes.LIFE:g} s, within {crashes.SECONDS:.0f} s"
    for name, reloads in crashing.items():
        for version, its in reloads.items():
            yield f"  {name}, {version[:20]}: " + ", ".join(f"started {how} {n}" for how, n in its.items())


def _bursts(bursts: Mapping[str, Burst]) -> Iterator[str]:
    for name, burst in bursts.items():
        joins, leaves = (", ".join(f"{n} {way}" for way, n in ways.items()) for ways in (burst.ways, burst.leaves))
        yield f"{name}: {burst.servers} servers started at once"
        yield f"  first to last start event{burst.starts:>14.2f} s"
        yield f"  last start event → all serve{burst.behind:>11.2f} s"
        each = (f"p{p} {percentile(burst.joins, p):.0f}" for p in (50, 99))
        yield f"  each from its start event to its first request, ms: {', '.join(each)}"
        yield f"  applies for the joins: {joins}; for the removal of all: {leaves}"
        yield f"  processes at most {burst.most}, {burst.most_old} of them shutting down"
        yield f"  failed requests: {_failed(burst.failed, burst.requests)}"


def _failed(failed: list[str], requests: int) -> str:
    kinds = f": {', '.join(sorted(set(failed)))}"[: WIDTH - 40] if failed else ""
    return f"{len(failed)} of {requests}{kinds}"


def _rates(rates: Rates) -> Iterator[str]:
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
