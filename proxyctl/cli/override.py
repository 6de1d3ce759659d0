"""`proxyctl drain`, `ready`, `weight`, `maintenance`: what an operator decides until the container or pool goes."""

from __future__ import annotations

import enum
import json
from typing import Annotated

import typer

from proxyctl.api import client as control
from proxyctl.api.json import maintained_to_json, overridden_to_json
from proxyctl.api.port import Overridden
from proxyctl.cli import names, options


class Switch(enum.StrEnum):
    """On or off."""

    on = "on"
    off = "off"


Server = Annotated[str, typer.Argument(metavar="SERVER", help="The container's name.", autocompletion=names.servers)]


def drain(
    server: Server,
    network: options.Network = None,
    state: options.State = None,
    config: options.Config = None,
    as_json: options.JsonOption = False,
) -> None:
    """Give a server no new requests; running ones finish."""
    settings = options.load(network=network, state=state, config=config)
    _show(control.override(settings.state, server, drain=True), "drains", as_json=as_json)


def ready(
    server: Server,
    network: options.Network = None,
    state: options.State = None,
    config: options.Config = None,
    as_json: options.JsonOption = False,
) -> None:
    """Take back a drain and a weight: the server is as its labels say."""
    settings = options.load(network=network, state=state, config=config)
    _show(control.override(settings.state, server, drain=False, weight=None), "is ready", as_json=as_json)


def weight(
    server: Server,
    value: Annotated[int, typer.Argument(metavar="WEIGHT", min=0, max=256, help="0 to 256; 0 takes no new requests.")],
    network: options.Network = None,
    state: options.State = None,
    config: options.Config = None,
    as_json: options.JsonOption = False,
) -> None:
    """Give a server another weight than its label says."""
    settings = options.load(network=network, state=state, config=config)
    _show(control.override(settings.state, server, weight=value), f"has weight {value}", as_json=as_json)


def maintenance(
    pool: Annotated[str, typer.Argument(metavar="POOL", help="The pool's name.", autocompletion=names.pools)],
    switch: Annotated[Switch, typer.Argument(metavar="on|off")],
    network: options.Network = None,
    state: options.State = None,
    config: options.Config = None,
    as_json: options.JsonOption = False,
) -> None:
    """Answer 503 for a pool, all but its health path, until it is turned off; a tcp pool refuses connections."""
    settings = options.load(network=network, state=state, config=config)
    on = switch is Switch.on
    answer = control.maintain(settings.state, pool, on=on)
    if as_json:
        typer.echo(json.dumps(maintained_to_json(answer)))
    else:
        typer.echo(f"pool {pool} is {'in maintenance: its routes answer 503' if on else 'out of maintenance'}")


def _show(answer: Overridden, doing: str, *, as_json: bool) -> None:
    typer.echo(json.dumps(overridden_to_json(answer)) if as_json else _sentence(answer, doing))


def _sentence(answer: Overridden, doing: str) -> str:
    """Return what the proxy does now, and what is only kept for a server that has not joined."""
    server, parts = answer.server, []
    pools = ", ".join(answer.pools)
    if answer.pools and answer.draining and answer.changes.get("drain") is False:
        why = "it was told to stop, is paused, unhealthy or off the network"
        parts.append(f"{server} still drains in pool {pools}, by itself: {why}")
    elif answer.pools:
        parts.append(f"{server} {doing} in pool {pools}")
    if answer.waiting:
        parts.append(f"{server} has not joined pool {', '.join(answer.waiting)}: the decision is kept until it does")
    return "; ".join(parts)
