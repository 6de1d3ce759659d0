"""`proxyctl plan`: what would change, by run time or by reload, and why."""

from __future__ import annotations

import difflib
import json
from pathlib import Path
from typing import Any

import typer
import uvloop
from rich.console import Console
from rich.syntax import Syntax

from proxyctl.api import client as control
from proxyctl.api.json import problem_to_json
from proxyctl.app.preview import Preview, preview
from proxyctl.cli import options
from proxyctl.core.describe import describe


def plan(
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
    as_json: options.JsonOption = False,
) -> int:
    """Say what `watch` would change; touches nothing. Exit 0: nothing to do, 2: changes."""
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
    document = _document(seen)
    document["problems"] += _refused(settings.state, document["problems"])
    if as_json:
        typer.echo(json.dumps(document, indent=1))
    else:
        _print(document)
    return 2 if document["changes"] or document["diff"] or seen.joins or seen.leaves else 0


def _document(seen: Preview) -> dict[str, Any]:
    changes: list[dict[str, Any]] = []
    reloads = seen.plan.how == "reload"  # then all of it is one
    for cost, (kind, text) in zip(seen.plan.costs, describe(seen.plan), strict=True):
        own = cost if reloads else ""
        changes.append({"kind": kind, "text": text, "how": "reload" if reloads else "runtime", "reason": own or None})
    return {
        "network": seen.world.survey.snapshot.network,
        "engine": seen.world.survey.rules.features.engine,
        "applied": seen.applied.revision if seen.applied else None,
        "revision": seen.files.revision,
        "how": seen.plan.how,
        "reasons": list(seen.plan.reasons),
        "changes": changes,
        "networks": {"join": list(seen.joins), "leave": list(seen.leaves)},
        "problems": [problem_to_json(p) for p in seen.outcome.problems],
        "diff": _diff(
            _unnamed(seen.applied_files, *((seen.applied.revision, seen.applied.topology) if seen.applied else ())),
            _unnamed(dict(seen.files.files), seen.files.revision, seen.files.topology),
        ),
    }


def _refused(state: Path, known: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what only the running `watch` knows: what the proxy refused when it was tried."""
    status = control.status_if_running(state)
    found = [problem_to_json(p) for p in status.problems] if status else []
    return [problem for problem in found if problem not in known]


def _unnamed(files: dict[str, str], *hashes: str) -> dict[str, str]:
    """Take the hashes that name a configuration out of it: they differ whenever anything does."""
    for value in hashes:
        files = {name: text.replace(value, "(hash)") for name, text in files.items()}
    return files


def _diff(before: dict[str, str], after: dict[str, str]) -> str:
    """Return a unified diff of all files."""
    lines: list[str] = []
    for name in sorted(before | after):
        old, new = (x.get(name, "").splitlines() for x in (before, after))
        lines += difflib.unified_diff(old, new, f"applied/{name}", f"planned/{name}", n=2, lineterm="")
    return "\n".join(lines)


def _print(document: dict[str, Any]) -> None:
    console = Console(emoji=False)
    console.print(_headline(document), highlight=False, markup=False, soft_wrap=True)
    for change in document["changes"]:
        console.print(f"{change['kind']:>8}  {change['text']}", highlight=False, markup=False, soft_wrap=True)
    for kind, networks in document["networks"].items():
        for network in networks:
            console.print(f"{kind:>8}  network {network}", highlight=False, markup=False, soft_wrap=True)
    for problem in document["problems"]:
        subject = f"{problem['container']} {problem['label']}".strip()
        console.print(f" problem  {subject}: {problem['reason']}", highlight=False, markup=False, soft_wrap=True)
    if document["diff"]:
        console.print(
            Syntax(document["diff"], "diff", background_color="default") if console.is_terminal else document["diff"],
            markup=False,
            highlight=False,
            soft_wrap=True,
        )


def _headline(document: dict[str, Any]) -> str:
    """Say how all of it would be applied, and why so."""
    if not document["changes"] and not document["diff"]:
        return "networks alone" if any(document["networks"].values()) else "nothing to do"
    if document["how"] == "unchanged":
        return "no reload: the configuration that serves says it already"
    return f"by reload: {'; '.join(document['reasons'])}" if document["reasons"] else "at run time, without a reload"
