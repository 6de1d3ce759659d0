"""One look at the world for `plan`, `render` and `explain`: the questions of `watch`, asked once; touches nothing."""

from __future__ import annotations

import asyncio
import dataclasses

import docker

from proxyctl.core import diff
from proxyctl.core.desired import Outcome, desired, targets
from proxyctl.core.labels import Options
from proxyctl.core.model import ConfigFiles, Desired, Features, Finding, Held, Snapshot, Target
from proxyctl.core.render import render
from proxyctl.daemon import Parts, build, check_network, make_engine
from proxyctl.edges.docker.client import connect
from proxyctl.edges.docker.store import DockerStore
from proxyctl.edges.docker.throwaway import Throwaway
from proxyctl.edges.files import decisions as state_files
from proxyctl.edges.files import templates
from proxyctl.edges.files.held import HeldFile
from proxyctl.edges.netns import LocalView
from proxyctl.edges.probe import Prober
from proxyctl.ports import Generation, Inputs
from proxyctl.settings import Settings


@dataclasses.dataclass(frozen=True)
class Look:
    """What `look` saw: the world, what follows from it, and what is applied now."""

    snapshot: Snapshot
    findings: dict[Target, Finding]
    outcome: Outcome
    features: Features
    options: Options
    held: Held | None
    files: ConfigFiles
    applied: Generation | None
    applied_files: dict[str, str]
    published: dict[int, int]

    @property
    def plan(self) -> diff.Plan:
        """Return what would change."""
        return diff.plan(self.applied.desired if self.applied else Desired(), self.outcome.desired)


async def look(settings: Settings) -> Look:
    """Ask Docker, DNS and the containers once and say what `watch` would do; touches nothing.

    Without a running gateway the names and ports cannot be asked from inside the network: they are taken as good.
    """
    client = await asyncio.to_thread(connect)
    await asyncio.to_thread(check_network, settings, client)
    parts = build(settings, client)
    source = DockerStore(
        lambda: client, network=settings.network, label_prefix=settings.label_prefix, resync=settings.resync / 1000
    )
    snapshot = await source.list_once()
    there = await parts.gateway.find()
    features = await parts.engine.features() if there else await _features_of_image(settings, client)
    token, pins = state_files.known_token(settings.state) or "0" * 32, HeldFile(settings.state)
    inputs = pins.inputs(token, settings.label_prefix) or _inputs(settings, token)
    wanted = targets(snapshot, inputs.options, features, pins.held)
    findings: dict[Target, Finding] = dict.fromkeys(wanted, Finding(ok=True))
    if there:
        findings = await _ask(parts, wanted)
    current = parts.generations.current()
    kept = state_files.Decisions(settings.state)
    outcome = desired(
        snapshot,
        findings=findings,
        decisions=kept.all(),
        maintenance=kept.maintenance,
        held=pins.held,
        options=inputs.options,
        features=features,
        previous=current.desired if current else Desired(),
    )
    files = render(
        outcome.desired, features=features, tuning=inputs.tuning, templates=inputs.templates, token=inputs.token
    )
    files = dataclasses.replace(files, files=tuple((name, _told(text, inputs)) for name, text in files.files))
    applied_files = parts.generations.files(current.number) if current else {}
    return Look(
        snapshot,
        findings,
        outcome,
        features,
        inputs.options,
        pins.held,
        files,
        current,
        {name: _told(text, inputs) for name, text in applied_files.items()},
        parts.gateway.published,
    )


def _told(text: str, inputs: Inputs) -> str:
    """Return a configuration as it may be shown: terminals are shared, and logs are kept."""
    return text.replace(inputs.token, "(secret)")


def _inputs(settings: Settings, token: str) -> Inputs:
    return Inputs(settings.options, settings.tuning, templates.load(settings.engine, settings.templates), token)


async def _ask(parts: Parts, wanted: tuple[Target, ...]) -> dict[Target, Finding]:
    """Give the containers a second to answer."""
    woken = asyncio.Event()
    prober = Prober(parts.view, lambda _: woken.set(), parts.gateway)
    prober.follow(wanted)
    try:
        async with asyncio.timeout(1):
            while not all(prober.findings().get(t, Finding(ok=False)).ok for t in wanted):
                woken.clear()
                await woken.wait()
    except TimeoutError:
        pass
    finally:
        findings = dict(prober.findings())
        await prober.close()
    return findings


async def _features_of_image(settings: Settings, client: docker.APIClient) -> Features:
    """Ask the binary of an image without a gateway, in a throw-away container."""
    throwaway = Throwaway(client, settings.gateway_image)
    return await make_engine(settings.engine, throwaway, settings.state / "proxy" / "run", LocalView()).features()
