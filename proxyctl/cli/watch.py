"""`proxyctl watch`: the daemon, with a live display on a terminal and log lines elsewhere."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Callable
from typing import Annotated, Any

import structlog
import typer
import uvloop
from rich.console import Console
from rich.live import Live
from rich.markup import escape

from proxyctl.app import told
from proxyctl.app import watch as daemon
from proxyctl.app.ending import Ending, code
from proxyctl.cli import logs, options, pulls, tables
from proxyctl.errors import ProxyctlError, printable
from proxyctl.reconcile.reconciler import Reconciler
from proxyctl.settings import Settings
from proxyctl.sources import removal

log = structlog.get_logger()

REFRESH = 1.0  # seconds between two looks at the live figures
MARKS = {"join": "[green]+[/]", "leave": "[red]-[/]", "drain": "[yellow]~[/]", "problem": "[red]![/]"}


def watch(
    network: options.Network = None,
    join: options.Join = None,
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
        "join": join or None,
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
    console = Console(emoji=False, stderr=True)
    live = console.is_terminal and sys.stdout.isatty() and not once
    logs.set_up_logging(console if live else None, verbose=verbose)
    return uvloop.run(_watch(settings, lambda: options.load(**flags), console if live else None, once=once))


async def _watch(settings: Settings, reload: Callable[[], Settings], console: Console | None, *, once: bool) -> int:
    """Run until a signal; return the exit code, which is the signal's where `watch` had not started by then."""
    ending = Ending()
    serving = asyncio.create_task(_serve(settings, reload, console, ending, once=once))
    asked = asyncio.create_task(ending.asked())
    await asyncio.wait({serving, asked}, return_when=asyncio.FIRST_COMPLETED)
    asked.cancel()
    if ending.signal is None or ending.heeded:
        return await serving
    serving.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await serving
    message = (
        "interrupted during the start; a gateway that was there serves on, and one that was just made is removed by "
        f"`{removal(settings.network, settings.state)}`"
    )
    print(f"proxyctl: {message}", file=sys.stderr, flush=True)
    os._exit(code(ending.signal))  # what waits for a thread of this process waits for Docker, which may not answer


async def _serve(
    settings: Settings, reload: Callable[[], Settings], console: Console | None, ending: Ending, *, once: bool
) -> int:
    async with contextlib.AsyncExitStack() as stack:
        with pulls.shown(console) as pulled:
            running = await stack.enter_async_context(daemon.running(settings, reload, pulled))
        if once:
            return await _once(running.reconciler)
        ending.heeded = True
        if console is not None:
            shown = asyncio.create_task(_show(console, running))
            await ending.asked()
            shown.cancel()
            with contextlib.suppress(asyncio.CancelledError, OSError):  # the latter where the terminal is gone
                await shown
        else:
            await ending.asked()
        await _farewell(running, console, ending)
    return 0


async def _farewell(running: daemon.Running, console: Console | None, ending: Ending) -> None:
    """Say what stays, and how to remove it: Docker is asked once more, for others may have removed it."""
    with contextlib.suppress(ProxyctlError):
        await asyncio.to_thread(running.access.inspect)
    at = told.where(running.access, await running.reconciler.status(figures=False))
    remove = removal(running.settings.network, running.settings.state)
    if console is None:
        signal = ending.signal.name if ending.signal else ""
        log.info(
            "ending, the gateway serves on" if at else "ending, no gateway is there",
            signal=signal,
            at=at,
            remove=remove,
        )
        return
    line = f"the gateway serves on at {at}; `{remove}` removes it" if at else "no gateway is there any more"
    with contextlib.suppress(OSError):
        console.print(line, highlight=False, markup=False, soft_wrap=True)


async def _once(reconciler: Reconciler) -> int:
    """Wait until everything that was there at the start is settled, at most 15 s; 1 with errors."""
    try:
        async with asyncio.timeout(15):
            status = await reconciler.settled()
    except TimeoutError:
        message = "--once: not settled within 15 s; `proxyctl explain NAME` tells why a container is kept out"
        raise ProxyctlError(message) from None
    return 1 if status.revision is None else 0


async def _show(console: Console, running: daemon.Running) -> None:
    shown = 0
    begin = await asyncio.to_thread(told.first_container, running.settings, running.client)
    empty = ("no labelled container yet. Start one, and it joins by itself:", f"  {begin}")
    with Live(console=console, refresh_per_second=8, transient=True) as live:
        rings = running.journal.rings()
        waiting: asyncio.Future[Any] = asyncio.ensure_future(anext(rings))
        while True:
            for event in running.journal.after(shown):
                live.console.print(f" {MARKS.get(event.kind, '·')} {escape(printable(event.text))}", highlight=False)
                shown = event.id
            status = await running.reconciler.status()
            title = _title(running, told.where(running.access, status))
            view = tables.on_terminal(status, console, title=title, empty=empty, height=console.height - 1)
            live.update(view)
            done, _ = await asyncio.wait([waiting], timeout=REFRESH)
            if done:
                waiting = asyncio.ensure_future(anext(rings))


def _title(running: daemon.Running, at: str) -> tuple[str, str]:
    api = f"API {running.api}   " if running.api else ""
    serves = f"serves at {at}" if at else "cannot be reached"
    networks = ", ".join(running.settings.networks)
    return (
        f"{running.settings.engine} on network {networks} {serves}",
        f"{api}Ctrl-C ends `watch`; the gateway serves on",
    )
