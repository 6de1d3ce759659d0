"""What people see of a status: rich tables that fit 80 columns."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from proxyctl.core.status import RouteStatus, Status

_MOST_NAMES = 5
COLOURS = {"up": "green", "starting": "cyan", "draining": "yellow", "down": "red", "maintenance": "magenta"}


def status(found: Status, *, width: int, title: str = "") -> RenderableType:
    """Draw a status: a headline, a row per server, then the problems."""
    table = Table(box=None, pad_edge=False, header_style="bold", expand=False)
    table.add_column("POOL", no_wrap=True)
    table.add_column("ROUTES", overflow="fold", max_width=max(14, width - 62))
    table.add_column("SERVER", overflow="ellipsis", no_wrap=True, max_width=20)
    table.add_column("ADDRESS", no_wrap=True)
    table.add_column("STATE", no_wrap=True)
    table.add_column("WEIGHT", justify="right")
    table.add_column("REQS", justify="right")
    for pool in found.pools:
        routes = ", ".join(_route(r) for r in pool.routes) or "-"
        name = pool.name
        for server in pool.servers or [None]:
            if server is None:
                table.add_row(name, routes, Text("no server: answers 503", style="red"), "", "", "", "")
            else:
                requests = server.requests
                table.add_row(
                    name,
                    routes,
                    server.name,
                    server.address,
                    Text(server.state, style=COLOURS[server.state]),
                    str(server.weight) + (" backup" if server.backup else ""),
                    "-" if requests is None else str(requests),
                )
            name, routes = "", ""
    parts: list[RenderableType] = [Text(title, style="bold")] if title else []
    parts.append(_headline(found))
    if found.stale:
        parts.append(Text(f"STALE: {found.stale_reason}; the pools stay as they are", style="bold red"))
    parts += [table if found.pools else Text("no labelled container yet", style="dim")]
    for problem in found.problems:
        subject = " ".join(filter(None, (problem.container, problem.label)))
        mark, colour = ("✘", "red") if problem.severity == "error" else ("!", "yellow")
        code = f"{problem.code} " if problem.code else ""
        parts.append(Text(f"{mark} {code}{subject + ': ' if subject else ''}{problem.reason}", style=colour))
    if found.elsewhere:
        parts.append(Text(_elsewhere(found.elsewhere), style="dim"))
    return Group(*parts)


def _elsewhere(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_MOST_NAMES]) + f" and {len(names) - _MOST_NAMES} more" * (len(names) > _MOST_NAMES)
    return f"labelled, and on networks that no gateway serves: {shown}"


def _headline(found: Status) -> Text:
    age = found.synced_seconds_ago
    seen = "never" if age is None else f"{age:.0f} s ago"
    proxy, generation, revision = (
        f"{found.engine} {found.version}",
        found.generation or "none",
        found.revision or "none",
    )
    return Text(f"{found.network}: {proxy}, generation {generation} ({revision}), listed {seen}")


def _route(route: RouteStatus) -> str:
    port = "" if route.listen == 80 else f":{route.listen}"  # noqa: PLR2004 - HTTP's own port
    return f"{route.host or '*'}{port}{route.path}"
