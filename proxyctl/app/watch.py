"""`watch`: all parts in one TaskGroup, from the start to a signal."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Callable

import structlog

from proxyctl.api.client import SOCKET
from proxyctl.api.server import Api, serve
from proxyctl.app.parts import build, check_network, inputs_of, prepare_state
from proxyctl.engines import templates
from proxyctl.errors import GatewayError
from proxyctl.gateway.probe import Prober
from proxyctl.gateway.severing import Severing
from proxyctl.operate.confirm import Confirmation
from proxyctl.operate.overrides import Overriding
from proxyctl.operate.rollback import Rollback
from proxyctl.providers.docker import networks
from proxyctl.providers.docker.client import Client, connect
from proxyctl.providers.docker.resolve import EmbeddedDns
from proxyctl.providers.docker.source import DockerStore
from proxyctl.providers.port import Wake
from proxyctl.reconcile.apply import Applier
from proxyctl.reconcile.journal import Journal
from proxyctl.reconcile.reconciler import Reconciler
from proxyctl.settings import Settings
from proxyctl.state import overrides as state_files
from proxyctl.state.pin import PinFile
from proxyctl.state.port import Inputs
from proxyctl.state.watched import FileChanges

log = structlog.get_logger()


# a change of these in proxyctl.toml takes effect at the next start only
FIXED = (
    "network",
    "engine",
    "publish",
    "image",
    "state",
    "api",
    "label_prefix",
    "resync",
    "reload_spacing",
    "grace",
    "templates",
)


def _prepare_network(settings: Settings, client: Client) -> None:
    """Make the network where that was asked for and it is missing; raise UsageError as `check_network` does."""
    name = settings.network
    if settings.create_network and not networks.exists(client, name):
        networks.create(client, name)
    check_network(settings, client)


class Effective:
    """The settings that a `watch` goes by: those of its start, with what may change in proxyctl.toml while it runs."""

    def __init__(self, settings: Settings, reload: Callable[[], Settings]) -> None:
        """Take those of the start, and what reads them anew."""
        self.settings, self._reload = settings, reload

    def inputs(self, token: str) -> Inputs:
        """Read templates and proxyctl.toml anew; raise TemplateError or UsageError."""
        new = self._reload()
        moved = [f for f in FIXED if getattr(new, f) != getattr(self.settings, f)]
        if moved:
            log.warning("these settings take effect at the next start", settings=", ".join(moved))
        self.settings = new.model_copy(update={f: getattr(self.settings, f) for f in FIXED})
        return inputs_of(self.settings, token)


class Waker:
    """A wake-up that can be handed out before there is somebody to wake."""

    target: Wake | None = None

    def __call__(self, reason: str) -> None:
        """Pass it on, if there is."""
        if self.target is not None:
            self.target(reason)


def _changes(settings: Settings) -> FileChanges:
    """Return what watches templates and proxyctl.toml."""
    folders = (templates.shipped(settings.engine), settings.templates)
    return FileChanges((f for f in folders if f), settings.config)


@contextlib.asynccontextmanager
async def running(settings: Settings, reload: Callable[[], Settings]) -> AsyncIterator[tuple[Reconciler, Journal]]:
    """Run a whole `watch` inside the `async with`; what it raises there ends it."""
    client = await asyncio.to_thread(connect)
    await asyncio.to_thread(_prepare_network, settings, client)
    prepare_state(settings)
    with state_files.lock(settings.state):
        parts = build(settings, client)
        token = state_files.check_token(settings.state)
        pins = PinFile(settings.state)

        effective = Effective(settings, reload)

        def inputs_now() -> Inputs:
            return pins.inputs(token, settings.label_prefix) or effective.inputs(token)

        inputs = inputs_now()
        await parts.lifecycle.ensure()
        try:
            features = await parts.engine.features()
        except GatewayError:
            if parts.lifecycle.made and parts.generations.current() is None:
                await parts.lifecycle.remove()
            raise
        applier = Applier(parts.engine, parts.generations, features)
        feed = Journal()
        source = DockerStore(
            connect,
            network=settings.network,
            label_prefix=settings.label_prefix,
            resync=settings.resync / 1000,
        )
        waker = Waker()
        prober = Prober(parts.view, waker, parts.access, settings.grace / 1000)
        decisions = state_files.Overrides(settings.state)
        first = [inputs]
        reconciler = Reconciler(
            source=source,
            resolver=EmbeddedDns(parts.view, parts.access),
            prober=prober,
            gateway=parts.lifecycle,
            engine=parts.engine,
            applier=applier,
            severing=Severing(parts.view),
            features=features,
            decisions=decisions,
            held=lambda: pins.held,
            read_inputs=lambda: first.pop() if first else inputs_now(),
            feed=feed,
            spacing=settings.reload_spacing / 1000,
            resync=settings.resync / 1000,
        )
        waker.target = reconciler.wake
        confirmation = Confirmation(reconciler, feed)
        api = Api(
            status=reconciler.status,
            events=feed.after,
            settings=lambda: effective.settings.model_dump(mode="json"),
            overriding=Overriding(reconciler, decisions, confirmation),
            rollback=Rollback(reconciler, pins, parts.generations, confirmation),
        )
        runners = await serve(api, control=settings.state / SOCKET, tcp=settings.api)
        log.info(
            "watching",
            network=settings.network,
            engine=settings.engine,
            version=features.version_text,
            state=str(settings.state),
        )
        if await applier.adopt():
            log.info("the running proxy was adopted as it is", generation=applier.applied and applier.applied.number)
        source.expect(s.container for p in applier.accepted.pools for s in p.servers)
        changes = _changes(settings)
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(source.run(reconciler.wake), name="docker"),
                    group.create_task(reconciler.run(), name="reconciler"),
                    group.create_task(changes.run(reconciler.files_changed), name="files"),
                ]
                yield reconciler, feed
                for task in tasks:
                    task.cancel()
        finally:
            await prober.close()
            for runner in runners:
                await runner.cleanup()
            (settings.state / SOCKET).unlink(missing_ok=True)


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
