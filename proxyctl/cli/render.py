"""`proxyctl render`: the configuration that follows from what is running now."""

from __future__ import annotations

import typer
import uvloop

from proxyctl.app.preview import preview
from proxyctl.cli import options


def render(
    network: options.Network = None,
    join: options.Join = None,
    engine: options.Engine = None,
    image: options.Image = None,
    config: options.Config = None,
    templates: options.Templates = None,
    state: options.State = None,
    label_prefix: options.LabelPrefix = None,
    expose_by_default: options.Expose = None,
    one_offs: options.OneOffs = None,
) -> None:
    """Print the configuration; touches nothing. Problems go to stderr."""
    settings = options.load_as_watch(
        network=network,
        join=join or None,
        engine=engine,
        image=image,
        config=config,
        templates=templates,
        state=state,
        label_prefix=label_prefix,
        expose_by_default=expose_by_default,
        one_offs=one_offs,
    )
    seen = uvloop.run(preview(settings))
    for problem in seen.outcome.problems:
        typer.echo(f"proxyctl: {problem.container} {problem.label}: {problem.reason}", err=True)
    for _, text in seen.files.files:
        typer.echo(text, nl=False)
