"""What people see of a status: problems first, then each pool with its routes and servers. No name is ever cut.

`on_terminal` wraps at the terminal's width, and can be fitted into its height; `in_pipe` has one line for each server,
in columns without blanks, for grep and awk. Texts of others are shown with their control characters as escapes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence

from rich.cells import cell_len
from rich.console import Console, Group
from rich.text import Text

from proxyctl.core.model import Problem
from proxyctl.core.status import PoolStatus, RouteStatus, ServerStatus, Status
from proxyctl.errors import printable

NOBODY = {"http": "no server: answers 503", "tcp": "no server: refuses connections"}
EMPTY = "no labelled container yet"
HEADS = ("SERVER", "ADDRESS", "STATE", "WEIGHT", "REQS")
COLOURS = {"up": "green", "starting": "cyan", "draining": "yellow", "down": "red", "maintenance": "magenta"}
_MOST_NAMES = 5
_RIGHT = {"WEIGHT", "REQS"}
_GAP, _INDENT = "  ", "  "


def on_terminal(
    found: Status,
    console: Console,
    *,
    title: Sequence[str] = (),
    empty: Sequence[str] = (EMPTY,),
    height: int | None = None,
) -> Group:
    """Draw a status within the console's width; with a `height`, say in the last line how much did not fit.

    `title` are lines above it, `empty` is what stands there while there is no pool.
    """
    width = console.width
    heads = [Text(line, style="bold") for line in title]
    heads += [Text(_headline(found)), *(Text(line, style="bold red") for line in _stale(found))]
    problems = [Text(f"{_mark(p)} {_problem(p)}", style=_colour(p)) for p in found.problems]
    rest = list(_pools(found, width)) or [Text(line, style="dim") for line in empty]
    if found.elsewhere:
        rest.append(Text(_elsewhere(found.elsewhere), style="dim"))
    parts = [_wrapped(lines, console) for lines in (heads, problems, rest)]
    if height is not None:
        parts = _fitted(parts, height)
    return Group(*(line for part in parts for line in part))


def in_pipe(found: Status) -> str:
    """Return a status as text: no line is wrapped, and all columns before NOTE are single words."""
    lines = [_headline(found), *_stale(found)]
    lines += [f"{p.severity} {_problem(p)}" for p in found.problems]
    lines += _columns([("POOL", "ROUTES"), *((_word(p.name), ",".join(map(_route, p.routes))) for p in found.pools)])
    rows = [_row(pool, server) for pool in found.pools for server in pool.servers or (None,)]
    lines += _columns([("POOL", *HEADS, "NOTE"), *rows])
    if not found.pools:
        lines = [*lines[:-2], EMPTY]
    if found.elsewhere:
        lines.append(_elsewhere(found.elsewhere))
    return "\n".join(lines)


# ------------------------------------------------------------------ in a pipe


def _row(pool: PoolStatus, server: ServerStatus | None) -> tuple[str, ...]:
    if server is None:
        return (_word(pool.name), "-", "-", "-", "-", "-", NOBODY[pool.protocol])
    note = " ".join(filter(None, ("backup" * server.backup, printable(server.reason))))
    return (_word(pool.name), *(_word(cell) for cell in _cells(server)), note)


def _columns(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Yield rows with their columns under each other; an empty cell is a `-`, but for the last one."""
    filled = [(*(cell or "-" for cell in row[:-1]), row[-1]) for row in rows]
    widths = [max(map(cell_len, column)) for column in zip(*filled, strict=True)]
    for row in filled:
        yield _GAP.join(_padded(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _word(text: str) -> str:
    return printable(text).replace(" ", "\\x20") or "-"


# ------------------------------------------------------------------ on a terminal


@dataclasses.dataclass(frozen=True, slots=True)
class _Widths:
    """How wide the columns are; a longer name has a line of its own."""

    name: int
    others: tuple[int, ...]


def _pools(found: Status, width: int) -> Iterator[Text]:
    servers = [server for pool in found.pools for server in pool.servers]
    if not found.pools:
        return
    cells = [HEADS, *(_shown(server) for server in servers)]
    others = tuple(max(cell_len(row[i]) for row in cells) for i in range(1, len(HEADS)))
    room = width - len(_INDENT) - sum(others) - len(_GAP) * len(others)
    widths = _Widths(max(cell_len(row[0]) for row in cells if cell_len(row[0]) <= max(room, len(HEADS[0]))), others)
    if servers:
        yield from _line(HEADS, widths, "bold")
    for pool in found.pools:
        routes = ", ".join(map(_route, pool.routes))
        yield Text.assemble((printable(pool.name), "bold"), f"  {routes}" if routes else "  no route")
        for server in pool.servers:
            yield from _line(_shown(server), widths, "", state=COLOURS[server.state])
            if server.reason:
                yield Text(f"{_INDENT * 2}{printable(server.reason)}", style="dim")
        if not pool.servers:
            yield Text(f"{_INDENT}{NOBODY[pool.protocol]}", style="red")


def _line(cells: Sequence[str], widths: _Widths, style: str, *, state: str = "") -> Iterator[Text]:
    name = cells[0]
    if cell_len(name) > widths.name:
        yield Text(f"{_INDENT}{name}", style=style)
        name = ""
    line = Text(f"{_INDENT}{_padded(name, widths.name)}", style=style)
    for head, cell, width in zip(HEADS[1:], cells[1:], widths.others, strict=True):
        line.append(_GAP)
        line.append(_padded(cell, width, right=head in _RIGHT), style=state if head == "STATE" else "")
    line.rstrip()
    yield line


def _wrapped(lines: Iterable[Text], console: Console) -> list[Text]:
    """Break what is too long: between words where that goes, within a word where it is longer than a line."""
    return [part for line in lines for part in line.wrap(console, console.width, overflow="fold")]


def _fitted(parts: list[list[Text]], height: int) -> list[list[Text]]:
    """Return the lines that fit: problems have at most half of them, and each cut says what it left out."""
    heads, problems, rest = parts
    half = max(2, height // 2)
    if len(heads) + len(problems) + len(rest) > height:
        problems = _cut(problems, half)
        rest = _cut(rest, max(1, height - len(heads) - len(problems)))
    return [heads, problems, rest]


def _cut(lines: list[Text], most: int) -> list[Text]:
    if len(lines) <= most:
        return lines
    more = len(lines) - most + 1
    return [*lines[: most - 1], Text(f"and {more} more lines: `proxyctl status` has them all", style="dim")]


# ------------------------------------------------------------------ both


def _cells(server: ServerStatus) -> tuple[str, ...]:
    """Return the cells of `HEADS`."""
    requests = "-" if server.requests is None else str(server.requests)
    return printable(server.name), server.address, server.state, str(server.weight), requests


def _shown(server: ServerStatus) -> tuple[str, ...]:
    name, address, state, weight, requests = _cells(server)
    return name, address, state, f"backup {weight}" if server.backup else weight, requests


def _padded(text: str, width: int, *, right: bool = False) -> str:
    space = " " * (width - cell_len(text))
    return space + text if right else text + space


def _problem(problem: Problem) -> str:
    subject = " ".join(filter(None, (problem.container, problem.label)))
    return printable(f"{f'{problem.code} ' if problem.code else ''}{f'{subject}: ' if subject else ''}{problem.reason}")


def _mark(problem: Problem) -> str:
    return "✘" if problem.severity == "error" else "!"


def _colour(problem: Problem) -> str:
    return "red" if problem.severity == "error" else "yellow"


def _stale(found: Status) -> list[str]:
    return [f"STALE: {printable(found.stale_reason)}; the pools stay as they are"] if found.stale_reason else []


def _elsewhere(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_MOST_NAMES]) + f" and {len(names) - _MOST_NAMES} more" * (len(names) > _MOST_NAMES)
    return printable(f"labelled, and on networks that no gateway serves: {shown}")


def _headline(found: Status) -> str:
    age = found.synced_seconds_ago
    seen = "never" if age is None else f"{age:.0f} s ago"
    proxy, generation, revision = (
        f"{found.engine} {found.version}",
        found.generation or "none",
        found.revision or "none",
    )
    networks = ", ".join((found.network or "None", *found.joined))
    return printable(f"{networks}: {proxy}, generation {generation} ({revision}), listed {seen}")


def _route(route: RouteStatus) -> str:
    port = "" if route.listen == 80 else f":{route.listen}"  # noqa: PLR2004 - HTTP's own port
    return printable(f"{route.host or '*'}{port}{route.path}")
