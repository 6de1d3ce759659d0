"""What `watch` would do now, for `plan`, `render` and `explain`: asks its questions once; touches nothing."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from pathlib import Path

from proxyctl.api import client as control
from proxyctl.app.parts import PROXIES, Parts, build, check_network, inputs_of, pinned_inputs, rules_for
from proxyctl.core import codes
from proxyctl.core.decide.decision import decide
from proxyctl.core.decide.members import survey
from proxyctl.core.decide.outcome import Outcome
from proxyctl.core.decide.readiness import undecided
from proxyctl.core.decide.world import World
from proxyctl.core.labels.declaration import Options
from proxyctl.core.model import ConfigFiles, Desired, Features, Finding, Pin, Snapshot, Target
from proxyctl.core.plan import Plan, make
from proxyctl.engines.render import render
from proxyctl.errors import UsageError
from proxyctl.gateway.probe import Prober
from proxyctl.gateway.throwaway import Throwaway
from proxyctl.providers.docker.client import Client, connect
from proxyctl.providers.docker.endpoint import endpoint, reachable
from proxyctl.providers.docker.resolve import EmbeddedDns
from proxyctl.providers.docker.source import DockerSource
from proxyctl.reconcile.dns_names import DnsNames
from proxyctl.reconcile.dns_pulse import DnsPulse
from proxyctl.reconcile.inquiry import Inquiry
from proxyctl.settings import Settings
from proxyctl.state import overrides as state_files
from proxyctl.state.pin import PinFile
from proxyctl.state.port import Generation

ANSWER_WAIT = 1.0  # seconds that a container has to answer
DNS_WAIT = 2.5  # more than two names (the container's and its short id) take where no upstream DNS answers


@dataclasses.dataclass(frozen=True, slots=True)
class Preview:
    """The world, its outcome, the plan to get there with the rendered files, and what is applied now.

    `joins` and `leaves` are networks of the gateway.
    """

    world: World
    outcome: Outcome
    plan: Plan
    files: ConfigFiles
    applied: Generation | None
    applied_files: dict[str, str]
    published: dict[int, int]
    joins: tuple[str, ...]
    leaves: tuple[str, ...]


async def preview(settings: Settings) -> Preview:
    """Return what `watch` would do, after one question each to Docker, DNS and the containers; touches nothing.

    Where the settings name no engine, it is the gateway's engine. Without a running gateway names and ports cannot be
    asked from inside the network, and count as good.
    """
    client = await asyncio.to_thread(connect)
    await asyncio.to_thread(check_network, settings, client)
    settings, parts, there = await _gateway(settings, client)
    source = DockerSource(
        lambda: client,
        networks=settings.networks,
        label_prefix=settings.label_prefix,
        resync=settings.resync / 1000,
        reachable=lambda: reachable(endpoint),
    )
    snapshot = await source.list_once()
    features = await parts.engine.features() if there else await _features_of_image(settings, client)
    token, pins = state_files.known_token(settings.state) or "0" * 32, PinFile(settings.state)
    inputs = pinned_inputs(pins, settings, token) or inputs_of(settings, token)
    current = parts.generations.current()
    world = await _world(parts, features, snapshot, inputs.options, pins.core_pin, ask=there)
    outcome = decide(world)
    files = render(
        outcome.desired,
        printer=parts.engine.printer,
        features=features,
        tuning=inputs.tuning,
        templates=inputs.templates,
        token=inputs.token,
    )
    applied_files = parts.generations.files(current.number) if current else {}
    return Preview(
        world,
        outcome,
        make(current, outcome.desired, files, world.survey.rules),
        dataclasses.replace(files, files=tuple((name, _without_secret(text, token)) for name, text in files.files)),
        current,
        {name: _without_secret(text, token) for name, text in applied_files.items()},
        parts.access.published,
        *parts.lifecycle.moves,
    )


async def _world(
    parts: Parts, features: Features, snapshot: Snapshot, options: Options, pin: Pin | None, *, ask: bool
) -> World:
    """Return the world around a snapshot as a `watch` that starts now would see it; ask names and ports once."""
    current = parts.generations.current()
    previous = current.desired if current else Desired()
    seen = survey(snapshot, options, rules_for(features), previous, pin)
    findings = dict.fromkeys(seen.targets, Finding(ok=True, reason="no gateway runs to ask from"))
    if ask:
        findings = await _ask(parts, seen.targets, previous)
    counts = await parts.engine.counts() if ask else ()
    kept = state_files.Overrides(parts.settings.state)
    return World(
        survey=seen,
        findings=findings,
        overrides=kept.all(),
        maintenance=kept.maintenance,
        drained=(),
        previous=previous,
        retained=(),
        accepted=previous,
        failing={(c.pool, c.server): c.reason for c in counts if c.fails},
        crashing=await asyncio.to_thread(_crashing, parts.settings.state),
        excluded={},
    )


def _crashing(state: Path) -> dict[str, str]:
    """Return the containers that may not serve yet because they crash, by the word of the `watch` that runs, if any.

    Only one that runs has seen them end.
    """
    status = control.status_if_running(state)
    return {p.container: p.reason for p in status.problems if p.code == codes.CRASHES} if status else {}


def _without_secret(text: str, secret: str) -> str:
    """Return a configuration without its secret, for terminals and logs."""
    return text.replace(secret, "(secret)")


async def _gateway(settings: Settings, client: Client) -> tuple[Settings, Parts, bool]:
    """Return the settings with the gateway's engine, what to ask it with, and whether it runs; raise UsageError."""
    parts = build(settings, client)
    there = await parts.access.find()
    engine = parts.access.engine
    if engine in {None, settings.engine}:
        return settings, parts, there
    if "engine" in settings.model_fields_set:
        message = (
            f"--engine {settings.engine}: the gateway of network {settings.network} runs {engine}: leave it out (and "
            "PROXYCTL_ENGINE, and engine in proxyctl.toml) to look at that one"
        )
        raise UsageError(message)
    return await _gateway(settings.model_copy(update={"engine": engine}), client)


async def _ask(parts: Parts, targets: tuple[Target, ...], previous: Desired) -> dict[Target, Finding]:
    """Return the findings: containers have a second to answer, DNS has the time for an unknown name."""
    loop, woken = asyncio.get_running_loop(), asyncio.Event()

    def wake(_: str) -> None:
        woken.set()

    dns = EmbeddedDns(parts.view, parts.access)
    names = DnsNames(dns, wake, DnsPulse(dns, lambda: parts.access.short_id, wake, patience=0.0))
    prober = Prober(parts.view, wake, parts.access)
    inquiry, began = Inquiry(prober, names), loop.time()
    while True:
        woken.clear()
        findings = await inquiry.findings(targets, previous)
        left = began + (DNS_WAIT if inquiry.names_pending else ANSWER_WAIT) - loop.time()
        if left <= 0 or not undecided(targets, findings):
            break
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(left):
                await woken.wait()
    await names.check(())  # ends the questions
    await prober.close()
    return findings


async def _features_of_image(settings: Settings, client: Client) -> Features:
    """Return what the binary of an image can do, asked in a throw-away container."""
    return await PROXIES[settings.engine].features(Throwaway(client, settings.gateway_images))
