"""`proxyctl down`: remove the gateway, and the network if proxyctl made it."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from pathlib import Path
from typing import Annotated

import typer

from proxyctl.api import client as control
from proxyctl.app import parts
from proxyctl.cli import options
from proxyctl.core import layout
from proxyctl.errors import ProxyctlError, printable
from proxyctl.providers.docker import networks
from proxyctl.providers.docker.client import Client, connect
from proxyctl.state import overrides as state_files
from proxyctl.state import rollouts
from proxyctl.wording import of_system


def down(
    network: options.Network = None,
    state: options.State = None,
    config: options.Config = None,
    keep_state: Annotated[
        bool, typer.Option("--keep-state", help="Leave the state folder (decisions, generations), and the network.")
    ] = False,
) -> None:
    """Remove the gateway and its state; the network too if `watch --create-network` made it and it is empty."""
    settings = options.load(network=network, state=state, config=config)
    if control.is_running(settings.state):
        message = (
            f"`proxyctl watch` is running on {settings.network}: end it first (Ctrl-C), or it makes the gateway again"
        )
        raise ProxyctlError(message)
    client = connect()
    removed = asyncio.run(parts.build(settings, client).lifecycle.remove())
    typer.echo(f"removed {layout.gateway_name(settings.network)}" if removed else "there was no gateway")
    if not keep_state and settings.state.is_dir():
        _remove_state(settings.state)
    if not keep_state and networks.is_ours(client, settings.network):
        _remove_network(client, settings.network)


def _remove_network(client: Client, name: str) -> None:
    """Remove the network, unless containers are on it: those that do not run could never start again."""
    if there := networks.members(client, name):
        typer.echo(f"network {name} stays: {printable(', '.join(there))} {'is' if len(there) == 1 else 'are'} on it")
        return
    networks.remove(client, name)
    typer.echo(f"removed network {name}")


def _remove_state(folder: Path) -> None:
    """Remove what proxyctl wrote there and nothing else: the folder may have been named by mistake."""
    try:
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(folder / "proxy")
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(folder / rollouts.FOLDER)
        for name in (*state_files.FILES, control.SOCKET):
            (folder / name).unlink(missing_ok=True)
    except OSError as exc:
        message = f"{exc.filename}: {of_system(exc)}: remove {folder} as the user that ran `proxyctl watch`"
        raise ProxyctlError(message) from exc
    try:
        folder.rmdir()
        typer.echo(f"removed {folder}")
    except OSError:
        typer.echo(f"removed proxyctl's files from {folder}, which holds others")
