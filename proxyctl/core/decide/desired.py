"""From a snapshot and what else was found out to what the proxy should do, and to who has to wait and why.

Pure and independent of any order. A container's mistake costs that container alone; what runs keeps its
place. Next: `diff`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Iterator, Mapping

from proxyctl.core.decide.claims import Claimant, Refused, settle
from proxyctl.core.decide.members import Member, present, survey
from proxyctl.core.decide.replicas import differences
from proxyctl.core.labels.declaration import Options
from proxyctl.core.model import (
    Desired,
    Features,
    Finding,
    Listener,
    Override,
    Pin,
    Pool,
    Problem,
    Server,
    Severity,
    Snapshot,
    Target,
)

__all__ = ["Leaving", "Options", "Outcome", "Refusal", "Waiting", "desired", "targets", "with_default_port"]

_UNDECIDED = Override()
DEFAULT_PORT = 80  # of HTTP, and of the label `listen`


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class Waiting:
    """A container that belongs to a pool and is not in it, and what it waits for.

    `failed` tells one that has a problem, as after `health.fall` bad checks, from one that just starts.
    """

    container: str
    name: str
    pool: str
    address: str
    port: int
    reason: str
    failed: bool = False


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class Leaving:
    """A server that drains because its container leaves, is ill or cannot be reached, and for how long it may."""

    pool: str
    container: str
    drain_ms: int


@dataclasses.dataclass(frozen=True, slots=True)
class Refusal:
    """What the proxy would not take of a pool, and what is done instead, for people.

    It concerns all containers of the pool unless it names one. `left_out` is the pool where nothing is left of it.
    """

    pool: str
    text: str
    severity: Severity
    container: str = ""
    left_out: Pool | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Outcome:
    """What the proxy should do, what is wrong with the containers, who waits and who leaves; all sorted.

    `kept` are the ids of the containers that stay although Docker's list lacks them: filled in by `vanished`.
    `leaving` also has those whose time is over, as long as the proxy has them. `refused` is filled in by
    `quarantine`, which takes it out of `desired`. `inhabited` are the pools that have a container at all.
    """

    desired: Desired
    problems: tuple[Problem, ...] = ()
    waiting: tuple[Waiting, ...] = ()
    leaving: tuple[Leaving, ...] = ()
    refused: tuple[Refusal, ...] = ()
    kept: frozenset[str] = frozenset()
    inhabited: frozenset[str] = frozenset()


@dataclasses.dataclass(frozen=True, slots=True)
class _Standing:
    """How a member takes part now: as a server, waiting for `reason`, or (both empty) not at all.

    `leaving`: it is on its way out by itself, and the proxy still has it.
    """

    member: Member
    server: Server | None = None
    reason: str = ""
    problem: str = ""
    leaving: bool = False


def targets(snapshot: Snapshot, options: Options, features: Features, held: Pin | None = None) -> tuple[Target, ...]:
    """Return whose readiness has to be found out: every live valid container on the network, port by port."""
    members, _ = survey(snapshot, options, features, held=held)
    return tuple(sorted({m.target for m in members if _worth_asking(m)}, key=_target_order))


def _worth_asking(member: Member) -> bool:
    c = member.container
    return c.live and not c.stopping and c.health != "unhealthy" and member.target.address != ""


def _target_order(target: Target) -> tuple[str, str, str, int, str]:
    return target.container, target.name, target.address, target.port, repr((target.check, target.protocol))


def desired(  # noqa: PLR0913 - the world has that many sides
    snapshot: Snapshot,
    *,
    findings: Mapping[Target, Finding],
    decisions: Mapping[str, Override],
    options: Options,
    features: Features,
    previous: Desired,
    maintenance: Collection[str] = (),
    held: Pin | None = None,
    drained: Collection[tuple[str, str]] = (),
) -> Outcome:
    """Decide what the proxy should do.

    `findings` is what was found out about `targets(...)`, `decisions` what operators asked for, by container
    id, `maintenance` the pools that they closed, `held` the generation whose pools and routes count instead of those
    of now, and `previous` what the proxy does now: who has a route keeps it, and who served may drain, unless it is
    among `drained`, the (pool, container id) of those that had their time to.
    """
    served = {(pool.name, server.container): server for pool in previous.pools for server in pool.servers}
    members, found = survey(snapshot, options, features, served, held)
    problems = set(found)
    by_pool: dict[str, list[_Standing]] = {}
    for member in members:
        before = served.get((member.membership.pool.name, member.container.id))
        standing = _stand(member, findings, decisions.get(member.container.id, _UNDECIDED), before, drained)
        by_pool.setdefault(member.membership.pool.name, []).append(standing)
        if standing.problem:
            problems.add(Problem(member.container.name, "", standing.problem))
    speakers = {name: _speaker(standings) for name, standings in by_pool.items()}
    if held is None:
        listeners, refused = settle((_claimant(speakers[n], s) for n, s in by_pool.items()), previous)
        for name, standings in by_pool.items():
            problems.update(_disagreements(speakers[name], standings))
        for refusal in refused:
            problems.update(_refusals(refusal, by_pool[refusal.pool]))
    else:
        listeners = held.desired.listeners
        problems.update(_held_back(held, speakers))
    routed = {r.pool for x in listeners for r in x.routes}
    bare = {n: s.member.membership.pool for n, s in speakers.items()} if held is None else _bare(held.desired)
    pools = [_pool(bare[n], by_pool.get(n, ()), maintenance=n in maintenance) for n in routed]
    waiting = [_waiting(s) for name in routed for s in by_pool.get(name, ()) if s.reason]
    leaving = [
        Leaving(p.name, s.member.container.id, p.drain_ms) for p in pools for s in by_pool.get(p.name, ()) if s.leaving
    ]
    state = Desired(with_default_port(listeners), tuple(pools))
    return Outcome(
        state, tuple(sorted(problems)), tuple(sorted(waiting)), tuple(sorted(leaving)), inhabited=frozenset(by_pool)
    )


def _bare(state: Desired) -> dict[str, Pool]:
    return {p.name: p for p in state.pools}


def with_default_port(listeners: tuple[Listener, ...]) -> tuple[Listener, ...]:
    """Add the default port where no route uses it: the gateway answers 404 there instead of refusing."""
    if any(listener.port == DEFAULT_PORT for listener in listeners):
        return listeners
    return (Listener(DEFAULT_PORT), *listeners)


# ------------------------------------------------------------------ one container in one pool


def _stand(
    member: Member,
    findings: Mapping[Target, Finding],
    decision: Override,
    before: Server | None,
    drained: Collection[tuple[str, str]],
) -> _Standing:
    """Decide about one member; `before` is what it is in its pool now, if it serves."""
    container = member.container
    sick = ""
    if container.live and not container.stopping and container.health == "unhealthy":
        sick = f"its HEALTHCHECK says unhealthy: docker inspect {container.name} shows what it answered"
    away = before is not None and (bool(sick) or not member.target.address)
    if container.state == "paused" or (container.live and (container.stopping or away)):
        over = (member.membership.pool.name, container.id) in drained
        server = _server(member, decision, before, drain=True) if before and not over else None
        return _Standing(member, server, reason=sick if over else "", problem=sick, leaving=before is not None)
    if not container.live and container.state != "restarting":
        return _Standing(member)
    reason = sick or _obstacle(member)
    if reason:
        return _Standing(member, reason=reason, problem=sick)
    finding = findings.get(member.target)
    undecided = finding is None or not (finding.ok or finding.late)
    if undecided and before and (before.address, before.port) == _endpoint(member):
        # Nothing is certain yet, as after a restart of proxyctl: no answer is not a bad answer.
        return _Standing(member, _server(member, decision, before, drain=before.draining))
    if finding is None or not finding.ok:
        reason = (finding.reason if finding else "") or "has not answered yet"
        return _Standing(member, reason=reason, problem=reason if finding and finding.late else "")
    return _Standing(member, _server(member, decision, before, drain=False))


def _obstacle(member: Member) -> str:
    """Return what a container that is starting waits for before anyone need ask it; often nothing."""
    if member.container.state == "restarting":
        return "Docker is restarting it"
    if not member.target.address:
        return "has no address on the network yet"
    if member.container.health == "starting":
        return "its HEALTHCHECK has not passed yet"
    return ""


def _endpoint(member: Member) -> tuple[str, int]:
    return member.target.address, member.target.port


def _server(member: Member, decision: Override, before: Server | None, *, drain: bool) -> Server:
    labels = member.membership
    return Server(
        name=member.container.name,
        container=member.container.id,
        address=member.target.address or (before.address if before else ""),
        port=labels.port,
        weight=labels.weight if decision.weight is None else decision.weight,
        backup=labels.backup,
        maxconn=labels.maxconn,
        draining=drain or decision.drain,
    )


# ------------------------------------------------------------------ one pool


def _speaker(standings: Iterable[_Standing]) -> _Standing:
    """Return whose pool-level labels and routes count: the newest that is ready, else that runs."""

    def rank(s: _Standing) -> tuple[bool, bool, bool, int, str]:
        c = s.member.container
        well = c.live and not c.stopping
        ready = well and s.server is not None and c.health in {"none", "healthy"}
        return ready, well, present(c), c.created, c.name

    return max(standings, key=rank)


def _claimant(speaker: _Standing, standings: list[_Standing]) -> Claimant:
    containers = [s.member.container for s in standings]
    containers = [c for c in containers if present(c)] or containers
    labels = speaker.member.membership
    return Claimant(
        pool=labels.pool.name,
        tcp=labels.pool.protocol == "tcp",
        present=any(present(c) for c in containers),
        live=any(c.live for c in containers),
        oldest=min(c.created for c in containers),
        claims=labels.claims,
    )


def _pool(settings: Pool, standings: Iterable[_Standing], *, maintenance: bool) -> Pool:
    servers = tuple(s.server for s in standings if s.server is not None)
    return dataclasses.replace(settings, servers=servers, maintenance=maintenance)


def _waiting(standing: _Standing) -> Waiting:
    container, target = standing.member.container, standing.member.target
    pool = standing.member.membership.pool.name
    failed = bool(standing.problem)
    return Waiting(container.id, container.name, pool, target.address, target.port, standing.reason, failed)


# ------------------------------------------------------------------ what containers are told


def _disagreements(speaker: _Standing, standings: Iterable[_Standing]) -> Iterator[Problem]:
    for standing in standings:
        container = standing.member.container
        if container.live and not container.stopping:
            name = speaker.member.container.name
            for label, here, there in differences(standing.member.membership, speaker.member.membership):
                reason = f"{here} here, {there} at {name}, the newest of its pool: the pool goes by that"
                yield Problem(container.name, label, reason, "warning")


def _held_back(held: Pin, speakers: Mapping[str, _Standing]) -> Iterator[Problem]:
    """Say that the gateway is held, and which pools have no place there."""
    reason = (
        f"held at generation {held.number} since {held.since}: pools, routes, settings and templates are that one's; "
        "`proxyctl rollback --release` lets go"
    )
    yield Problem("", "", reason, "warning")
    for name in speakers.keys() - {p.name for p in held.desired.pools}:
        reason = f"its pool {name} is not in generation {held.number}, which the gateway is held at: it has no route"
        yield Problem(speakers[name].member.container.name, "", reason, "warning")


def _refusals(refused: Refused, standings: Iterable[_Standing]) -> Iterator[Problem]:
    for container, labels in ((s.member.container, s.member.membership) for s in standings):
        if not present(container):
            continue
        at = next((c.at for c in labels.claims if c == refused.claim), labels.at)
        either = " or ".join(f"{at}{x}" for x in refused.labels)
        written = next((x for x in refused.labels if f"{at}{x}" in labels.written), refused.labels[0])
        reason = f"pool {refused.keeper} keeps {refused.what}; give one of them another {either}"
        yield Problem(container.name, f"{at}{written}", reason)
