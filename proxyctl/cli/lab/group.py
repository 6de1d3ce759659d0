"""The commands below `proxyctl lab`: list, show, run, clean."""

from __future__ import annotations

import typer

from proxyctl.cli.lab.clean import clean
from proxyctl.cli.lab.list import list_
from proxyctl.cli.lab.run import run
from proxyctl.cli.lab.show import show

app = typer.Typer(name="lab", help="The network and proxy labs, on real Docker.", no_args_is_help=True)
app.command("list")(list_)
app.command()(show)
app.command()(run)
app.command()(clean)
