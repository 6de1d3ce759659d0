"""`proxyctl status`: what the running `watch` knows."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.live import Live

from proxyctl.api import client as control
from proxyctl.api.json import to_json
from proxyctl.cli import options, tables
from proxyctl.core.status import Status
from proxyctl.errors import UsageError

REFRESH = 1.0


def status(
    network: options.Network = None,
    state: options.State = None,
    config: options.Config = None,
    as_json: options.JsonOption = False,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Refresh on a terminal until Ctrl-C.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 3 when there are problems.")] = False,
) -> int:
    """Show the gateway, its pools and servers, and every problem."""
    settings = options.load(network=network, state=state, config=config)
    console = Console(emoji=False)
    if watch and (as_json or strict or not console.is_terminal):
        what = "--json" if as_json else "--strict" if strict else "a pipe or a file"
        raise UsageError(
            f"--watch: a view that refreshes is for a terminal, not for {what}: ask without it, again and again"
        )
    found = control.status(settings.state)
    if watch:
        _live(console, settings.state, found)
    if as_json:
        typer.echo(json.dumps(to_json(found), indent=1))
    else:
        _print(found, console)
    return 3 if strict and found.problems else 0


def _print(found: Status, console: Console) -> None:
    if console.is_terminal:
        console.print(tables.on_terminal(found, console))
    else:
        typer.echo(tables.in_pipe(found))


def _live(console: Console, state: Path, shown: Status) -> NoReturn:
    """Refresh until Ctrl-C; while no `watch` answers, as between two, what the last one said stays."""
    answered, silent = time.monotonic(), ""
    with Live(console=console, screen=False) as live:
        while True:
            old = (f"{silent}: as it was {time.monotonic() - answered:.0f} s ago",) if silent else ()
            live.update(tables.on_terminal(shown, console, title=old, height=console.height - 1))
            time.sleep(REFRESH)
            try:
                shown = control.status(state)
                answered, silent = time.monotonic(), ""
            except control.NoWatch:
                silent = "no `proxyctl watch` answers"
