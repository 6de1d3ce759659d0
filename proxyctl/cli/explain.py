"""`proxyctl explain`: why a container is in the pool or not, what a URL meets, or what the code of a problem means."""

from __future__ import annotations

import dataclasses
import json
import textwrap
from pathlib import Path
from typing import Annotated

import typer
import uvloop
from rich.console import Console

from proxyctl.api import client as control
from proxyctl.app.preview import preview
from proxyctl.cli import options
from proxyctl.core.codes import KINDS, Kind
from proxyctl.core.explain import ContainerExplanation, UrlExplanation, explain_container, explain_url


def explain(
    subject: Annotated[
        str, typer.Argument(metavar="NAME|URL|CODE", help="A container's name, a URL, or a problem's code.")
    ],
    network: options.Network = None,
    join: options.Join = None,
    engine: options.Engine = None,
    config: options.Config = None,
    state: options.State = None,
    label_prefix: options.LabelPrefix = None,
    expose_by_default: options.Expose = None,
    one_offs: options.OneOffs = None,
    as_json: options.JsonOption = False,
) -> int:
    """Tell why; touches nothing. Exit 3 when a container serves nothing, or a URL meets no route or nobody."""
    if kind := KINDS.get(subject.upper()):
        _print_kind(subject.upper(), kind, as_json=as_json)
        return 0
    settings = options.load_as_watch(
        network=network,
        join=join or None,
        engine=engine,
        config=config,
        state=state,
        label_prefix=label_prefix,
        expose_by_default=expose_by_default,
        one_offs=one_offs,
    )
    seen = uvloop.run(preview(settings))
    refused = _refused(settings.state)
    # where something is refused, what is wanted is not what the proxy does
    desired = seen.applied.desired if refused and seen.applied else seen.outcome.desired
    answer: ContainerExplanation | UrlExplanation
    if "/" in subject or ":" in subject:  # Docker allows neither in a name
        answer = explain_url(subject, desired, seen.published, seen.outcome, seen.world)
        if not answer.routed:
            answer = dataclasses.replace(
                answer, lines=(*answer.lines, *(text for own in refused.values() for text in own))
            )
        good = answer.served
    else:
        answer = explain_container(subject, seen.world, seen.outcome.problems, desired, refused)
        good = answer.in_pool
    if as_json:
        typer.echo(json.dumps(dataclasses.asdict(answer), indent=1))
    else:
        typer.echo("\n".join(answer.lines))
    return 0 if good else 3


def _print_kind(code: str, kind: Kind, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({"code": code, **dataclasses.asdict(kind)}, indent=1))
    else:
        rows = (("why", kind.cause), ("so", kind.effect), ("do", kind.remedy))
        width = Console().width - 6
        told = (textwrap.fill(f"{head:<5}{text}", width, subsequent_indent=" " * 5) for head, text in rows)
        typer.echo("\n".join([f"{code}: {kind.title}", *told]))


def _refused(state: Path) -> dict[str, list[str]]:
    """Return what the proxy would not take, pool by pool, by the word of the `watch` that runs, if one does."""
    status = control.status_if_running(state)
    return {p.name: list(p.refused) for p in status.pools if p.refused} if status else {}
