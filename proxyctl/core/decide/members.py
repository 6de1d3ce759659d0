"""Which containers belong to this gateway, port by port, and what keeps other containers out.

Reads each container's labels, then compares them with the gateway's networks (`places`) and with what the proxy binary
can do (`core.rules`). Looks at each container alone: `desired` decides about containers that share a pool or claim one
route. Next: `readiness`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

from proxyctl.core import codes
from proxyctl.core.decide import places
from proxyctl.core.labels import reading
from proxyctl.core.labels.declaration import Membership, Options
from proxyctl.core.model import Container, Desired, Pin, Problem, Snapshot, Target
from proxyctl.core.rules import Rules
from proxyctl.errors import mistake


@dataclasses.dataclass(frozen=True, slots=True)
class Member:
    """One port of a container in one pool, and the target whose readiness decides when it joins."""

    container: Container
    membership: Membership
    target: Target


@dataclasses.dataclass(frozen=True, slots=True)
class Judgement:
    """The survey of one container; `left` are the pools that still have it although it left a network.

    `elsewhere`: it is labelled, and nothing says that this gateway could be meant.
    """

    container: Container
    left: frozenset[str]
    members: tuple[Member, ...] = ()
    problems: tuple[Problem, ...] = ()
    elsewhere: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Survey:
    """A snapshot, how its labels were read, and the memberships that they ask for.

    `members` are the valid memberships of the gateway's networks, also of ended containers. `problems` are the problems
    of containers that have not ended. `targets` are the addresses whose readiness has to be found out: each port of
    each live container without an error. `elsewhere` are the names of labelled containers that nobody serves and this
    gateway need not.
    """

    snapshot: Snapshot
    options: Options
    rules: Rules
    pin: Pin | None
    members: tuple[Member, ...]
    problems: tuple[Problem, ...]
    targets: tuple[Target, ...]
    elsewhere: tuple[str, ...]
    judgements: tuple[Judgement, ...] = dataclasses.field(repr=False)


def present(container: Container) -> bool:
    """Return whether a container runs or will run again; an ended container has no problem that a user could mend."""
    return container.state in {"running", "paused", "restarting"}


def survey(
    snapshot: Snapshot,
    options: Options,
    rules: Rules,
    previous: Desired,
    pin: Pin | None = None,
    last: Survey | None = None,
) -> Survey:
    """Return the survey of a snapshot.

    `previous` is what the proxy does: a container that was disconnected from the network stays a member of the pools
    that have it, so that its server can drain. With a `pin`, pools have the settings of the pinned generation,
    whatever their labels say. Judgements of the `last` survey are used again for equal containers: to read a
    container takes 24 µs.
    """
    earlier: dict[str, Judgement] = {}
    if last is not None and _same_question(last, snapshot, options, rules, pin):
        earlier = {j.container.id: j for j in last.judgements}
    judgements: list[Judgement] = []
    for container in snapshot.containers:
        left = _left(container, snapshot.networks, previous)
        before = earlier.get(container.id)
        if before is None or before.left != left or before.container != container:
            try:
                before = _judge(container, snapshot, options, rules, pin, left)
            except Exception as exc:  # noqa: BLE001 - of any kind
                before = _mistaken(container, left, exc)
        judgements.append(before)
    members = tuple(member for j in judgements for member in j.members)
    return Survey(
        snapshot,
        options,
        rules,
        pin,
        members,
        (*_unreadable(snapshot), *(p for j in judgements if present(j.container) for p in j.problems)),
        tuple(sorted({m.target for m in members if _worth_asking(m)}, key=_target_order)),
        tuple(sorted(j.container.name for j in judgements if j.elsewhere and present(j.container))),
        tuple(judgements),
    )


def _unreadable(snapshot: Snapshot) -> Iterator[Problem]:
    for each in snapshot.unreadable:
        yield Problem(each.name, "", f"{each.reason}: it stays as it was, or out", code=codes.UNREADABLE)


def _same_question(last: Survey, snapshot: Snapshot, options: Options, rules: Rules, pin: Pin | None) -> bool:
    where = (snapshot.networks, snapshot.gateways) == (last.snapshot.networks, last.snapshot.gateways)
    words = snapshot.commands == last.snapshot.commands
    return where and words and (options, rules, pin) == (last.options, last.rules, last.pin)


def _left(container: Container, networks: Iterable[str], previous: Desired) -> frozenset[str]:
    """Return the pools that still have a running container after it left a network, maybe the one that they know."""
    if not container.live or all(container.address_on(n) for n in networks):
        return frozenset()
    return frozenset(p.name for p in previous.pools if any(s.container == container.id for s in p.servers))


def _worth_asking(member: Member) -> bool:
    c = member.container
    return c.live and not c.stopping and c.health != "unhealthy" and member.target.address != ""


def _target_order(target: Target) -> tuple[str, str, str, int, str]:
    return target.container, target.name, target.address, target.port, repr((target.check, target.protocol))


def judge(
    container: Container, snapshot: Snapshot, options: Options, rules: Rules, pin: Pin | None
) -> tuple[tuple[Member, ...], tuple[Problem, ...]]:
    """Return one container's memberships of the gateway's networks, and its problems."""
    found = _judge(container, snapshot, options, rules, pin, frozenset())
    return found.members, found.problems


def _mistaken(container: Container, left: frozenset[str], exc: Exception) -> Judgement:
    """Return the judgement of a container that nobody thought of: a mistake of ours costs it, and no other."""
    reason = f"proxyctl cannot read it: {mistake(exc)}"
    return Judgement(container, left, problems=(Problem(container.name, "", reason, code=codes.INTERNAL),))


def _judge(
    container: Container,
    snapshot: Snapshot,
    options: Options,
    rules: Rules,
    pin: Pin | None,
    left: frozenset[str],
) -> Judgement:
    """Return what `judge` does, with the memberships of the pools in `left` although it left the network."""
    declaration = reading.parse(container, options)
    memberships = declaration.memberships
    if pin is not None:
        memberships = tuple(_as_pinned(m, pin) for m in memberships)
    networks = {m.network for m in memberships} or {declaration.network}
    astray = {n: places.astray(container, n, snapshot) for n in networks}
    unasked = declaration.takes_part and not declaration.asked
    if not left and None not in astray.values() and (unasked or not any(astray.values())):
        # It belongs to another gateway; or only expose_by_default took it in, and it never was on this network.
        return Judgement(container, left)
    if not left and not any(places.could_be_meant(container, n, snapshot) for n in networks):
        return Judgement(container, left, elsewhere=declaration.takes_part)
    problems = list(declaration.problems)
    for membership in memberships:
        problems += _inabilities(container, membership, rules)
    members: tuple[Member, ...] = ()
    if not any(p.severity == "error" for p in problems):
        here = [m for m in memberships if astray[m.network] is None or m.pool.name in left]
        members = tuple(Member(container, m, _target(container, m, snapshot, rules)) for m in here)
        problems += _away(container, {m: astray[m.network] or "" for m in memberships}, snapshot, options)
    return Judgement(container, left, members, tuple(problems))


def _away(
    container: Container, reasons: Mapping[Membership, str], snapshot: Snapshot, options: Options
) -> Iterator[Problem]:
    """Yield a problem for each membership without a network of the gateway, or one for a container without any."""
    if lost := places.loss(container, snapshot):
        yield Problem(container.name, "", lost, code=codes.NAMESPACE_LOST)
        return
    for membership, reason in reasons.items():
        if reason:
            label = f"{membership.at}network"
            if label not in membership.written:
                label = f"{options.label_prefix}.network"
            yield Problem(container.name, label, reason, code=codes.NOT_ON_NETWORK)


def _inabilities(container: Container, membership: Membership, rules: Rules) -> Iterator[Problem]:
    """Yield a problem for each label that asks for something that this proxy binary cannot do."""
    for lack in rules.inabilities(membership):
        yield Problem(container.name, f"{membership.at}{lack.label}", lack.reason, lack.severity, code=codes.CANNOT)


def _as_pinned(membership: Membership, pin: Pin) -> Membership:
    """Return the membership with the settings that its pool had in the pinned generation."""
    pool = pin.desired.pool(membership.pool.name)
    if pool is None:
        return membership
    return dataclasses.replace(membership, pool=pool)


def _target(container: Container, membership: Membership, snapshot: Snapshot, rules: Rules) -> Target:
    """Return the target of a membership, with its HTTP check unless the proxy makes that check itself.

    On a port of its own, `health.port`, the check is plain HTTP, the same as HAProxy's.
    """
    pool = membership.pool
    check = None if rules.checks_health else pool.health
    tls = check is not None and check.port is None and pool.protocol == "https"
    network = places.chosen(container, membership.network, snapshot)
    address = container.address_on(network)
    protocol: Literal["http", "https"] = "https" if tls else "http"
    names = places.known_as(container, network, snapshot)
    return Target(container.id, container.name, address, membership.port, check, protocol, names)
