"""`proxyctl check scenario`: makes things happen to a pool under load, and says what clients saw of them."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import json
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from proxyctl.api import client as control
from proxyctl.cli import options
from proxyctl.cli.check import files, flags, gateway, parse
from proxyctl.cli.interrupts import interrupts
from proxyctl.errors import ThresholdFailed, UsageError

if TYPE_CHECKING:  # aiohttp takes 0.2 s to import, and --help does not need it
    from proxyctl.check.scenarios.events import Scenario
    from proxyctl.check.scenarios.run import Result
    from proxyctl.settings import Settings

ECHO = "proxyctl/echo:latest"
_MARKS = {"ok": ("✔", "green"), "failed": ("✘", "bold red"), "skipped": ("-", "yellow")}


@dataclasses.dataclass(frozen=True, slots=True)
class _Asked:
    """What the command line asks for: which scenarios, on which pool (empty: on throw-away containers), and how."""

    scenarios: tuple[Scenario, ...]
    pool: str
    image: str
    labels: Mapping[str, str]
    path: str
    within: float
    rate: float


def scenario(
    names: flags.Names,
    pool: flags.Pool = None,
    ephemeral: flags.Ephemeral = False,
    image: flags.Image = ECHO,
    label: flags.Label = None,
    path: flags.BelowRoute = "",
    within: flags.Within = "20s",
    rate: flags.ScenarioRate = 100.0,
    junit: flags.ScenarioJunit = None,
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

    if bool(pool) == ephemeral:
        raise UsageError("give --pool NAME, or --ephemeral for throw-away containers, and not both")
    if label and not ephemeral:
        raise UsageError("--label is for throw-away containers: give it with --ephemeral")
    scenarios = run.chosen(names, ephemeral=ephemeral)
    labels = dict(parse.read("--label", parse.label, each) for each in label or ())
    seconds = parse.read("--within", parse.seconds, within)
    files.writable(**{"--junit": junit})
    settings = options.load(network=network, state=state, config=config)
    begun = time.time()
    results = _play(_Asked(scenarios, pool or "", image, labels, path, seconds, rate), settings, as_json=as_json)
    if junit is not None:
        junit.write_text(run.to_junit(results, begun), "utf-8")
    if failed := _failed(results):
        raise ThresholdFailed(f"failed: {', '.join(failed)}")


def _play(asked: _Asked, settings: Settings, *, as_json: bool) -> list[Result]:
    """Return how each scenario went; print it as it ends, or all of them at the end as JSON."""
    from proxyctl.check.scenarios import run
    from proxyctl.check.scenarios.place import Place, target_of, throwaway
    from proxyctl.check.scenarios.stage import Stage
    from proxyctl.providers.docker.client import connect
    from proxyctl.providers.docker.containers import Containers

    watch = control.Client(settings.state)
    prefix = control.label_prefix(settings.state)
    client, token = connect(), gateway.token(settings.state) or ""
    results: list[Result] = []
    with interrupts() as interrupted, contextlib.ExitStack() as stack:
        place = Place(settings.network, asked.pool, ephemeral=False, prefix=prefix)
        say = stack.enter_context(_spinner())
        if not asked.pool:
            say("starting throw-away containers")
            made = throwaway(client, watch, place, asked.image, asked.labels, interrupted, asked.within)
            place = stack.enter_context(made)
        target = target_of(client, watch, place, token, asked.path)
        for each in asked.scenarios:
            say(each.name)
            stage = Stage(Containers(client), watch, place, target, asked.rate, interrupted, asked.within)
            results.append(run.play(each, stage))
            if interrupted():
                raise KeyboardInterrupt
            if not as_json:
                _show(results[-1])
    if as_json:
        document = {"pool": place.pool, "url": target.url, "scenarios": [dataclasses.asdict(r) for r in results]}
        typer.echo(json.dumps({"ok": not _failed(results), **document}, indent=1))
    return results


def _failed(results: list[Result]) -> list[str]:
    return [r.name for r in results if r.status == "failed"]


def _show(result: Result) -> None:
    console = Console(emoji=False, highlight=False)
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
    console = Console(emoji=False, stderr=True, highlight=False)
    if not console.is_terminal:
        yield functools.partial(lambda _: None)
        return
    with console.status("") as status:
        yield functools.partial(status.update)
