"""`proxyctl check scenario`: makes things happen to a pool under load, and says what clients saw of them."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from proxyctl.api import client as control
from proxyctl.cli import options
from proxyctl.cli.check import files, gateway, parse
from proxyctl.cli.interrupts import interrupts
from proxyctl.errors import ThresholdFailed, UsageError

if TYPE_CHECKING:  # aiohttp takes 0.2 s to import, and --help does not need it
    from proxyctl.check.scenarios.run import Result

ECHO = "proxyctl/echo:latest"
_MARKS = {"ok": ("✔", "green"), "failed": ("✘", "bold red"), "skipped": ("-", "yellow")}


def scenario(
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME...",
            help="join, leave, kill, pause, scale, reload, failover, consistent, sticky, weights, rollout, or all.",
        ),
    ],
    pool: Annotated[str | None, typer.Option("--pool", help="The pool that it happens to.")] = None,
    ephemeral: Annotated[
        bool, typer.Option("--ephemeral", help="On throw-away containers of a pool of their own.")
    ] = False,
    image: Annotated[str, typer.Option("--image", help="Of the throw-away containers.")] = ECHO,
    label: Annotated[
        list[str] | None,
        typer.Option("--label", metavar="KEY=VALUE", help="Of the throw-away containers, balance=uri; repeatable."),
    ] = None,
    path: Annotated[
        str, typer.Option(metavar="/PATH", help="What to ask for (the route's path); {key} varies for balance=uri.")
    ] = "",
    within: Annotated[str, typer.Option(metavar="TIME", help="How long to wait for each thing.")] = "20s",
    rate: Annotated[float, typer.Option("--rate", min=1, max=2000, help="Requests a second meanwhile.")] = 100.0,
    junit: Annotated[Path | None, typer.Option("--junit", metavar="FILE", help="Also write a JUnit file.")] = None,
    network: options.Network = None,
    state: options.State = None,
    config: options.Config = None,
    as_json: options.JsonOption = False,
) -> None:
    """Make things happen to a pool while requests go through it, and see that none is lost.

    On the pool's own containers, or with --ephemeral on throw-away ones. All that was changed is taken back at the
    end, also on Ctrl-C. `all` leaves `rollout` out for a pool of your own: it gives containers new names.
    """
    from proxyctl.check.scenarios import run
    from proxyctl.check.scenarios.stage import Place, Stage
    from proxyctl.providers.docker.client import connect
    from proxyctl.providers.docker.containers import Containers

    if bool(pool) == ephemeral:
        raise UsageError("give --pool NAME, or --ephemeral for throw-away containers, and not both")
    if label and not ephemeral:
        raise UsageError("--label is for throw-away containers: give it with --ephemeral")
    wanted = run.chosen(names, ephemeral=ephemeral)
    labels = dict(parse.read("--label", parse.label, each) for each in label or ())
    seconds = parse.read("--within", parse.seconds, within)
    files.writable(**{"--junit": junit})
    settings = options.load(network=network, state=state, config=config)
    watch = control.Client(settings.state)
    prefix = control.label_prefix(settings.state)
    client, token = connect(), gateway.token(settings.state) or ""
    begun = time.time()
    results: list[Result] = []
    with interrupts() as interrupted, contextlib.ExitStack() as stack:
        place = Place(settings.network, pool or "", ephemeral=False, prefix=prefix)
        say = stack.enter_context(_spinner())
        if ephemeral:
            say("starting throw-away containers")
            place = stack.enter_context(run.throwaway(client, watch, place, image, labels, interrupted, seconds))
        target = run.target(client, watch, place, token, path)
        for each in wanted:
            say(each.name)
            results.append(run.play(each, Stage(Containers(client), watch, place, target, rate, interrupted, seconds)))
            if interrupted():
                raise KeyboardInterrupt
            if not as_json:
                _show(results[-1])
    if as_json:
        told = {"pool": place.pool, "url": target.url, "scenarios": [dataclasses.asdict(r) for r in results]}
        typer.echo(json.dumps({"ok": not _failed(results), **told}, indent=1))
    if junit is not None:
        junit.write_text(run.to_junit(results, begun), "utf-8")
    if failed := _failed(results):
        raise ThresholdFailed(f"failed: {', '.join(failed)}")


def _failed(results: list[Result]) -> list[str]:
    return [r.name for r in results if r.status == "failed"]


def _show(result: Result) -> None:
    console = Console(highlight=False)
    mark, style = _MARKS[result.status]
    if not console.encoding.lower().startswith("utf"):
        mark = result.status
    head = f"{result.name}: {result.expected}"
    figures = f" ({result.requests} requests, {result.failed} failed, {result.seconds} s)" if result.requests else ""
    console.print(f"[{style}]{mark}[/]  {head}", soft_wrap=False)
    seen = Text(f"{result.seen}{figures}", style="dim" if result.status == "ok" else style)
    console.print(Padding(seen, (0, 0, 0, 3), expand=False))


@contextlib.contextmanager
def _spinner() -> Iterator[functools.partial[None]]:
    """Show on a terminal what goes on; on a pipe nothing but results."""
    console = Console(stderr=True, highlight=False)
    if not console.is_terminal:
        yield functools.partial(lambda _: None)
        return
    with console.status("") as status:
        yield functools.partial(status.update)
