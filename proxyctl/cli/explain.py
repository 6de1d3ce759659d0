"""`proxyctl explain`: why a container is in the pool or not, or which route, pool and servers a URL meets."""

from __future__ import annotations

import dataclasses
import json
from typing import Annotated

import typer
import uvloop

from proxyctl import look as world
from proxyctl.cli import options
from proxyctl.core.explain import ContainerExplanation, UrlExplanation, explain_container, explain_url


def explain(
    subject: Annotated[str, typer.Argument(metavar="NAME|URL", help="A container's name, or a URL.")],
    network: options.Network = None,
    engine: options.Engine = None,
    config: options.Config = None,
    state: options.State = None,
    label_prefix: options.LabelPrefix = None,
    expose_by_default: options.Expose = None,
    as_json: options.JsonOption = False,
) -> int:
    """Tell why; touches nothing. Exit 3 when the container serves nothing or the URL meets no route."""
    settings = options.load(
        network=network,
        engine=engine,
        config=config,
        state=state,
        label_prefix=label_prefix,
        expose_by_default=expose_by_default,
    )
    look = uvloop.run(world.look(settings))
    told: ContainerExplanation | UrlExplanation
    if "/" in subject:
        told = explain_url(subject, look.outcome.desired, look.published)
        good = told.routed
    else:
        told = explain_container(
            subject,
            look.snapshot,
            look.outcome,
            findings=look.findings,
            options=look.options,
            features=look.features,
            held=look.held,
        )
        good = told.in_pool
    if as_json:
        typer.echo(json.dumps(dataclasses.asdict(told), indent=1))
    else:
        typer.echo("\n".join(told.lines))
    return 0 if good else 3
