"""What people see of a check: bars while it runs, then one table that fits 80 columns."""

from __future__ import annotations

import collections
from collections.abc import Iterable, Iterator, Mapping

from rich.bar import Bar
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from proxyctl.check.load.sample import Sample
from proxyctl.check.measures.tally import Progress, Served
from proxyctl.check.report import Report
from proxyctl.check.verdicts.verdict import Verdict, number, shares

_BAR = 30
_ROWS = 16  # of servers, while it runs
_EVENTS = 5  # near the failures of one kind


def live(tally: Progress, done: float, *, ascii_only: bool = False) -> RenderableType:
    """Draw a running check; `done` is from 0 to 1."""
    head = Table.grid(padding=(0, 2))
    errors = Text(_count(tally.failed, "error"), style="bold red" if tally.failed else "green")
    rate = f"{tally.requests / tally.seconds:,.0f}/s" if tally.seconds else ""
    head.add_row(_bar(done, ascii_only=ascii_only), f"{done:.0%}", _count(tally.requests, "request"), rate, errors)
    rows = Table.grid(padding=(0, 2))
    seen = sorted(tally.servers.items())
    most = max((count for _, count in seen), default=1)
    for name, count in seen[:_ROWS]:
        rows.add_row(Text(name, overflow="crop", no_wrap=True), _bar(count / most, ascii_only=ascii_only), f"{count:,}")
    if len(seen) > _ROWS:
        rows.add_row(f"and {len(seen) - _ROWS} more")
    return Group(head, rows)


def final(report: Report, *, ascii_only: bool = False) -> RenderableType:
    """Draw a report: a headline, how much each server served, latency, errors by kind, verdicts, notes."""
    parts: list[RenderableType] = [
        *(Text(line, style="bold", overflow="fold") for line in _urls(report)),
        Text(
            f"{_count(report.requests, 'request')} in {report.seconds:.2f} s, {report.rate:,.0f}/s, "
            f"{_count(report.failed, 'error')}"
        ),
    ]
    if report.servers:
        parts += [Text(), _servers(report)]
    parts += [Text(), _latency("latency", report.latency_ms), _latency("first byte", report.first_byte_ms)]
    for kind, count in sorted(report.errors.items()):
        failures = [f for f in report.failures if f.error == kind]
        when = f", the first at {failures[0].at:.3f} s" if failures else ""
        parts.append(Text(f"{kind}: {count:,}{when}", style="red"))
        parts += [Text(f"  {line}") for line in _meanwhile(report, failures)]
    parts.append(Text())
    verdicts = Table.grid(padding=(0, 2))
    for verdict in report.verdicts:
        verdicts.add_row(*_verdict(verdict, ascii_only=ascii_only))
    parts.append(verdicts)
    parts += [Text(f"note: {note}", style="dim") for note in report.notes]
    return Group(*parts)


def _servers(report: Report) -> Table:
    weights = report.expected.weights if report.expected else None
    due_shares = shares(weights or {})
    named = sum(report.servers.values())
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("SERVER", overflow="fold", max_width=24)
    for title in ("REQUESTS", "SHARE", "EXPECTED", "ERRORS", "P50 MS", "P99 MS"):
        table.add_column(title, justify="right", no_wrap=True)
    for name in sorted({*report.servers, *due_shares}):
        served = report.by_server.get(name, Served())
        due = f"{due_shares.get(name, 0):.1%}" if weights is not None else "-"
        times = served.latency.figures()
        p50, p99 = ("-" if value is None else f"{value:.1f}" for value in (times["p50"], times["p99"]))
        share = f"{served.requests / named:.1%}"
        table.add_row(Text(name), f"{served.requests:,}", share, due, f"{served.failed:,}", p50, p99)
    return table


def _urls(report: Report) -> Iterator[str]:
    if len(report.by_url) < 2:  # noqa: PLR2004 - one needs no figures of its own
        yield report.url
        return
    for url, requests, failed in report.by_url:
        yield f"{url}: {_count(requests, 'request')}, {_count(failed, 'error')}"


def _latency(title: str, times: Mapping[str, float | None]) -> Text:
    figures = [f"{name} {value:.1f}" for name, value in times.items() if value is not None]
    return Text(f"{title} in ms: {', '.join(figures)}" if figures else f"{title}: no good request")


def _meanwhile(report: Report, failures: Iterable[Sample]) -> Iterator[str]:
    """Say what proxyctl did within a second of these failures."""
    found = collections.Counter(place for failure in failures for place in report.near(failure))
    for place in sorted(found)[:_EVENTS]:
        event = report.events[place]
        yield f"{found[place]:,} within 1 s of {event.kind} at {event.at - report.started_at:.3f} s: {event.text}"
    if len(found) > _EVENTS:
        yield f"and of {len(found) - _EVENTS} more events (--json lists them)"


def _verdict(verdict: Verdict, *, ascii_only: bool) -> tuple[Text, Text, Text, Text]:
    good, bad = ("ok", "FAILED") if ascii_only else ("✔", "✘")
    style = "green" if verdict.ok else "bold red"
    value = "unknown" if verdict.value is None else number(verdict.value)
    detail = f"expected {verdict.expected}" + (f": {verdict.detail}" if verdict.detail else "")
    return Text(good if verdict.ok else bad, style=style), Text(verdict.name), Text(value), Text(detail)


def _bar(part: float, *, ascii_only: bool) -> RenderableType:
    if ascii_only:
        return Text("#" * round(part * _BAR), style="cyan")
    return Bar(1, 0, part, width=_BAR, color="cyan")


def _count(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
