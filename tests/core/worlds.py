"""Small worlds for the tests of `core`: containers by a few words, and the decision about them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from proxyctl.core.decide import decision
from proxyctl.core.decide.members import Survey, survey
from proxyctl.core.decide.outcome import Outcome
from proxyctl.core.decide.parts import Part
from proxyctl.core.decide.world import World
from proxyctl.core.labels.declaration import Options
from proxyctl.core.model import (
    Attachment,
    Commands,
    Container,
    Desired,
    Features,
    Finding,
    Health,
    Override,
    Owner,
    Pin,
    Problem,
    Snapshot,
    State,
    Target,
)
from proxyctl.core.rules import Rules
from proxyctl.engines.haproxy.rules import HAProxyRules
from proxyctl.engines.nginx.rules import NginxRules

NET = "shop"
HAPROXY = Features("haproxy", (3, 2, 26))
NGINX = Features("nginx", (1, 30, 3), stream_module="static")
OLD_NGINX = Features("nginx", (1, 22, 1))
OK = Finding(ok=True)
COMMANDS = Commands(
    attach="attach {container} to {network}",
    inspect="inspect {container}",
    restart="restart {container}",
    kill="kill {container}",
    attach_from=(("host", "make {container} anew on {network}"),),
    revive=tuple((lost, f"{lost}: revive {{container}} by {{owner}}") for lost in ("ended", "gone")),
)


def container(  # noqa: PLR0913 - one argument for each thing that Docker says
    name: str,
    labels: Mapping[str, str] | None = None,
    *,
    enable: bool = True,
    prefix: str = "proxyctl.",
    raw: Mapping[str, str] | None = None,
    state: State = "running",
    health: Health = "none",
    ports: Iterable[int] = (80,),
    networks: Mapping[str, str] | None = None,
    created: int = 100,
    stopping: bool = False,
    owner: Owner | None = None,
) -> Container:
    """Return a container; `labels` are without the prefix, `raw` are whole."""
    texts = {f"{prefix}{k}": v for k, v in (labels or {}).items()} | dict(raw or {})
    if enable:
        texts.setdefault(f"{prefix}enable", "true")
    if networks is None:
        networks = {NET: f"10.0.0.{sum(name.encode()) % 250 + 1}"}
    return Container(
        id=f"id-{name}",
        name=name,
        labels=tuple(texts.items()),
        state=state,
        health=health,
        ports=tuple(ports),
        attachments=tuple(Attachment(n, a) for n, a in networks.items()),
        created=created,
        stopping=stopping,
        owner=owner,
    )


def world(*containers: Container, gateways: Iterable[str] = (NET,), joined: Iterable[str] = ()) -> Snapshot:
    """Return the snapshot of these containers; the gateway is on `NET` and the `joined` networks."""
    return Snapshot((NET, *joined), COMMANDS, containers, tuple(gateways))


RULES: Mapping[str, Callable[[Features], Rules]] = {"haproxy": HAProxyRules, "nginx": NginxRules}


def rules(features: Features) -> Rules:
    """Return the rules of a binary."""
    return RULES[features.engine](features)


def surveyed(
    snapshot: Snapshot,
    options: Options | None = None,
    features: Features = HAPROXY,
    pin: Pin | None = None,
    previous: Desired | None = None,
) -> Survey:
    """Return what the labels come to."""
    return survey(snapshot, options or Options(), rules(features), previous or Desired(), pin)


def targets(
    snapshot: Snapshot, options: Options | None = None, features: Features = HAPROXY, pin: Pin | None = None
) -> tuple[Target, ...]:
    """Return whose readiness has to be found out."""
    return surveyed(snapshot, options, features, pin).targets


def state_of(  # noqa: PLR0913 - the world has that many sides
    snapshot: Snapshot,
    *,
    findings: Mapping[Target, Finding] | None = None,
    overrides: Mapping[str, Override] | None = None,
    options: Options | None = None,
    features: Features = HAPROXY,
    previous: Desired | None = None,
    drained: Collection[tuple[str, str]] = (),
    maintenance: Iterable[str] = (),
    pin: Pin | None = None,
    retained: Collection[str] = (),
    accepted: Desired | None = None,
    failing: Mapping[tuple[str, str], str] | None = None,
    crashing: Mapping[str, str] | None = None,
    excluded: Mapping[Part, str] | None = None,
) -> World:
    """Return the world around a snapshot; unless told otherwise every target has been found ready."""
    found = surveyed(snapshot, options, features, pin, previous)
    return World(
        survey=found,
        findings=dict.fromkeys(found.targets, OK) if findings is None else findings,
        overrides=overrides or {},
        maintenance=tuple(maintenance),
        drained=drained,
        previous=previous or Desired(),
        retained=retained,
        accepted=accepted or previous or Desired(),
        failing=failing or {},
        crashing=crashing or {},
        excluded=excluded or {},
    )


def decide(snapshot: Snapshot, **sides: Any) -> Outcome:
    """Return the outcome; `sides` are those of `state_of`."""
    return decision.decide(state_of(snapshot, **sides))


def servers(outcome: Outcome) -> dict[str, list[str]]:
    """Return each pool's servers by name; a draining one ends in `-`."""
    return {p.name: [s.name + "-" * s.draining for s in p.servers] for p in outcome.desired.pools}


def routes(outcome: Outcome) -> list[str]:
    """Return every route as `80 host/path pool`."""
    return [f"{x.port} {r.host}{r.path} {r.pool}" for x in outcome.desired.listeners for r in x.routes]


def wrong_labels(problems: Iterable[Problem]) -> list[tuple[str, str]]:
    """Return (container, label) of each problem."""
    return [(p.container, p.label) for p in problems]
