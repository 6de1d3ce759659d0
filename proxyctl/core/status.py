"""The `Status` of a `watch` now, and the `Event`s that led there.

Pure values. `reconcile.reporting` gathers a Status, `api.json` makes JSON of it and reads it back. Every other module
takes the Status and never indexes JSON.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Literal

from proxyctl.core import codes
from proxyctl.core.decide.outcome import Outcome, Waiting
from proxyctl.core.model import Balance, Desired, Pool, Problem, Protocol, Server, ServerCount, Snapshot

MISSED_RESYNCS = 3

ServerState = Literal["starting", "up", "draining", "down", "maintenance"]


@dataclasses.dataclass(frozen=True, slots=True)
class ServerStatus:
    """One server of a pool, or a container that waits to become one; `reason` is what it waits for, else empty.

    `container` is the container's id, `address` its IPv4 address and port. `requests` is None where the engine does
    not count them.
    """

    name: str
    container: str
    address: str
    state: ServerState
    weight: int
    backup: bool
    requests: int | None
    reason: str


@dataclasses.dataclass(frozen=True, slots=True)
class RouteStatus:
    """One route of a pool: `host` None takes any host, `listen` is the gateway's port."""

    host: str | None
    path: str
    listen: int
    strip_prefix: bool


@dataclasses.dataclass(frozen=True, slots=True)
class PoolStatus:
    """One pool with its routes and servers; `refused` says what the proxy would not take of it, and why."""

    name: str
    protocol: Protocol
    balance: Balance
    sticky: str | None
    maintenance: bool
    drain_seconds: float
    routes: tuple[RouteStatus, ...]
    servers: tuple[ServerStatus, ...]
    refused: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Status:
    """The state of a `watch` at one moment.

    `network` is None until Docker was listed; `revision` and `generation` are None until the proxy has confirmed a
    first configuration. `synced_seconds_ago` is the age of the last listing. `stale_reason` says why the rest may be
    out of date; None while it is fresh. `elsewhere` are the names of labelled containers that nobody serves, and this
    gateway need not. `joined` are the networks that it serves beside its own one.
    """

    network: str | None
    engine: str
    version: str
    revision: str | None
    generation: int | None
    synced_seconds_ago: float | None
    events_connected: bool
    stale_reason: str | None
    pools: tuple[PoolStatus, ...]
    problems: tuple[Problem, ...]
    elsewhere: tuple[str, ...] = ()
    joined: tuple[str, ...] = ()

    @property
    def stale(self) -> bool:
        """Whether the status may be out of date."""
        return self.stale_reason is not None

    @property
    def well(self) -> bool:
        """Whether the gateway does what it is for: the status is fresh, and no error concerns the gateway as a whole.

        A container that is left out by its own mistake makes nobody else's site unwell.
        """
        return not self.stale and not any(p.severity == "error" and p.code in codes.OF_GATEWAY for p in self.problems)

    def pool(self, name: str) -> PoolStatus | None:
        """Return the pool of that name, if there is one."""
        return next((p for p in self.pools if p.name == name), None)


@dataclasses.dataclass(frozen=True, slots=True)
class Event:
    """One line of the journal, for an operator: Unix time, a kind such as `join`, and a sentence.

    `id` is its number in the journal of the `watch` that wrote it, from 1; 0 in a report, which has no ids.
    """

    at: float
    kind: str
    text: str
    id: int = 0


def pools(
    outcome: Outcome, applied: Desired, snapshot: Snapshot, counts: Iterable[ServerCount]
) -> tuple[PoolStatus, ...]:
    """Return each pool with its routes and servers; a container that waits to join is listed as `starting` or `down`.

    A pool that the proxy refuses is listed without routes; `refused` says what is left out of a pool, and why.
    """
    figures = {(c.pool, c.server): c for c in counts}
    states: dict[str, str] = dict.fromkeys(snapshot.missing, "running")
    states |= {c.id: c.state for c in snapshot.containers}
    result = []
    for pool in outcome.desired.pools:
        live = applied.pool(pool.name) or Pool(pool.name)
        names = {s.name for s in live.servers}
        servers = [_server(live, s, figures, states) for s in live.servers]
        servers += [_waiting(w) for w in outcome.waiting if w.pool == pool.name and w.name not in names]
        routes = tuple(
            RouteStatus(r.host or None, r.path, x.port, r.strip_prefix)
            for x in outcome.desired.listeners
            for r in x.routes
            if r.pool == pool.name
        )
        refused = tuple(r.text for r in outcome.exclusions if r.pool == pool.name)
        result.append(_pool(pool, servers, refused, routes=routes, maintenance=live.maintenance))
    result += [_left_out(r.left_out, r.text, outcome.waiting) for r in outcome.exclusions if r.left_out]
    return tuple(sorted(result, key=lambda p: p.name))


def _left_out(pool: Pool, reason: str, waiting: Iterable[Waiting]) -> PoolStatus:
    own = [Waiting(s.container, s.name, pool.name, s.address, s.port, reason, failed=True) for s in pool.servers]
    servers = {*own, *(w for w in waiting if w.pool == pool.name)}
    return _pool(pool, [_waiting(s) for s in servers], (reason,))


def _pool(
    pool: Pool,
    servers: Iterable[ServerStatus],
    refused: tuple[str, ...],
    *,
    routes: tuple[RouteStatus, ...] = (),
    maintenance: bool = False,
) -> PoolStatus:
    return PoolStatus(
        name=pool.name,
        protocol=pool.protocol,
        balance=pool.balance,
        sticky=pool.sticky or None,
        maintenance=maintenance,
        drain_seconds=pool.drain_ms / 1000,
        routes=routes,
        servers=tuple(sorted(servers, key=lambda s: s.name)),
        refused=refused,
    )


def _server(
    pool: Pool, server: Server, figures: Mapping[tuple[str, str], ServerCount], states: Mapping[str, str]
) -> ServerStatus:
    count = figures.get((pool.name, server.name))
    state: ServerState = "maintenance" if pool.maintenance else "up"
    if server.draining:
        state = "draining"
    elif states.get(server.container) != "running" or (count is not None and count.up is False):
        state = "down"
    return ServerStatus(
        name=server.name,
        container=server.container,
        address=f"{server.address}:{server.port}",
        state=state,
        weight=server.weight,
        backup=server.backup,
        requests=count.requests if count else None,
        reason=count.reason if count and state == "down" else "",
    )


def _waiting(server: Waiting) -> ServerStatus:
    return ServerStatus(
        name=server.name,
        container=server.container,
        address=f"{server.address}:{server.port}",
        state="down" if server.failed else "starting",
        weight=0,
        backup=False,
        requests=None,
        reason=server.reason,
    )


def staleness(age: float | None, *, resync: float, problem: str) -> str:
    """Return why the status may be out of date, for a person; empty while it is fresh.

    `age` is the seconds since Docker was listed (None: never), `resync` the seconds between two listings, `problem`
    what Docker fails with now. One late listing is tolerated, three are not; a stream that is opened anew is tolerated.
    """
    if problem:
        return problem
    if age is None:
        return "Docker has not been listed yet"
    if age <= MISSED_RESYNCS * resync:
        return ""
    return f"Docker was listed {age:.0f} s ago, and should be every {resync:g} s"


def problems(found: Iterable[Problem]) -> tuple[Problem, ...]:
    """Return problems as people read them: errors first, each by container and label."""
    return tuple(sorted(found, key=lambda p: (p.severity != "error", p)))
