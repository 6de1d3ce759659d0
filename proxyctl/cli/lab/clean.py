"""`proxyctl lab clean`: what ended labs left goes."""

from __future__ import annotations

import contextlib

import typer


def clean() -> None:
    """Remove what ended labs left, by label; a lab that is running is left alone."""
    from proxyctl.labs.cleaning import remove_leftovers
    from proxyctl.providers.docker.client import connect

    with contextlib.closing(connect()) as client:
        removed, alive = remove_leftovers(client)
    for name in removed:
        typer.echo(f"removed {name}")
    for name in alive:
        typer.echo(f"left {name}: its lab is running")
    if not removed and not alive:
        typer.echo("nothing to remove")
