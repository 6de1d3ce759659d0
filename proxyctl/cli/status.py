"""`proxyctl status`: what the running `watch` knows."""

from __future__ import annotations

import json
import time
from typing import Annotated

import typer
from rich.console import Console
from rich.live import Live

from proxyctl.cli import options, tables
from proxyctl.edges import control


def status(
    network: options.Network = None,
    state: options.State = None,
    config: options.Config = None,
    as_json: options.JsonOption = False,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Refresh until Ctrl-C.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 3 when there are problems.")] = False,
) -> int:
    """Show the gateway, its pools and servers, and every problem."""
    settings = options.load(network=network, state=state, config=config)
    console = Console()
    told = control.ask(settings.state, "/api/v1/status")
    if as_json:
        typer.echo(json.dumps(told, indent=1))
    elif watch and console.is_terminal:
        with Live(console=console, screen=False) as live:
            while True:
                live.update(tables.status(told, width=console.width))
                time.sleep(1)
                told = control.ask(settings.state, "/api/v1/status")
    else:
        console.print(tables.status(told, width=console.width))
    return 3 if strict and told["problems"] else 0
