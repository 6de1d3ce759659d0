"""One verb that is a command and a group."""

from __future__ import annotations

import pytest
import typer
from typer.testing import CliRunner

from proxyctl.cli.check.group import URL, Default, Group

app = typer.Typer()
group = typer.Typer(cls=Group)
app.add_typer(group, name="check")


@group.callback()
def _group() -> None:
    """Check."""


@group.command(URL, cls=Default)
def _default(url: str, fast: bool = False) -> None:
    """Check one."""
    typer.echo(f"check {url} {fast}")


@group.command("compare")
def _compare(one: str, other: str) -> None:
    """Compare two."""
    typer.echo(f"compare {one} {other}")


@app.command("else")
def _else() -> None:
    """Do something else."""


@pytest.mark.parametrize(
    ("argv", "out"),
    [
        ("check http://a/", "check http://a/ False\n"),
        ("check --fast http://a/", "check http://a/ True\n"),
        ("check compare 1 2", "compare 1 2\n"),
        ("check nowhere", "check nowhere False\n"),
    ],
)
def test_subcommand_or_url(argv: str, out: str) -> None:
    """What begins with the name of a subcommand is one, everything else is a URL or an option of the check."""
    assert CliRunner().invoke(app, argv.split()).output == out


@pytest.mark.parametrize(
    ("argv", "usage"),
    [
        ("check --help", "Usage: proxyctl check [OPTIONS] {url}"),
        ("check", "Usage: proxyctl check [OPTIONS] {url}"),
        ("check compare --help", "Usage: proxyctl check compare [OPTIONS]"),
    ],
)
def test_names(argv: str, usage: str) -> None:
    """In help and errors the command that has no name goes by that of its group."""
    assert usage in CliRunner().invoke(app, argv.split(), prog_name="proxyctl").output
