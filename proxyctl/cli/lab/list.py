"""`proxyctl lab list`: which labs there are."""

from __future__ import annotations

import json

import typer

from proxyctl.cli.lab.options import LangOption, language, view
from proxyctl.cli.options import JsonOption


def list_(lang: LangOption = None, as_json: JsonOption = False) -> None:
    """List the labs."""
    from proxyctl.labs.catalog import LABS

    wanted = language(lang)
    if as_json:
        entries = [{"id": lab.id, "title": lab.title.to(wanted), "steps": [s.id for s in lab.steps]} for lab in LABS]
        typer.echo(json.dumps(entries, indent=1, ensure_ascii=False))
        return
    view(wanted).catalog(LABS)
