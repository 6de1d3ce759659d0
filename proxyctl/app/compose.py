"""Wires the parts of a running `watch`: which part gets which others. Starts nothing; `watch` does."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import structlog

from proxyctl.api.server import Api
from proxyctl.app.parts import Parts, inputs_of, pinned_inputs, rules_for
from proxyctl.core.model import Features
from proxyctl.gateway.probe import Prober
from proxyctl.gateway.severing import Severing
from proxyctl.operate.confirm import Confirmation
from proxyctl.operate.overrides import Overriding
from proxyctl.operate.rollback import Rollback
from proxyctl.providers.docker.client import connect
from proxyctl.providers.docker.endpoint import endpoint, reachable
from proxyctl.providers.docker.resolve import EmbeddedDns
from proxyctl.providers.docker.source import DockerSource
from proxyctl.providers.port import Wake
from proxyctl.reconcile.apply import Applier
from proxyctl.reconcile.journal import Journal
from proxyctl.reconcile.ports import Ports
from proxyctl.reconcile.reconciler import Reconciler
from proxyctl.reconcile.refusals import Refusals
from proxyctl.settings import Settings
from proxyctl.state import overrides as state_files
from proxyctl.state.pin import PinFile
from proxyctl.state.port import Inputs

log = structlog.get_logger()

# Settings whose change in proxyctl.toml counts only from the next start.
FIXED = (
    "network",
    "join",
    "engine",
    "publish",
    "image",
    "no_pull",
    "state",
    "api",
    "label_prefix",
    "resync",
    "reload_spacing",
    "grace",
    "templates",
)

# Those that are taken as they are found at the start, where nobody gave them.
FOUND = ("engine", "api")


class Effective:
    """The settings of a running `watch`: those of its start, updated by what may change while it runs."""

    def __init__(self, settings: Settings, reload: Callable[[], Settings]) -> None:
        """Take the settings of the start, and a function that reads them anew."""
        self.settings, self._reload = settings, reload

    def inputs(self, token: str) -> Inputs:
        """Read templates and proxyctl.toml anew; raise TemplateError or UsageError."""
        new = self._reload()
        found = {f: getattr(self.settings, f) for f in FOUND if f not in new.model_fields_set}
        new = new.model_copy(update=found)
        moved = [f for f in FIXED if getattr(new, f) != getattr(self.settings, f)]
        if moved:
            log.warning("these settings take effect at the next start", settings=", ".join(moved))
        self.settings = new.model_copy(update={f: getattr(self.settings, f) for f in FIXED})
        return inputs_of(self.settings, token)


class InputFiles:
    """Reads the inputs of a `watch`: from the pinned generation, else from templates and proxyctl.toml."""

    def __init__(self, settings: Settings, reload: Callable[[], Settings]) -> None:
        """Read the inputs for the first time; raise TemplateError or UsageError."""
        self.effective = Effective(settings, reload)
        self.pins = PinFile(settings.state)
        self.token = state_files.check_token(settings.state)
        self._first: Inputs | None = self._now()

    def read(self) -> Inputs:
        """Return the present inputs; at the first call the inputs that were read at the start."""
        first, self._first = self._first, None
        return first or self._now()

    def _now(self) -> Inputs:
        pinned = pinned_inputs(self.pins, self.effective.settings, self.token)
        return pinned or self.effective.inputs(self.token)


class Waker:
    """A wake-up that can be passed to parts before the reconciler exists."""

    target: Wake | None = None

    def __call__(self, reason: str) -> None:
        """Wake the target, once there is one."""
        if self.target is not None:
            self.target(reason)


@dataclasses.dataclass(frozen=True, slots=True)
class Daemon:
    """The parts of a `watch` that `app.watch` starts and ends."""

    source: DockerSource
    prober: Prober
    applier: Applier
    reconciler: Reconciler
    journal: Journal
    api: Api


def compose(parts: Parts, features: Features, files: InputFiles) -> Daemon:
    """Return the wired parts of a `watch` for a running gateway, whose proxy has these features."""
    settings, waker, journal, refusals = parts.settings, Waker(), Journal(), Refusals()
    source = DockerSource(
        connect,
        networks=settings.networks,
        label_prefix=settings.label_prefix,
        resync=settings.resync / 1000,
        reachable=lambda: reachable(endpoint),
    )
    prober = Prober(parts.view, waker, parts.access, settings.grace / 1000)
    overrides = state_files.Overrides(settings.state)
    ports = Ports(
        source=source,
        resolver=EmbeddedDns(parts.view, parts.access),
        prober=prober,
        gateway=parts.lifecycle,
        gateway_id=lambda: parts.access.short_id,
        road=parts.road(files.token),
        engine=parts.engine,
        severing=Severing(parts.view),
        overrides=overrides,
        pin=lambda: files.pins.core_pin,
        read_inputs=files.read,
        grace=settings.grace / 1000,
    )
    applier = Applier(parts.engine, parts.generations, refusals)
    reconciler = Reconciler(
        ports,
        applier,
        refusals,
        rules_for(features),
        journal,
        spacing=settings.reload_spacing / 1000,
        resync=settings.resync / 1000,
    )
    waker.target = reconciler.wake
    confirmation = Confirmation(reconciler, journal)
    api = Api(
        status=reconciler.status,
        events=journal.after,
        settings=lambda: files.effective.settings.model_dump(mode="json"),
        overriding=Overriding(reconciler, overrides, confirmation),
        rollback=Rollback(reconciler, files.pins, parts.generations, confirmation),
    )
    return Daemon(source, prober, applier, reconciler, journal, api)
