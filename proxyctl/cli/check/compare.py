"""`proxyctl check compare`: what changed from one run to another, and whether it is noise."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from proxyctl.check.verdicts import compare as core
from proxyctl.check.verdicts.difference import Difference
from proxyctl.check.verdicts.verdict import number
from proxyctl.cli import options
from proxyctl.cli.check import parse
from proxyctl.errors import CannotTell, ThresholdFailed, UsageError
from proxyctl.wording import of_system

if TYPE_CHECKING:  # aiohttp takes 0.2 s to import, and --help does not need it
    from proxyctl.check.report import Report

_MOST = 9.99  # of changes; what is more is told as more
_STYLES = {"real": "bold yellow", "slight": "yellow", "noise": "green", "not judged": "dim"}


def compare(
    a: Annotated[
        Path, typer.Argument(metavar="A.json", parser=options.path, help="A report of `check --json`: before.")
    ],
    b: Annotated[Path, typer.Argument(metavar="B.json", parser=options.path, help="Another one: after.")],
    level: Annotated[
        float, typer.Option(min=1e-9, max=0.5, help="How often noise may be called real, over all figures.")
    ] = core.DEFAULT_LEVEL,
    least: Annotated[
        str, typer.Option(metavar="PERCENT", help="A smaller change of rate, latency or shares is slight.")
    ] = f"{core.DEFAULT_LEAST:.0%}",
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Also runs that measured different things: another URL, method, rate.")
    ] = False,
    as_json: options.JsonOption = False,
) -> None:
    """Compare two runs: what changed, and whether that is noise. Exit 99 when something is significantly worse.

    Exit 98 when the runs cannot tell, as runs of a busy machine.

    How much a figure may differ by chance is taken from how much it varied within each run. What changes between
    runs only (a neighbour on the machine, a colder cache) looks real: run A and B twice, in turn.
    """
    from proxyctl.check import compare as verify

    smallest = parse.read("--least", parse.part, least)
    one, other = (_report(path) for path in (a, b))
    if not anyway and (why := verify.incomparable(one, other)):
        raise UsageError(f"A and B measured different things: {why}; --anyway compares them all the same")
    found = core.compare(verify.run_of(one), verify.run_of(other), level=level, least=smallest, visible=True)
    if as_json:
        typer.echo(json.dumps(verify.to_json(one, other, found, level=level, least=smallest), indent=1))
    else:
        unclear = bool(verify.unclear(one, other, found))
        Console(emoji=False, highlight=False).print(
            _table(one, other, found, verify.notes(one, other), unclear=unclear)
        )
    if worse := [difference for difference in found if difference.is_worse]:
        raise ThresholdFailed("worse: " + "; ".join(_changed(difference) for difference in worse))
    if why := verify.unclear(one, other, found):
        raise CannotTell(f"cannot tell: {why}")


def _report(path: Path) -> Report:
    from proxyctl.check.reports.document import from_json

    try:
        return from_json(json.loads(path.read_text("utf-8")))
    except OSError as exc:
        raise UsageError(f"{path}: {of_system(exc)}") from exc
    except ValueError as exc:  # of json, and of a file that is not UTF-8
        raise UsageError(f"{path}: it is not JSON, as `proxyctl check URL --json > {path.name}` writes it") from exc
    except UsageError as exc:
        raise UsageError(f"{path}: {exc}") from exc


def _table(
    a: Report, b: Report, found: tuple[Difference, ...], notes: tuple[str, ...], *, unclear: bool
) -> RenderableType:
    heads: list[RenderableType] = [
        Text(f"{letter}: {run.url}, {run.requests:,} requests in {run.seconds:.2f} s", overflow="fold")
        for letter, run in (("A", a), ("B", b))
    ]
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("FIGURE", overflow="ellipsis", no_wrap=True, max_width=22)
    for title in ("A", "B", "CHANGE", "SEEN FROM"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for one in found:
        word = Text(one.word, style="bold red" if one.is_worse else _STYLES[one.word])
        if one.p is not None:
            word.append(f"{', worse' if one.is_worse else ''} (p {number(one.p)})", style="default")
        seen = "-" if one.visible is None else _change(one, one.visible, sign="")
        changed = "-" if _moved(one) is None else _change(one, _moved(one) or 0.0, sign="+")
        table.add_row(Text(one.name), _figure(one, one.a), _figure(one, one.b), changed, seen, word)
    last = [Text(f"note: {note}", style="dim") for note in notes]
    if blind := [one.name for one in found if one.word == "noise" and one.visible is None and one.name[:6] != "share "]:
        last.append(
            Text(f"note: no change of {', '.join(blind)} would have been seen: too few requests, or too uneven")
        )
    if not any(one.is_worse for one in found) and not unclear:
        last.append(Text("nothing is significantly worse", style="green"))
    return Group(*heads, Text(), table, Text(), *last)


def _changed(one: Difference) -> str:
    changed = f"{_change(one, moved, sign='+')}, " if (moved := _moved(one)) is not None else ""
    return f"{one.name} is {_figure(one, one.b)} instead of {_figure(one, one.a)} ({changed}p {number(one.p or 0)})"


def _moved(one: Difference) -> float | None:
    """Return the change as it is shown: of what is a share itself in points, else relative."""
    if one.a is None or one.b is None:
        return None
    return one.b - one.a if _is_share(one) else one.change


def _change(one: Difference, value: float, *, sign: str) -> str:
    if value > _MOST:
        return f">{_MOST:.0%}"
    return f"{value * 100:{sign}.2f} pts" if _is_share(one) else f"{value * 100:{sign}.1f}%"


def _is_share(one: Difference) -> bool:
    return one.name == "errors" or one.name.startswith("share ")


def _figure(one: Difference, value: float | None) -> str:
    if value is None:
        return "-"
    if _is_share(one):
        return f"{value * 100:.2f}%"
    return f"{value:,.1f}/s" if one.name == "rate" else f"{value:,.2f} ms"
