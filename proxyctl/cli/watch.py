"""`proxyctl watch`: the daemon, with a live display on a terminal and log lines elsewhere."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from typing import Annotated, Any

import structlog
import typer
import uvloop
from rich.console import Console
from rich.live import Live

from proxyctl.app import watch as daemon
from proxyctl.cli import logs, options, pulls, tables
from proxyctl.errors import ProxyctlError
from proxyctl.reconcile.journal import Journal
from proxyctl.reconcile.reconciler import Reconciler
from proxyctl.settings import Settings

REFRESH = 1.0  # seconds between two looks at the live figures
MARKS = {"join": "[green]+[/]", "leave": "[red]-[/]", "drain": "[yellow]~[/]", "problem": "[red]![/]"}


def watch(
    network: options.Network = None,
    engine: options.Engine = None,
    publish: options.PublishOption = None,
    image: options.Image = None,
    no_pull: options.NoPull = None,
    config: options.Config = None,
    templates: options.Templates = None,
    state: options.State = None,
    api: options.ApiOption = None,
    label_prefix: options.LabelPrefix = None,
    expose_by_default: options.Expose = None,
    one_offs: options.OneOffs = None,
    resync: options.Resync = None,
    create_network: Annotated[
        bool | None, typer.Option("--create-network", help="Make the network if it is missing.", show_default=False)
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Make one pass, confirm it, and end.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Also log what only developers need.")] = False,
) -> int:
    """Follow Docker and keep the gateway right, until Ctrl-C. The gateway itself stays."""
    flags: dict[str, Any] = {
        "network": network,
        "engine": engine,
        "publish": publish or None,
        "image": image,
        "no_pull": no_pull,
        "config": config,
        "templates": templates,
        "state": state,
        "api": api,
        "label_prefix": label_prefix,
        "expose_by_default": expose_by_default,
        "one_offs": one_offs,
        "resync": resync,
        "create_network": create_network,
    }
    settings = options.load(**flags)
    console = Console(stderr=True)
    live = console.is_terminal and sys.stdout.isatty() and not once
    logs.set_up_logging(console if live else None, verbose=verbose)
    return uvloop.run(_watch(settings, lambda: options.load(**flags), console if live else None, once=once))


async def _watch(settings: Settings, reload: Any, console: Console | None, *, once: bool) -> int:
    async with contextlib.AsyncExitStack() as stack:
        with pulls.shown(console) as pulled:
            reconciler, journal = await stack.enter_async_context(daemon.running(settings, reload, pulled))
        if once:
            return await _once(reconciler)
        ending = asyncio.create_task(daemon.until_signalled())
        if console is not None:
            shown = asyncio.create_task(_show(console, settings, reconciler, journal))
            await ending
            shown.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await shown
        else:
            await ending
        structlog.get_logger().info("ending, the gateway serves on", signal=ending.result())
    return 0


async def _once(reconciler: Reconciler) -> int:
    """Wait until everything that was there at the start is settled, at most 15 s; 1 with errors."""
    try:
        async with asyncio.timeout(15):
            status = await reconciler.settled()
    except TimeoutError:
        message = "--once: not settled within 15 s; `proxyctl explain NAME` tells why a container is kept out"
        raise ProxyctlError(message) from None
    return 1 if status.revision is None else 0


async def _show(console: Console, settings: Settings, reconciler: Reconciler, journal: Journal) -> None:
    shown = 0
    with Live(console=console, refresh_per_second=8, transient=True) as live:
        rings = journal.rings()
        waiting: asyncio.Future[Any] = asyncio.ensure_future(anext(rings))
        while True:
            for event in journal.after(shown):
                live.console.print(f" {MARKS.get(event.kind, '·')} {event.text}", highlight=False)
                shown = event.id
            live.update(tables.status(await reconciler.status(), width=console.width, title=_title(settings)))
            done, _ = await asyncio.wait([waiting], timeout=REFRESH)
            if done:
                waiting = asyncio.ensure_future(anext(rings))


def _title(settings: Settings) -> str:
    ports = ", ".join(f"http://{p.ip}:{p.host_port} → {p.port}" for p in settings.publish)
    return f"{settings.engine} on {settings.network}" + (f"   {ports}" if ports else "") + "   Ctrl-C ends"
