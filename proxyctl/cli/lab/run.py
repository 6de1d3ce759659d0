"""`proxyctl lab run`: labs on real Docker, and what they leave: a page, a JUnit file, JSON."""

from __future__ import annotations

import contextlib
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from proxyctl.cli.check import files
from proxyctl.cli.lab.options import Clips, LangOption, language, view
from proxyctl.cli.options import JsonOption, path
from proxyctl.errors import UsageError

if TYPE_CHECKING:
    from proxyctl.labs.console import View
    from proxyctl.labs.report import LabResult, StepResult
    from proxyctl.labs.run import OnStep
    from proxyctl.labs.step import Lab
    from proxyctl.labs.texts import Lang

FAILED = 99


def run(
    clips: Clips,
    lang: LangOption = None,
    pause: Annotated[bool, typer.Option("--pause", help="Wait for Enter between the steps.")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the containers; `lab clean` removes them.")] = False,
    as_json: JsonOption = False,
    junit: Annotated[
        Path | None, typer.Option("--junit", metavar="FILE", parser=path, help="Write a JUnit file.")
    ] = None,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", parser=path, help="Write a page with the drawn networks.")
    ] = None,
) -> int:
    """Run labs; exit 99 when a step fails."""
    from proxyctl.labs import catalog
    from proxyctl.labs.run import run_lab
    from proxyctl.providers.docker.client import connect

    labs, wanted = catalog.chosen(clips), language(lang)
    if pause and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("--pause waits for Enter, so it needs a terminal")
    files.writable(**{"--junit": junit, "--html": html})
    shown = view(wanted)
    results: list[LabResult] = []
    with contextlib.closing(connect()) as client:
        for lab in labs:
            if not as_json:
                shown.head(lab)
            results.append(run_lab(lab, client, _listener(shown, lab, quiet=as_json, pause=pause), keep=keep))
    _write(results, wanted, junit, html)
    if as_json:
        from proxyctl.labs.report import to_json

        typer.echo(json.dumps(to_json(results, wanted), indent=1, ensure_ascii=False))
    else:
        shown.summary(results, kept=keep)
    return 0 if all(result.ok for result in results) else FAILED


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
