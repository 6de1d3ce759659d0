"""`proxyctl rollout`: a pool's containers replaced by ones of another image, without a lost request."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from typing import Annotated

import typer
from rich.console import Console

from proxyctl.api.client import Client
from proxyctl.cli import names, options
from proxyctl.cli.check import parse
from proxyctl.cli.interrupts import interrupts
from proxyctl.errors import printable
from proxyctl.operate.rollout import Rollout, Wish
from proxyctl.providers.docker.client import connect
from proxyctl.providers.docker.containers import Containers


def rollout(
    pool: Annotated[str, typer.Argument(metavar="POOL", help="The pool's name.", autocompletion=names.pools)],
    image: Annotated[str, typer.Option("--image", help="The new ones' image; it has to be here.")],
    count: Annotated[
        int | None, typer.Option("--count", min=1, help="How many new ones (as many as there are old ones).")
    ] = None,
    wait: Annotated[str, typer.Option("--wait", metavar="DURATION", help="Until all new ones serve.")] = "60s",
    network: options.Network = None,
    state: options.State = None,
    config: options.Config = None,
    as_json: options.JsonOption = False,
) -> None:
    """Start new containers beside the old ones, and drain and remove the old ones once all new ones serve.

    Exit 4 when one does not: then the new ones are removed, and the old ones were never touched.
    """
    settings = options.load(network=network, state=state, config=config)
    wish = Wish(pool, image, count, parse.read("--wait", parse.seconds, wait))
    start = time.monotonic()
    with _progress(pool) as say, interrupts() as interrupted:
        done = Rollout(Containers(connect()), Client(settings.state), say, interrupted).run(wish)
    seconds = round(time.monotonic() - start, 1)
    if as_json:
        answer = {"pool": pool, "image": image, "new": done.new, "old": done.old, "seconds": seconds}
        typer.echo(json.dumps(answer))
    else:
        typer.echo(f"pool {pool} runs {image} in {', '.join(done.new)} ({seconds} s)")


@contextlib.contextmanager
def _progress(pool: str) -> Iterator[Callable[[str], None]]:
    """Tell each step as a line on stderr; on a terminal a spinner below them shows that it goes on."""
    console = Console(emoji=False, stderr=True, highlight=False, soft_wrap=True)
    with console.status(f"rollout of {pool}") if console.is_terminal else contextlib.nullcontext():
        yield lambda text: console.print(printable(text), markup=False)
