"""`proxyctl drain`, `ready`, `weight`, `maintenance`: what an operator decides until the container or pool goes."""

from __future__ import annotations

import enum
import json
from typing import Annotated, Any
from urllib.parse import quote

import typer

from proxyctl.api import client as control
from proxyctl.cli import options


class Switch(enum.StrEnum):
    """On or off."""

    on = "on"
    off = "off"


Server = Annotated[str, typer.Argument(metavar="SERVER", help="The container's name.")]


def drain(
    server: Server,
    network: options.Network = None,
    state: options.State = None,
    config: options.Config = None,
    as_json: options.JsonOption = False,
) -> None:
    """Give a server no new requests; running ones finish."""
    _decide(server, {"drain": True}, "drains", network, state, config, as_json)


def ready(
    server: Server,
    network: options.Network = None,
    state: options.State = None,
    config: options.Config = None,
    as_json: options.JsonOption = False,
) -> None:
    """Take back a drain and a weight: the server is as its labels say."""
    _decide(server, {"drain": False, "weight": None}, "is ready", network, state, config, as_json)


def weight(
    server: Server,
    value: Annotated[int, typer.Argument(metavar="WEIGHT", min=0, max=256, help="0 to 256; 0 takes no new requests.")],
    network: options.Network = None,
    state: options.State = None,
    config: options.Config = None,
    as_json: options.JsonOption = False,
) -> None:
    """Give a server another weight than its label says."""
    _decide(server, {"weight": value}, f"has weight {value}", network, state, config, as_json)


def maintenance(
    pool: Annotated[str, typer.Argument(metavar="POOL", help="The pool's name.")],
    switch: Annotated[Switch, typer.Argument(metavar="on|off")],
    network: options.Network = None,
    state: options.State = None,
    config: options.Config = None,
    as_json: options.JsonOption = False,
) -> None:
    """Answer 503 for a pool, all but its health path, until it is turned off; a tcp pool refuses connections."""
    settings = options.load(network=network, state=state, config=config)
    on = switch is Switch.on
    told = control.ask(settings.state, f"/api/v1/pools/{quote(pool, safe='')}", post={"maintenance": on})
    if as_json:
        typer.echo(json.dumps(told))
    else:
        typer.echo(f"pool {pool} is {'in maintenance: its routes answer 503' if on else 'out of maintenance'}")


def _decide(server: str, what: dict[str, Any], said: str, network: Any, state: Any, config: Any, as_json: bool) -> None:
    settings = options.load(network=network, state=state, config=config)
    told = control.ask(settings.state, f"/api/v1/servers/{quote(server, safe='')}", post=what)
    typer.echo(json.dumps(told) if as_json else _said(told, said))


def _said(told: dict[str, Any], said: str) -> str:
    """Say what the proxy does now, and what is only kept for a server that has not joined."""
    server, parts = told["server"], []
    pools = ", ".join(told["pools"])
    if told["pools"] and told["draining"] and told.get("drain") is False:
        parts.append(f"{server} still drains in pool {pools}, by itself: `proxyctl explain {server}` tells why")
    elif told["pools"]:
        parts.append(f"{server} {said} in pool {pools}")
    if told["waiting"]:
        parts.append(f"{server} has not joined pool {', '.join(told['waiting'])}: the decision is kept until it does")
    return "; ".join(parts)
