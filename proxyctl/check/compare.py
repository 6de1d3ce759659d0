"""Two reports as what `verdicts.compare` takes, what makes them hard to compare, and the JSON of a comparison."""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from proxyctl.check.report import Report
from proxyctl.check.reports.document import iso
from proxyctl.check.verdicts import compare as core
from proxyctl.check.verdicts.difference import Difference
from proxyctl.check.verdicts.runs import Block, Run, Times

SCHEMA: Final = 1

_AGREE: Final = (
    *("urls", "shares", "concurrency", "rate", "workers", "method", "body_bytes", "keepalive", "http_version"),
    *("keys", "key_by"),
)
_SAME_THING: Final = tuple(key for key in _AGREE if key != "workers")
"""Options by which two runs measure two different things."""
_TELLING: Final = ("p50", "p90", "p99")
_SEEN: Final = 0.5
"""A change that would have been called noise up to here says nothing of what is smaller."""
_MACHINE: Final = ("cpu", "cpus", "system", "proxyctl", "python")


def run_of(report: Report) -> Run:
    """Return a report as a run: its slices put together to its blocks."""
    starts = [block.at for block in report.blocks]
    slices: list[list[Any]] = [[] for _ in starts]
    for piece in report.timeline:
        slices[bisect.bisect_right(starts, piece.at) - 1].append(piece)
    ends = [*starts[1:], report.seconds][: len(starts)]
    return Run(
        blocks=tuple(
            Block(
                seconds=max(1e-6, end - block.at),
                requests=sum(piece.requests for piece in pieces),
                errors=sum(piece.errors for piece in pieces),
                servers=_added(piece.servers for piece in pieces),
                latency=Times.of(block.latency),
            )
            for block, pieces, end in zip(report.blocks, slices, ends, strict=True)
        ),
        latency=Times.of(report.latency.counts),
        longest_ms=report.latency_ms["max"],
        expected=report.expected.weights if report.expected else None,
    )


def incomparable(a: Report, b: Report) -> str:
    """Return in what two runs measured different things; empty where they measured the same."""
    return "; ".join(_differ(a.options, b.options, _SAME_THING))


def unclear(a: Report, b: Report, found: Iterable[Difference]) -> str:
    """Return why two runs do not tell whether anything changed; empty where they do."""
    for letter, report in (("A", a), ("B", b)):
        if core.too_short(run_of(report)):
            return f"{letter} is too short"
        if report.generator.was_the_limit:
            return f"the generator was the limit of {letter}, as on a busy machine"
    judged = [one for one in found if one.name in _TELLING and one.p is not None]
    if any(one.word != "noise" or (one.visible is not None and one.visible <= _SEEN) for one in judged):
        return ""
    return f"within the runs latency varied so much that no change of it under {_SEEN:.0%} would have been seen"


def notes(a: Report, b: Report) -> tuple[str, ...]:
    """Return what to know before believing a comparison."""
    return tuple(_notes(a, b))


def to_json(a: Report, b: Report, differences: tuple[Difference, ...], *, level: float, least: float) -> dict[str, Any]:
    """Return the JSON of docs/check.md."""
    return {
        "schema": SCHEMA,
        "level": level,
        "least": least,
        "a": _run(a),
        "b": _run(b),
        "figures": [
            {
                "name": one.name,
                "a": one.a,
                "b": one.b,
                "change": one.change,
                "p": one.p,
                "limit": one.limit,
                "visible": one.visible,
                "verdict": one.word,
                "worse": one.is_worse,
            }
            for one in differences
        ],
        "shares": {name: [_share(report, name) for report in (a, b)] for name in sorted({*a.servers, *b.servers})},
        "worse": [one.name for one in differences if one.is_worse],
        "notes": list(notes(a, b)),
        "cannot_tell": unclear(a, b, differences) or None,
    }


def _notes(a: Report, b: Report) -> Iterator[str]:
    for letter, report in (("A", a), ("B", b)):
        if core.too_short(run_of(report)):
            yield f"{letter} is too short to say how rate and latency vary; 1 s is enough, 10 s are better"
        if report.generator.was_the_limit:
            yield f"the generator was the limit of {letter}: its figures are not the proxy's alone"
    for what, one, other, keys in (
        ("options differ", a.options, b.options, _AGREE),
        ("machine differs", a.machine, b.machine, _MACHINE),
    ):
        yield from (f"{what}: {text}" for text in _differ(one, other, keys))


def _differ(one: Mapping[str, Any], other: Mapping[str, Any], keys: Iterable[str]) -> Iterator[str]:
    for key in keys:
        if one.get(key) != other.get(key):
            yield f"{key} {_option_text(one, key)} in A, {_option_text(other, key)} in B"


def _option_text(options: Mapping[str, Any], key: str) -> str:
    value = options.get(key)
    return "unset" if value is None else ", ".join(value) if isinstance(value, list) else str(value)


def _run(report: Report) -> dict[str, Any]:
    return {
        "url": report.url,
        "started_at": iso(report.started_at),
        "seconds": round(report.seconds, 3),
        "requests": report.requests,
        "ok": report.ok,
    }


def _share(report: Report, name: str) -> float:
    return report.servers.get(name, 0) / max(1, sum(report.servers.values()))


def _added(counts: Iterator[Mapping[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for name, count in itertools.chain.from_iterable(one.items() for one in counts):
        total[name] = total.get(name, 0) + count
    return total
