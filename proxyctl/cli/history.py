"""`proxyctl history` and `rollback`: what was applied, and the way back to it."""

from __future__ import annotations

import datetime as dt
import json
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from proxyctl.api import client as control
from proxyctl.api.json import pinned_to_json, released_to_json
from proxyctl.cli import options
from proxyctl.errors import UsageError
from proxyctl.state.generations import GenerationFolder
from proxyctl.state.history import Past
from proxyctl.state.pin import PinFile


def history(
    network: options.Network = None,
    state: options.State = None,
    config: options.Config = None,
    as_json: options.JsonOption = False,
) -> None:
    """Show the generations that are kept, newest first: when, what was new, and which one the proxy runs."""
    settings = options.load(network=network, state=state, config=config)
    past = GenerationFolder(settings.state / "proxy").history()
    pin = PinFile(settings.state).pin
    good = next((p.number for p in reversed(past) if p.applied), None)
    shown = [_document(p, good) for p in reversed(past)]
    if as_json:
        held = {"generation": pin.number, "since": pin.since} if pin else None
        typer.echo(json.dumps({"generations": shown, "held": held}, indent=1))
        return
    if not shown:
        typer.echo(f"no generation yet in {settings.state}")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("GEN", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    table.add_column("MADE", no_wrap=True)
    table.add_column("WHAT IS NEW", overflow="fold")
    for entry in shown:
        when, what = entry["at"].replace("T", " "), "\n".join(entry["changes"])
        table.add_row(str(entry["generation"]), _mark(entry), when, what)
    console = Console(emoji=False)
    console.print(table)
    if pin is not None:
        console.print(
            f"held at generation {pin.number} since {pin.since}; `proxyctl rollback --release` lets go", highlight=False
        )


def rollback(
    generation: Annotated[
        int | None, typer.Argument(metavar="[GENERATION]", help="Its number in `proxyctl history` (the one before).")
    ] = None,
    network: options.Network = None,
    state: options.State = None,
    config: options.Config = None,
    release: Annotated[bool, typer.Option("--release", help="Let go: labels, settings, templates of now.")] = False,
    as_json: options.JsonOption = False,
) -> None:
    """Go back to the pools, routes, settings and templates of a generation, and stay there until --release.

    Servers are not rolled back: they go on joining, draining and leaving as Docker says.
    """
    if release and generation is not None:
        raise UsageError("rollback: a generation and --release are two different things; give one of them")
    settings = options.load(network=network, state=state, config=config)
    if release:
        released = control.release(settings.state)
        line = f"no longer held at generation {released.number}: labels, settings and templates of now count"
        document = released_to_json(released)
    else:
        pinned = control.pin(settings.state, generation)
        held = f"held at generation {pinned.number}; `proxyctl rollback --release` lets go"
        line = "\n".join([held, *(f"  {change}" for change in pinned.changes)])
        document = pinned_to_json(pinned)
    typer.echo(json.dumps(document) if as_json else line)


def _document(past: Past, good: int | None) -> dict[str, Any]:
    return {
        "generation": past.number,
        "revision": past.revision,
        "at": dt.datetime.fromtimestamp(past.at, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "changes": list(past.changes),
        "held": past.pinned,
        "applied": past.applied,
        "current": past.current,
        "good": past.number == good,
    }


def _mark(entry: dict[str, Any]) -> str:
    """Return what is special: the last good one is named where it is not the current one."""
    if entry["current"]:
        return "current" if entry["applied"] else "current, not confirmed"
    if entry["good"]:
        return "last good"
    return "" if entry["applied"] else "never applied"
