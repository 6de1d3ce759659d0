"""The options that several verbs share, and how they become settings."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from proxyctl.errors import printable

if TYPE_CHECKING:
    from proxyctl.settings import Settings

Network = Annotated[
    str | None,
    typer.Option("--network", "-n", metavar="NAME", help="The user-defined network (or PROXYCTL_NETWORK)."),
]
Join = Annotated[
    list[str] | None,
    typer.Option("--join", metavar="NAME", help="A further network, whose containers are served as well; repeatable."),
]
Engine = Annotated[
    str | None,
    typer.Option(
        "--engine",
        "-e",
        metavar="nginx|haproxy",
        help="Which proxy to run (that of the gateway that is there, else haproxy).",
    ),
]
PublishOption = Annotated[
    list[str] | None,
    typer.Option("--publish", "-p", metavar="[IP:]PORT:PORT", help="Publish a gateway port; repeatable."),
]
Image = Annotated[
    str | None, typer.Option("--image", help="The gateway's image (haproxy:3.2 or nginx:1.30, ours where it is here).")
]
NoPull = Annotated[bool | None, typer.Option("--no-pull", help="Pull no image: it has to be here.", show_default=False)]


def path(text: str) -> Path:
    """Read a path; raise ValueError where the text is empty, which Python takes for the current folder."""
    if not text:
        raise ValueError
    return Path(text)


Config = Annotated[
    Path | None,
    typer.Option(
        "--config", "-c", metavar="FILE", parser=path, help="Settings file (./proxyctl.toml if there is one)."
    ),
]
Templates = Annotated[
    Path | None,
    typer.Option("--templates", metavar="FOLDER", parser=path, help="Folder with templates that replace ours."),
]
State = Annotated[
    Path | None,
    typer.Option("--state", metavar="FOLDER", parser=path, help="State folder (/var/lib/proxyctl/NETWORK for root)."),
]
ApiOption = Annotated[
    str | None,
    typer.Option("--api", metavar="HOST:PORT|off", help="Read-only HTTP API (127.0.0.1:8900, or the next free port)."),
]
LabelPrefix = Annotated[str | None, typer.Option("--label-prefix", help="First part of the labels (proxyctl).")]
Expose = Annotated[
    bool | None,
    typer.Option("--expose-by-default", help="Containers without an `enable` label take part.", show_default=False),
]
OneOffs = Annotated[
    bool | None, typer.Option("--one-offs", help="Containers of `compose run` take part, too.", show_default=False)
]
Resync = Annotated[str | None, typer.Option("--resync", metavar="DURATION", help="Full listing this often (30s).")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def load(**flags: Any) -> Settings:
    """Merge what was given on the command line with environment and file."""
    from proxyctl import sources

    settings = sources.load(flags)
    _warn(tuple(sources.strangers()))
    return settings


@functools.cache
def _warn(strangers: tuple[str, ...]) -> None:
    """Say once in a process that variables do nothing."""
    if strangers:
        what = "is no setting, and does" if len(strangers) == 1 else "are no settings, and do"
        typer.echo(
            f"proxyctl: {printable(', '.join(strangers))} {what} nothing; docs/settings.md has the list", err=True
        )


def load_as_watch(**flags: Any) -> Settings:
    """Do the same, and take what nobody gave as the `watch` of that gateway has it, if one runs."""
    from proxyctl import sources
    from proxyctl.api import client as control

    return sources.load(flags, running=control.settings(load(**flags).state))
