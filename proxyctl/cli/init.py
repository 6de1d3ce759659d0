"""`proxyctl init`: a commented proxyctl.toml and a compose.yaml to begin with."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from proxyctl.app import scaffold
from proxyctl.cli import options
from proxyctl.errors import UsageError
from proxyctl.settings import Settings
from proxyctl.sources import CONFIG_NAME, load
from proxyctl.wording import of_system

PUBLISHED = "127.0.0.1:8080:80"


def init(
    folder: Annotated[
        Path, typer.Option("--dir", metavar="FOLDER", parser=options.path, help="Where to write them (here).")
    ] = Path(),
    network: options.Network = None,
    engine: options.Engine = None,
    publish: options.PublishOption = None,
    label_prefix: options.LabelPrefix = None,
    force: Annotated[bool, typer.Option("--force", help="Replace files that are there.")] = False,
) -> None:
    """Write a commented proxyctl.toml, and a compose.yaml with two labelled web servers; touches nothing else."""
    asked = {"network": network, "engine": engine, "publish": publish or None, "label_prefix": label_prefix}
    given = {"network": "web", "publish": [PUBLISHED]} | {k: v for k, v in asked.items() if v is not None}
    settings = load(given, {}, config=False)
    files = {
        folder / CONFIG_NAME: scaffold.config(settings, given),
        folder / scaffold.COMPOSE_NAME: scaffold.compose(settings),
    }
    _write(files, force=force)
    typer.echo(f"wrote {' and '.join(map(str, files))}")
    typer.echo(f"next: {_next(folder, settings)}")


def _next(folder: Path, settings: Settings) -> str:
    there = "" if folder == Path() else f"cd {shlex.quote(str(folder))} && "
    return f"{there}docker compose up -d && proxyctl watch   (then http://{settings.publish[0].address})"


def _write(files: dict[Path, str], *, force: bool) -> None:
    """Write all files or none; raise UsageError where one is there already, or cannot be written."""
    there = [str(path) for path in files if path.exists() or path.is_symlink()]
    if there and not force:
        raise UsageError(
            f"{' and '.join(there)}: already there, so nothing was written; --force replaces, --dir goes elsewhere"
        )
    for path, text in files.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        except OSError as exc:
            raise UsageError(f"{path}: {of_system(exc)}; --dir goes elsewhere") from exc
