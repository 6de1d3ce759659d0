"""Which containers are this gateway's, port by port, and what keeps others out.

Reads each container's labels, then holds them against the watched network and against what the proxy binary
can do. Does not look at other containers: who shares a pool or wants the same route is decided in `desired`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator
from typing import Literal

from proxyctl.core.labels import reading
from proxyctl.core.labels.declaration import Membership, Options
from proxyctl.core.model import Container, Features, Pin, Problem, Snapshot, Target

NGINX_STICKY = (1, 29, 6)  # the first open-source nginx with `sticky`
NGINX_H2C = (1, 29, 4)  # the first nginx with HTTP/2 to its servers

_Asked = tuple[Container, str, tuple[str, ...], Options, Features, frozenset[str], Pin | None]
_Judged = tuple[tuple["Member", ...], tuple[Problem, ...]]

_remembered: dict[_Asked, _Judged] = {}
"""What the last survey found: a container takes 24 µs, and a pass asks about all of them, twice."""


@dataclasses.dataclass(frozen=True, slots=True)
class Member:
    """One port of a container in one pool, and the target whose readiness decides when it joins."""

    container: Container
    membership: Membership
    target: Target


def present(container: Container) -> bool:
    """Whether it runs or will go on running; an ended container has no problems that anyone could mend."""
    return container.state in {"running", "paused", "restarting"}


def survey(
    snapshot: Snapshot,
    options: Options,
    features: Features,
    served: Collection[tuple[str, str]] = (),
    held: Pin | None = None,
) -> tuple[tuple[Member, ...], tuple[Problem, ...]]:
    """Return every valid membership of the watched network, ended containers' too, and the problems.

    `served` are the (pool, container id) that the proxy has: one that was disconnected from the network is still a
    member of those pools, for it has to leave them. Pools of a generation that the gateway is `held` at have that
    one's settings, whatever the labels say now.
    """
    members: list[Member] = []
    problems: list[Problem] = []
    judged: dict[_Asked, _Judged] = {}
    for container in snapshot.containers:
        left = frozenset[str]()
        if container.live and not container.address_on(snapshot.network):
            left = frozenset(pool for pool, id_ in served if id_ == container.id)
        asked = container, snapshot.network, snapshot.gateways, options, features, left, held
        judged[asked] = found, wrong = _remembered.get(asked) or _judge(*asked)
        members += found
        problems += wrong if present(container) else ()
    _remembered.clear()
    _remembered.update(judged)
    return tuple(members), tuple(problems)


def judge(
    container: Container,
    snapshot: Snapshot,
    options: Options,
    features: Features,
    held: Pin | None = None,
) -> tuple[tuple[Member, ...], tuple[Problem, ...]]:
    """Return one container's memberships of the watched network and everything that is wrong with it."""
    return _judge(container, snapshot.network, snapshot.gateways, options, features, frozenset(), held)


def _judge(
    container: Container,
    watched: str,
    gateways: tuple[str, ...],
    options: Options,
    features: Features,
    left: frozenset[str],
    held: Pin | None,
) -> _Judged:
    """Judge; memberships of the pools in `left` are returned also where it is on that network no more."""
    declaration = reading.parse(container, options)
    if held is not None:
        memberships = tuple(_as_held(m, held) for m in declaration.memberships)
        declaration = dataclasses.replace(declaration, memberships=memberships)
    networks = {m.network for m in declaration.memberships} or {declaration.network}
    astray = {n: _astray(container, n, watched, gateways) for n in networks}
    unasked = declaration.takes_part and not declaration.asked
    if not left and None not in astray.values() and (unasked or not any(astray.values())):
        # Another gateway's; or one that expose_by_default took in without its ever having met this network.
        return (), ()
    problems = list(declaration.problems)
    for membership in declaration.memberships:
        problems += _inabilities(container, membership, features)
    members: list[Member] = []
    if not any(p.severity == "error" for p in problems):
        for membership in declaration.memberships:
            reason = astray[membership.network]
            if reason is None or membership.pool.name in left:
                target = _target(container, membership, watched, features)
                members.append(Member(container, membership, target))
            if reason:
                label = f"{membership.at}network"
                if label not in membership.written:
                    label = f"{options.label_prefix}.network"
                problems.append(Problem(container.name, label, reason))
    return tuple(members), tuple(problems)


def _as_held(membership: Membership, held: Pin) -> Membership:
    """Give a membership the settings that its pool had in the generation that the gateway is held at."""
    pool = held.desired.pool(membership.pool.name)
    if pool is None:
        return membership
    return dataclasses.replace(membership, pool=pool)


def _astray(container: Container, network: str, watched: str, gateways: tuple[str, ...]) -> str | None:
    """Return why a container is not this gateway's: None when it is, "" when it is another gateway's."""
    if network and network != watched:
        if network in gateways:
            return ""
        return f"no gateway serves network {network}: run proxyctl watch --network {network}"
    attached = {a.network for a in container.attachments}
    if watched in attached:
        return None
    if not network and not attached.isdisjoint(gateways):
        return ""
    return f"is not on network {watched}: docker network connect {watched} {container.name}"


def _target(container: Container, membership: Membership, network: str, features: Features) -> Target:
    """Return what has to be ready; HAProxy makes the HTTP check itself, for nginx it is proxyctl's.

    On a port of its own, `health.port`, the check is plain HTTP, as HAProxy makes it.
    """
    pool = membership.pool
    check = pool.health if features.engine == "nginx" else None
    tls = check is not None and check.port is None and pool.protocol == "https"
    address = container.address_on(network)
    protocol: Literal["http", "https"] = "https" if tls else "http"
    return Target(container.id, container.name, address, membership.port, check, protocol)


def _inabilities(container: Container, membership: Membership, features: Features) -> Iterator[Problem]:
    """Say which labels ask for what this proxy binary does not have; HAProxy has everything."""
    if features.engine == "haproxy":
        return
    pool, at = membership.pool, membership.at
    for wanted, label, needed in (
        (pool.sticky is not None, "sticky", NGINX_STICKY),
        (pool.protocol == "h2c", "protocol", NGINX_H2C),
    ):
        if wanted and not features.since(*needed):
            version = ".".join(map(str, needed))
            what = f"{label}={pool.sticky if label == 'sticky' else pool.protocol}"
            reason = f"{what} needs nginx {version}, this is {features.version_text}; or take engine haproxy"
            yield Problem(container.name, f"{at}{label}", reason)
    if pool.protocol == "tcp" and not features.stream_module:
        reason = "protocol=tcp needs nginx's stream module, which is missing here; or take engine haproxy"
        yield Problem(container.name, f"{at}protocol", reason)
    if pool.protocol == "h2c" and pool.health and pool.health.port is None:
        reason = "on nginx the check speaks HTTP/1.1: give it a port that does, or take engine haproxy"
        yield Problem(container.name, f"{at}health.port", reason)
    queue = {
        "maxconn": membership.maxconn is not None,
        "timeout.queue": f"{at}timeout.queue" in membership.written,
    }
    for label in (name for name, asked in queue.items() if asked):
        reason = "nginx has no queue: over maxconn it answers 502"
        yield Problem(container.name, f"{at}{label}", reason, "warning")
