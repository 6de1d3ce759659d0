"""Runs `watch`: all parts in one TaskGroup, from the start to a signal. Next: `reconcile.reconciler`."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator, Callable

import structlog

from proxyctl.api.address import Listening, listen
from proxyctl.api.client import SOCKET
from proxyctl.api.server import serve
from proxyctl.app.compose import Daemon, InputFiles, compose
from proxyctl.app.parts import Parts, build, check_network, prepare_state, with_gateways_engine
from proxyctl.app.told import served_at
from proxyctl.core.model import Features
from proxyctl.engines import templates
from proxyctl.errors import GatewayError
from proxyctl.gateway.access import DockerAccess
from proxyctl.gateway.presence import present
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


def _as_found(settings: Settings, client: Client, api: Listening) -> Settings:
    """Return the settings with what nobody named as it was found: the API's port, the engine of a gateway that runs."""
    if api.sockets and settings.api and api.port != settings.api[1]:
        log.info("the API's port was taken, so the next free one is used", taken=settings.api[1], api=api.url)
        settings = settings.model_copy(update={"api": (api.host, api.port)})
    found = with_gateways_engine(settings, client)
    if found.engine != settings.engine:
        log.info("the gateway that is there is taken over with its engine", engine=found.engine)
    return found


def _changes(settings: Settings) -> FileChanges:
    """Return the watcher of templates and proxyctl.toml."""
    folders = (templates.shipped(settings.engine), settings.templates)
    return FileChanges((f for f in folders if f), settings.config)


@dataclasses.dataclass(frozen=True, slots=True)
class Running:
    """A `watch` that runs, for its operator: its parts, and where its API listens (empty: nowhere)."""

    settings: Settings
    client: Client
    access: DockerAccess
    reconciler: Reconciler
    journal: Journal
    api: str


@contextlib.asynccontextmanager
async def running(settings: Settings, reload: Callable[[], Settings], pulled: pulling.Tell) -> AsyncIterator[Running]:
    """Run a whole `watch` inside the `async with`; an error in its block ends the `watch`.

    `pulled` hears how far the gateway's image is, where it has to be pulled.
    """
    with contextlib.closing(listen(settings.api, named="api" in settings.model_fields_set)) as api:
        async with _running(settings, reload, pulled, api) as made:
            yield made


@contextlib.asynccontextmanager
async def _running(
    settings: Settings, reload: Callable[[], Settings], pulled: pulling.Tell, api: Listening
) -> AsyncIterator[Running]:
    slow = asyncio.get_running_loop().call_later(TOLD_AFTER, log.info, "docker takes long to answer, the start waits")
    client = await asyncio.to_thread(connect)
    settings = await asyncio.to_thread(_as_found, settings, client, api)
    await asyncio.to_thread(_prepare_network, settings, client)
    slow.cancel()
    prepare_state(settings)
    with state_files.lock(settings.state), contextlib.ExitStack() as held:
        parts = build(settings, client)
        files = InputFiles(settings, reload)
        await _have_image(parts, pulled)
        features = await _features(parts)
        daemon = compose(parts, features, files)
        runners = await serve(daemon.api, control=settings.state / SOCKET, tcp=api)
        log.info(
            "watching",
            network=", ".join(settings.networks),
            engine=settings.engine,
            version=features.version_text,
            state=str(settings.state),
            at=", ".join(served_at(parts.access)) or "nowhere",
            api=api.url or "off",
        )
        held.enter_context(present(settings.state / "proxy" / "run"))  # from here on boot.sh leaves addresses to us
        await _adopt(daemon)
        changes = _changes(settings)
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(daemon.source.run(daemon.reconciler.wake), name="docker"),
                    group.create_task(daemon.reconciler.run(), name="reconciler"),
                    group.create_task(daemon.reconciler.follow_health(), name="health"),
                    group.create_task(daemon.reconciler.follow_dns(), name="dns"),
                    group.create_task(daemon.reconciler.follow_road(), name="road"),
                    group.create_task(changes.run(daemon.reconciler.files_changed), name="files"),
                ]
                yield Running(settings, client, parts.access, daemon.reconciler, daemon.journal, api.url)
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
