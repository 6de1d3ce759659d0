"""From a world to the state that its labels ask for, with the containers that have to wait and why.

Pure and independent of any order. A container's mistake costs that container alone; an incumbent keeps its route.
Next: `retain`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping

from proxyctl.core import codes
from proxyctl.core.decide.claims import Claimant, Refused, settle, with_default_port
from proxyctl.core.decide.members import present
from proxyctl.core.decide.outcome import Leaving, Outcome, Waiting
from proxyctl.core.decide.replicas import differences
from proxyctl.core.decide.standing import Standing, stand
from proxyctl.core.decide.world import World
from proxyctl.core.model import Desired, Listener, Pin, Pool, Problem


def desired(world: World) -> Outcome:
    """Return the outcome that the labels ask for; nothing is retained or excluded yet."""
    by_pool, problems = _standings(world), set(world.survey.problems)
    problems.update(_problems(by_pool))
    speakers = {name: _speaker(name, own, world) for name, own in by_pool.items()}
    pin = world.survey.pin
    if pin is None:
        listeners, wrong = _claimed(by_pool, speakers, world.previous)
        bare = {n: s.member.membership.pool for n, s in speakers.items()}
    else:
        listeners, wrong = pin.desired.listeners, set(_pinned_out(pin, speakers))
        bare = {p.name: p for p in pin.desired.pools}
    routed = {r.pool for x in listeners for r in x.routes}
    pools = tuple(_pool(bare[n], by_pool.get(n, ()), maintenance=n in world.maintenance) for n in routed)
    waiting = [_waiting(s) for name in routed for s in by_pool.get(name, ()) if s.reason]
    leaving = [
        Leaving(p.name, s.member.container.id, p.drain_ms) for p in pools for s in by_pool.get(p.name, ()) if s.leaving
    ]
    state = Desired(with_default_port(listeners), pools)
    return Outcome(
        state,
        tuple(sorted(problems | wrong)),
        tuple(sorted(waiting)),
        tuple(sorted(leaving)),
        inhabited=frozenset(by_pool),
        elsewhere=world.survey.elsewhere,
        wanted=state,
    )


def _standings(world: World) -> dict[str, list[Standing]]:
    """Return the standing of every member, by pool."""
    served = {(pool.name, server.container): server for pool in world.previous.pools for server in pool.servers}
    by_pool: dict[str, list[Standing]] = {}
    for member in world.survey.members:
        name = member.membership.pool.name
        standing = stand(member, world, served.get((name, member.container.id)))
        by_pool.setdefault(name, []).append(standing)
    return by_pool


def _problems(by_pool: Mapping[str, list[Standing]]) -> Iterator[Problem]:
    for standing in (s for own in by_pool.values() for s in own if s.problem):
        yield Problem(standing.member.container.name, "", standing.problem, code=standing.code)


def _claimed(
    by_pool: Mapping[str, list[Standing]], speakers: Mapping[str, Standing], previous: Desired
) -> tuple[tuple[Listener, ...], set[Problem]]:
    """Return the listeners with the routes that pools get, and the problems between pools and between replicas."""
    listeners, refused = settle((_claimant(speakers[n], s) for n, s in by_pool.items()), previous)
    problems = set[Problem]()
    for name, standings in by_pool.items():
        problems.update(_disagreements(speakers[name], standings))
    for refusal in refused:
        problems.update(_refusals(refusal, by_pool[refusal.pool]))
    return listeners, problems


# ------------------------------------------------------------------ one pool


def _speaker(pool: str, standings: Iterable[Standing], world: World) -> Standing:
    """Return the standing whose pool-level labels and routes count: the newest that serves, is ready, or runs.

    One that only joins does not serve yet: what it says must not move a live site before it can take its requests.
    """
    served = {s.container for p in world.previous.pools if p.name == pool for s in p.servers}

    def rank(s: Standing) -> tuple[bool, bool, bool, bool, int, str]:
        c = s.member.container
        well = c.live and not c.stopping
        ready = well and s.server is not None and c.health in {"none", "healthy"}
        serves = ready and c.id in served and (pool, c.name) not in world.failing
        return serves, ready, well, present(c), c.created, c.name

    return max(standings, key=rank)


def _claimant(speaker: Standing, standings: list[Standing]) -> Claimant:
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


def _pool(settings: Pool, standings: Iterable[Standing], *, maintenance: bool) -> Pool:
    servers = tuple(s.server for s in standings if s.server is not None)
    return dataclasses.replace(settings, servers=servers, maintenance=maintenance)


def _waiting(standing: Standing) -> Waiting:
    container, target = standing.member.container, standing.member.target
    pool = standing.member.membership.pool.name
    failed = bool(standing.problem)
    return Waiting(container.id, container.name, pool, target.address, target.port, standing.reason, failed)


# ------------------------------------------------------------------ problems


def _disagreements(speaker: Standing, standings: Iterable[Standing]) -> Iterator[Problem]:
    for standing in standings:
        container = standing.member.container
        if container.live and not container.stopping:
            name = speaker.member.container.name
            for label, here, there in differences(standing.member.membership, speaker.member.membership):
                reason = f"{here} here, {there} at {name}, the newest that serves: the pool goes by that"
                yield Problem(container.name, label, reason, "warning", code=codes.REPLICAS_DISAGREE)


def _pinned_out(pin: Pin, speakers: Mapping[str, Standing]) -> Iterator[Problem]:
    """Yield a problem that says that the gateway is pinned, and one for each pool without a route because of it."""
    reason = (
        f"held at generation {pin.number} since {pin.since}: pools, routes, settings and templates are that one's; "
        "`proxyctl rollback --release` lets go"
    )
    yield Problem("", "", reason, "warning", code=codes.HELD)
    for name in speakers.keys() - {p.name for p in pin.desired.pools}:
        reason = f"its pool {name} is not in generation {pin.number}, which the gateway is held at: it has no route"
        yield Problem(speakers[name].member.container.name, "", reason, "warning", code=codes.NOT_IN_HELD)


def _refusals(refused: Refused, standings: Iterable[Standing]) -> Iterator[Problem]:
    for container, labels in ((s.member.container, s.member.membership) for s in standings):
        if not present(container):
            continue
        at = next((c.at for c in labels.claims if c == refused.claim), labels.at)
        either = " or ".join(f"{at}{x}" for x in refused.labels)
        written = next((x for x in refused.labels if f"{at}{x}" in labels.written), refused.labels[0])
        reason = f"pool {refused.incumbent} keeps {refused.what}; give one of them another {either}"
        yield Problem(container.name, f"{at}{written}", reason, code=codes.ROUTE_TAKEN)
