"""The composition root: builds the parts out of the settings, runs them in one TaskGroup, ends on a signal.

The only place that knows which edge stands behind which port. `watch` runs it; `look` builds on the same parts.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import docker
import docker.errors
import structlog

from proxyctl.apply import Applier
from proxyctl.core import layout
from proxyctl.core.model import EngineKind
from proxyctl.edges.control import SOCKET
from proxyctl.edges.dns import EmbeddedDns
from proxyctl.edges.docker.client import connect, translated
from proxyctl.edges.docker.gateway import DockerGateway, Spec
from proxyctl.edges.docker.own import own_container
from proxyctl.edges.docker.store import DockerStore
from proxyctl.edges.engines import haproxy, nginx
from proxyctl.edges.files import decisions as state_files
from proxyctl.edges.files import templates
from proxyctl.edges.files.changes import FileChanges
from proxyctl.edges.files.generations import GenerationFolder
from proxyctl.edges.files.held import HeldFile
from proxyctl.edges.netns import GatewayView, LocalView
from proxyctl.edges.probe import Prober
from proxyctl.edges.severing import Severing
from proxyctl.errors import GatewayError, ProxyctlError, UsageError
from proxyctl.feed import Feed
from proxyctl.operators import Operators
from proxyctl.ports import Engine, Gateway, Inputs, NetworkView, Wake
from proxyctl.reconciler import Reconciler
from proxyctl.settings import Settings
from proxyctl.web.api import Api, serve

log = structlog.get_logger()


def make_engine(kind: EngineKind, gateway: Gateway, run_folder: Path, view: NetworkView) -> Engine:
    """Return the engine of that kind inside `gateway`."""
    if kind == "nginx":
        return nginx.Nginx(gateway, run_folder, view)
    return haproxy.HAProxy(gateway, run_folder, view)


MODULES: dict[str, Any] = {"nginx": nginx, "haproxy": haproxy}
LONGEST_SOCKET = 107  # bytes of a Unix socket's path: unix(7)
PREDEFINED = {"bridge", "host", "none"}
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


@dataclasses.dataclass
class Parts:
    """What one process works with."""

    settings: Settings
    client: docker.APIClient
    gateway: DockerGateway
    engine: Engine
    view: NetworkView
    generations: GenerationFolder


def build(settings: Settings, client: docker.APIClient) -> Parts:
    """Wire gateway, engine and view; asks nothing yet."""
    module = MODULES[settings.engine]
    proxy = settings.state / "proxy"
    gateway = DockerGateway(
        client,
        Spec(
            network=settings.network,
            engine=settings.engine,
            image=settings.gateway_image,
            publish=tuple((p.ip, p.host_port, p.port) for p in settings.publish),
            command=module.command(),
            stop_signal=module.STOP_SIGNAL,
            folder=proxy,
            image_chosen=settings.image != "",
        ),
    )
    view = _view(settings, client, gateway)
    engine = make_engine(settings.engine, gateway, proxy / "run", view)
    return Parts(settings, client, gateway, engine, view, GenerationFolder(proxy))


def _view(settings: Settings, client: docker.APIClient, gateway: DockerGateway) -> NetworkView:
    """Choose how to see the network: as a container on it when this is one, else through the gateway."""
    own = own_container(client)
    if own is not None and settings.network in own["NetworkSettings"]["Networks"]:
        return LocalView()
    return GatewayView(lambda: gateway.pid)


def check_network(settings: Settings, client: docker.APIClient) -> None:
    """Raise UsageError unless the network exists and is one with Docker's DNS; touches nothing."""
    name = settings.network
    if name in PREDEFINED:
        message = f"--network {name}: Docker's DNS works on user-defined networks only: `docker network create web`"
        raise UsageError(message)
    if not network_exists(name, client):
        message = f"--network {name}: there is no such network: `docker network create {name}`, or --create-network"
        raise UsageError(message)


def network_exists(name: str, client: docker.APIClient) -> bool:
    """Return whether Docker has a network of that name."""
    try:
        with translated(f"network {name}"):
            client.inspect_network(name)
    except docker.errors.NotFound:
        return False
    return True


def _prepare_network(settings: Settings, client: docker.APIClient) -> None:
    """Make the network where that was asked for and it is missing; raise UsageError as `check_network` does."""
    name = settings.network
    if settings.create_network and not network_exists(name, client):
        with translated(f"making network {name}"):
            client.create_network(
                name, driver="bridge", check_duplicate=True, labels={layout.NETWORK_LABEL: "proxyctl"}
            )
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


def inputs_of(settings: Settings, token: str) -> Inputs:
    """Return what settings and templates say of the configuration; raise TemplateError."""
    return Inputs(settings.options, settings.tuning, templates.load(settings.engine, settings.templates), token)


def prepare_state(settings: Settings) -> None:
    """Make the state folder; raise ProxyctlError when that is not allowed, or no socket could be in it."""
    longest = settings.state / "proxy" / "run" / layout.MASTER_SOCKET
    if (over := len(os.fsencode(longest)) - LONGEST_SOCKET) > 0:
        message = f"the state folder {settings.state}: too long by {over} bytes for sockets in it; give another --state"
        raise UsageError(message)
    try:
        settings.state.mkdir(parents=True, exist_ok=True, mode=0o755)
        GenerationFolder(settings.state / "proxy").prepare()
    except OSError as exc:
        message = f"the state folder {settings.state}: {exc.strerror or exc}; give another with --state"
        raise ProxyctlError(message) from exc


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
async def running(settings: Settings, reload: Callable[[], Settings]) -> AsyncIterator[tuple[Reconciler, Feed]]:
    """Run a whole `watch` inside the `async with`; what it raises there ends it."""
    client = await asyncio.to_thread(connect)
    await asyncio.to_thread(_prepare_network, settings, client)
    prepare_state(settings)
    with state_files.lock(settings.state):
        parts = build(settings, client)
        token = state_files.check_token(settings.state)
        pins = HeldFile(settings.state)

        effective = Effective(settings, reload)

        def inputs_now() -> Inputs:
            return pins.inputs(token, settings.label_prefix) or effective.inputs(token)

        inputs = inputs_now()
        await parts.gateway.ensure()
        try:
            features = await parts.engine.features()
        except GatewayError:
            if parts.gateway.made and parts.generations.current() is None:
                await parts.gateway.remove()
            raise
        applier = Applier(parts.engine, parts.generations, features)
        feed = Feed()
        source = DockerStore(
            connect,
            network=settings.network,
            label_prefix=settings.label_prefix,
            resync=settings.resync / 1000,
        )
        waker = Waker()
        prober = Prober(parts.view, waker, parts.gateway, settings.grace / 1000)
        decisions = state_files.Decisions(settings.state)
        first = [inputs]
        reconciler = Reconciler(
            source=source,
            resolver=EmbeddedDns(parts.view, parts.gateway),
            prober=prober,
            gateway=parts.gateway,
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
        operators = Operators(reconciler, decisions, pins, parts.generations, feed)
        api = Api(
            status=reconciler.status,
            events=lambda: [dataclasses.asdict(e) for e in feed.events],
            settings=lambda: effective.settings.model_dump(mode="json"),
            decide=operators.decide,
            maintain=operators.maintain,
            hold=operators.hold,
            release=operators.release,
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
