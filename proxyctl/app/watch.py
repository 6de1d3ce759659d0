"""Runs `watch`: all parts in one TaskGroup, from the start to a signal. Next: `reconcile.reconciler`."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Callable

import structlog

from proxyctl.api.client import SOCKET
from proxyctl.api.server import serve
from proxyctl.app.compose import Daemon, InputFiles, compose
from proxyctl.app.parts import Parts, build, check_network, prepare_state
from proxyctl.core.model import Features
from proxyctl.engines import templates
from proxyctl.errors import GatewayError
from proxyctl.providers.docker import networks, pulling
from proxyctl.providers.docker.client import Client, connect
from proxyctl.providers.docker.questions import TOLD_AFTER
from proxyctl.reconcile.journal import Journal
from proxyctl.reconcile.reconciler import Reconciler
from proxyctl.settings import Settings
from proxyctl.state import overrides as state_files
from proxyctl.state.watched import FileChanges

log = structlog.get_logger()


def _prepare_network(settings: Settings, client: Client) -> None:
    """Create a missing network where `--create-network` asks for it; raise UsageError as `check_network` does."""
    name = settings.network
    if settings.create_network and not networks.exists(client, name):
        networks.create(client, name)
    check_network(settings, client)


def _changes(settings: Settings) -> FileChanges:
    """Return the watcher of templates and proxyctl.toml."""
    folders = (templates.shipped(settings.engine), settings.templates)
    return FileChanges((f for f in folders if f), settings.config)


@contextlib.asynccontextmanager
async def running(
    settings: Settings, reload: Callable[[], Settings], pulled: pulling.Tell
) -> AsyncIterator[tuple[Reconciler, Journal]]:
    """Run a whole `watch` inside the `async with`; an error in its block ends the `watch`.

    `pulled` hears how far the gateway's image is, where it has to be pulled.
    """
    slow = asyncio.get_running_loop().call_later(TOLD_AFTER, log.info, "docker takes long to answer, the start waits")
    client = await asyncio.to_thread(connect)
    await asyncio.to_thread(_prepare_network, settings, client)
    slow.cancel()
    prepare_state(settings)
    with state_files.lock(settings.state):
        parts = build(settings, client)
        files = InputFiles(settings, reload)
        await _have_image(parts, pulled)
        features = await _features(parts)
        daemon = compose(parts, features, files)
        runners = await serve(daemon.api, control=settings.state / SOCKET, tcp=settings.api)
        log.info(
            "watching",
            network=settings.network,
            engine=settings.engine,
            version=features.version_text,
            state=str(settings.state),
        )
        await _adopt(daemon)
        changes = _changes(settings)
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(daemon.source.run(daemon.reconciler.wake), name="docker"),
                    group.create_task(daemon.reconciler.run(), name="reconciler"),
                    group.create_task(daemon.reconciler.follow_health(), name="health"),
                    group.create_task(changes.run(daemon.reconciler.files_changed), name="files"),
                ]
                yield daemon.reconciler, daemon.journal
                for task in tasks:
                    task.cancel()
        finally:
            await daemon.prober.close()
            for runner in runners:
                await runner.cleanup()
            (settings.state / SOCKET).unlink(missing_ok=True)


async def _have_image(parts: Parts, pulled: pulling.Tell) -> None:
    """Pull the gateway's image where a gateway is to be made and no image for it is here; raise ProxyctlError.

    Only now: a `watch` that runs makes a removed gateway again from what is here, so that no pass waits for a registry.
    """
    image = await parts.lifecycle.image_to_pull()
    if image and parts.settings.no_pull:
        message = f"image {image} is not here, and --no-pull was given: `docker pull {image}`, or leave --no-pull out"
        raise GatewayError(message)
    if image:
        await pulling.pull(image, pulled)


async def _features(parts: Parts) -> Features:
    """Start the gateway if need be and return what its proxy can do; remove a new gateway whose proxy cannot run."""
    await parts.lifecycle.ensure()
    try:
        return await parts.engine.features()
    except GatewayError:
        if parts.lifecycle.made and parts.generations.current() is None:
            await parts.lifecycle.remove()
        raise


async def _adopt(daemon: Daemon) -> None:
    """Adopt a proxy that runs the current generation, and pass the containers that it serves to the source."""
    applier = daemon.applier
    if await applier.adopt():
        log.info("the running proxy was adopted as it is", generation=applier.applied and applier.applied.number)
    daemon.source.expect(s.container for p in applier.accepted.pools for s in p.servers)


async def until_signalled() -> str:
    """Return when SIGTERM or SIGINT comes, with its name."""
    loop, done = asyncio.get_running_loop(), asyncio.Event()
    name = ""

    def end(number: signal.Signals) -> None:
        nonlocal name
        name = number.name
        done.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end, number)
    await done.wait()
    return name
