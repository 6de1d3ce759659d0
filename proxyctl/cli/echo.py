"""`proxyctl echo`: here only so that the verb is listed; `proxyctl.backend.server` parses and runs it."""

from __future__ import annotations

import typer

CONTEXT = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}


def echo(context: typer.Context) -> None:
    """Run the small web server that demos and tests put behind the proxy."""
    from proxyctl.backend.server import main

    raise typer.Exit(main(context.args))
