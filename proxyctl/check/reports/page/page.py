"""What the page says, put together for its template; and the page.

Everything in a report but its figures comes from outside: URLs from users, names and error texts from whatever
answered. The template escapes all of it, and a policy in the page allows no script and no request at all.
"""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import functools
import hashlib
from collections.abc import Iterator
from importlib import resources
from typing import Any, Final

import jinja2

from proxyctl.check.measures.tally import Served
from proxyctl.check.report import Report
from proxyctl.check.reports.page import scale, timechart
from proxyctl.check.reports.page.bursts import Burst, bursts
from proxyctl.check.reports.page.shape import WIDTH
from proxyctl.check.reports.page.spread import HEIGHT, spreadchart
from proxyctl.check.verdicts.verdict import Verdict, number, shares

_ROWS: Final = 100
_EVENTS_IN_A_ROW: Final = 3
_NAME: Final = 60  # characters of a server's name or an event's text; the JSON has the whole


@dataclasses.dataclass(frozen=True, slots=True)
class ServerRow:
    """One server; parts from 0 to 1, `expected` None where nothing is expected. `scaled` parts fill the bar."""

    name: str
    style: str
    spark: str
    requests: int
    share: float
    expected: float | None
    scaled: float
    scaled_expected: float | None
    errors: int
    p50: str
    p99: str


def to_html(report: Report) -> str:
    """Return the page."""
    css = _text("page.css")
    time, spread = timechart.timechart(report), spreadchart(report)
    found = bursts(report)
    return _template().render(
        report=report,
        css=css,
        css_hash=base64.b64encode(hashlib.sha256(css.encode()).digest()).decode(),
        headline=_headline(report),
        failed=[verdict for verdict in report.verdicts if not verdict.ok],
        started=dt.datetime.fromtimestamp(report.started_at, dt.UTC).strftime("%Y-%m-%d %H:%M:%S UTC"),
        tiles=tuple(_tiles(report)),
        width=WIDTH,
        time=time,
        heights={"spark": timechart.SPARK_HEIGHT, "spread": HEIGHT},
        spread=spread,
        latency=(("latency", report.latency_ms), ("first byte", report.first_byte_ms)),
        servers=_servers(report, time),
        bursts=found[:_ROWS],
        bursts_left=len(found) - _ROWS,
        failures_left=report.failed - len(report.failures),
        events=report.events[:_ROWS],
        events_left=len(report.events) - _ROWS,
        near=functools.partial(_near, report),
        urls=report.by_url or ((report.url, report.requests, report.failed),),
        options=tuple(_written(report.options)),
        generator=tuple(_generator(report)),
        machine=tuple(_written(report.machine)),
    )


@functools.cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_text),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"short": _short, "ms": _ms, "percent": _percent, "value": _value, "points": _points}
    return environment.get_template("page.html.j2")


def _text(name: str) -> str:
    return (resources.files(__package__) / name).read_text("utf-8")


def _headline(report: Report) -> str:
    failed = sum(not verdict.ok for verdict in report.verdicts)
    if not report.verdicts:
        return "Nothing was judged"
    if not failed:
        return "Everything is as expected"
    total = len(report.verdicts)
    return f"{failed} of {total} verdicts failed" if total > 1 else "The verdict failed"


def _tiles(report: Report) -> Iterator[tuple[str, str, bool]]:
    """Yield name, figure, and whether it is bad."""
    yield "requests", f"{report.requests:,}", False
    yield "per s", f"{report.rate:,.0f}" if report.rate >= 10 else f"{report.rate:.1f}", False  # noqa: PLR2004
    yield "errors", f"{report.failed:,}", report.failed > 0
    for name in ("p50", "p99", "max"):
        yield name, _ms(report.latency_ms[name]), False
    if report.servers:
        yield "servers", f"{len(report.servers)}", False


def _servers(report: Report, time: timechart.TimeChart | None) -> tuple[ServerRow, ...]:
    weights = report.expected.weights if report.expected else None
    due_shares = shares(weights or {})
    named = sum(report.servers.values())
    names = sorted({*report.servers, *due_shares})
    seen = {name: report.servers.get(name, 0) / named if named else 0.0 for name in names}
    most = max((*seen.values(), *due_shares.values()), default=0.0) or 1.0
    rows = []
    for name in names:
        served = report.by_server.get(name, Served())
        due = due_shares.get(name, 0.0) if weights is not None else None
        rows.append(
            ServerRow(
                name=name,
                style=time.styles.get(name, "many0") if time else "many0",
                spark=time.sparks.get(name, "") if time else "",
                requests=served.requests,
                share=seen[name],
                expected=due,
                scaled=seen[name] / most,
                scaled_expected=None if due is None else due / most,
                errors=served.failed,
                p50=_ms(served.latency.percentile_ms(50)),
                p99=_ms(served.latency.percentile_ms(99)),
            )
        )
    return tuple(rows)


def _near(report: Report, burst: Burst) -> list[tuple[str, str, str]]:
    """Return number, kind and text of the events near a burst, the first ones of many."""
    places = sorted(burst.events)
    listed = [
        (f"{place + 1}", report.events[place].kind, report.events[place].text) for place in places[:_EVENTS_IN_A_ROW]
    ]
    return [*listed, ("", f"and {len(places) - len(listed)} more", "")] if len(places) > len(listed) else listed


def _generator(report: Report) -> Iterator[tuple[str, str]]:
    generator = report.generator
    yield "was the limit", "yes" if generator.was_the_limit else "no"
    yield "processor used", f"{generator.busy:.0%}"
    yield "late", _ms(generator.late * 1000)
    yield "waited for a connection", f"{generator.waited:,} requests"


def _written(named: Any) -> Iterator[tuple[str, str]]:
    for key, value in named.items():
        match value:
            case None | [] | "" | ():
                continue
            case bool():
                text = "yes" if value else "no"
            case list() | tuple():
                text = ", ".join(map(str, value))
            case float():
                text = f"{value:g}"
            case _:
                text = str(value)
        yield key.replace("_", " "), text


def _shown(value: Any) -> Any:
    """Put a mark in the place of what cannot be seen, such as characters that turn the direction of writing."""
    if type(value) is not str or value.isprintable():
        return value
    return "".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in value)


def _short(text: str) -> str:
    return text if len(text) <= _NAME else text[: _NAME - 1] + "\N{HORIZONTAL ELLIPSIS}"


def _ms(value: float | None) -> str:
    return "-" if value is None else scale.milliseconds(value, exact=True)


def _percent(part: float) -> str:
    return f"{part * 100:.1f} %"


def _points(part: float) -> str:
    return f"{part * 100:+.1f}"


def _value(verdict: Verdict) -> str:
    return "unknown" if verdict.value is None else number(verdict.value)
