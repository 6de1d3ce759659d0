"""`proxyctl lab`: the course's clips on real Docker; list, show, run, clean."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console

from proxyctl.cli import options
from proxyctl.cli.check import files
from proxyctl.errors import UsageError

if TYPE_CHECKING:
    from proxyctl.labs.console import View
    from proxyctl.labs.report import LabResult, StepResult
    from proxyctl.labs.run import OnStep
    from proxyctl.labs.step import Lab
    from proxyctl.labs.texts import Lang

app = typer.Typer(name="lab", help="The network and proxy labs, on real Docker.", no_args_is_help=True)

FAILED = 99

Clips = Annotated[list[str], typer.Argument(metavar="CLIP...", help="clip1, clip2 and so on, or all.")]
LangOption = Annotated[
    Literal["ko", "en"] | None, typer.Option("--lang", metavar="ko|en", help="Language (from the locale).")
]


@app.command("list")
def list_(lang: LangOption = None, as_json: options.JsonOption = False) -> None:
    """List the labs."""
    from proxyctl.labs.catalog import LABS

    language = _language(lang)
    if as_json:
        told = [{"id": lab.id, "title": lab.title.to(language), "steps": [s.id for s in lab.steps]} for lab in LABS]
        typer.echo(json.dumps(told, indent=1, ensure_ascii=False))
        return
    _view(language).catalog(LABS)


@app.command()
def show(clips: Clips, lang: LangOption = None) -> None:
    """Say what a lab will do, with the docker and Linux commands; runs nothing."""
    from proxyctl.labs import catalog

    view = _view(_language(lang))
    for lab in catalog.chosen(clips):
        view.plan(lab)


@app.command()
def run(
    clips: Clips,
    lang: LangOption = None,
    pause: Annotated[bool, typer.Option("--pause", help="Wait for Enter between the steps.")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the containers; `lab clean` removes them.")] = False,
    as_json: options.JsonOption = False,
    junit: Annotated[Path | None, typer.Option("--junit", metavar="FILE", help="Write a JUnit file.")] = None,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write a page with the drawn networks.")
    ] = None,
) -> int:
    """Run labs; exit 99 when a step fails."""
    from proxyctl.labs import catalog
    from proxyctl.labs.run import run_lab
    from proxyctl.providers.docker.client import connect

    labs, language = catalog.chosen(clips), _language(lang)
    if pause and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("--pause waits for Enter, so it needs a terminal")
    files.writable(**{"--junit": junit, "--html": html})
    view = _view(language)
    results: list[LabResult] = []
    with contextlib.closing(connect()) as client:
        for lab in labs:
            if not as_json:
                view.head(lab)
            results.append(run_lab(lab, client, _listener(view, lab, quiet=as_json, pause=pause), keep=keep))
    _write(results, language, junit, html)
    if as_json:
        from proxyctl.labs.report import to_json

        typer.echo(json.dumps(to_json(results, language), indent=1, ensure_ascii=False))
    else:
        view.summary(results, kept=keep)
    return 0 if all(result.ok for result in results) else FAILED


@app.command()
def clean() -> None:
    """Remove what ended labs left, by label; a lab that is running is left alone."""
    from proxyctl.labs.cleaning import remove_leftovers
    from proxyctl.providers.docker.client import connect

    with contextlib.closing(connect()) as client:
        removed, alive = remove_leftovers(client)
    for name in removed:
        typer.echo(f"removed {name}")
    for name in alive:
        typer.echo(f"left {name}: its lab is running")
    if not removed and not alive:
        typer.echo("nothing to remove")


def _listener(view: View, lab: Lab, *, quiet: bool, pause: bool) -> OnStep:
    def heard(number: int, result: StepResult) -> None:
        if not quiet:
            view.step(number, lab, result)
        if pause and number < len(lab.steps):
            typer.prompt(view.to_go_on, default="", show_default=False, prompt_suffix=" ")

    return heard


def _write(results: list[LabResult], lang: Lang, junit: Path | None, html: Path | None) -> None:
    if junit:
        from proxyctl.labs.report import to_junit

        junit.write_text(to_junit(results, lang), encoding="utf-8")
    if html:
        from proxyctl.labs.page import to_html

        html.write_text(to_html(results, lang), encoding="utf-8")


def _language(given: Lang | None) -> Lang:
    from proxyctl.labs.texts import language

    return given or language(os.environ)


def _view(lang: Lang) -> View:
    from proxyctl.labs.console import View

    if hasattr(sys.stdout, "reconfigure"):  # a terminal that has no Korean, or no ✔, gets `?` instead of an error
        sys.stdout.reconfigure(errors="replace")
    return View(Console(highlight=False, markup=False), lang)
