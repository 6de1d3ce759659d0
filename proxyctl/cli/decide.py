"""`proxyctl drain`, `ready`, `weight`: what an operator decides about one server until its container goes."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from proxyctl.cli import options
from proxyctl.edges import control

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


def _decide(server: str, what: dict[str, Any], said: str, network: Any, state: Any, config: Any, as_json: bool) -> None:
    settings = options.load(network=network, state=state, config=config)
    told = control.ask(settings.state, f"/api/v1/servers/{server}", post=what)
    typer.echo(json.dumps(told) if as_json else f"{server} {said} in pool {', '.join(told['pools'])}")
