"""Who should have served how much: what the user said, or what the gateway's status says."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Final, get_args

from yarl import URL

from proxyctl.core.model import Balance, Listener, Route
from proxyctl.core.routing import match
from proxyctl.core.status import PoolStatus, Status

BALANCES: Final[tuple[str, ...]] = get_args(Balance)
BY_USER: Final = "--expect-weights"


@dataclasses.dataclass(frozen=True, slots=True)
class Expected:
    """Weights per server, and where they are from; without `weights`, `source` says why there are none.

    `pool` is the gateway's and `balance` its algorithm, where they are known. `cycles` is how many counters the proxy
    has, each of which may be in the middle of a cycle of a round robin, where nothing else disturbs it; None where that
    cannot be said.
    """

    weights: Mapping[str, float] | None
    source: str
    balance: str | None = None
    backups: tuple[str, ...] = ()
    cycles: int | None = None
    engine: str | None = None
    pool: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Asked:
    """What the user says about the proxy: weights, the algorithm, and how many processes count for themselves."""

    weights: Mapping[str, float] | None = None
    balance: str | None = None
    workers: int | None = None


def from_status(status: Status | None, url: str, host: str | None = None) -> Expected:
    """Return what the status of the gateway lets expect for requests to `url`.

    Where a route cannot be told, nothing is expected.
    """
    if status is None:
        return Expected(None, "no running watch says which shares are right; --expect-weights does")
    pools = _asked(status, url, host)
    if len(pools) != 1:
        which = " or ".join(sorted(p.name for p in pools)) or "no pool"
        return Expected(None, f"by the gateway's status, {which} serves {url}")
    (pool,) = pools
    up = [s for s in pool.servers if s.state == "up"]
    serving = [s for s in up if not s.backup] or up
    weights = {s.name: float(s.weight) for s in serving}
    if not any(weights.values()):
        return Expected(None, f"pool {pool.name} has no server that is up")
    idle = tuple(s.name for s in up if s.name not in weights)
    others = {s.name: 0.0 for s in pool.servers if s.name not in weights}
    source = f"the weights of pool {pool.name}"
    return Expected({**others, **weights}, source, pool.balance, idle, engine=status.engine, pool=pool.name)


def expected(
    asked: Asked,
    before: Status | None,
    after: Status | None,
    url: str,
    host: str | None,
    sent: int,
) -> Expected:
    """Return what is expected of `sent` requests, by what the user said and the gateway's status around them.

    A round robin can be held to the single request where the user says how many counters the proxy has. The gateways
    of proxyctl have one (HAProxy's threads share it, and so do nginx's workers, through the zone); there it takes
    the gateway's own count to say that nobody else was asking.
    """
    found = from_status(before, url, host)
    cycles = asked.workers
    if asked.weights is None and found != from_status(after, url, host):
        found = Expected(None, "the pool changed during the check", pool=found.pool)
    if asked.weights is None and cycles is None:
        ends = [served_by_pool(status, url, host) for status in (before, after)]
        if ends[0] is not None and ends[1] is not None and ends[1] - ends[0] == sent:
            cycles = 1
    if asked.weights is not None:
        found = Expected(asked.weights, BY_USER, found.balance, engine=found.engine)
    return dataclasses.replace(found, balance=asked.balance or found.balance, cycles=cycles)


def served_by_pool(status: Status | None, url: str, host: str | None = None) -> int | None:
    """Return how many requests the pool of a URL has served, as the gateway counts; None where it does not."""
    counts = [s.requests for pool in _asked(status, url, host) for s in pool.servers] if status else []
    known = [c for c in counts if c is not None]
    return sum(known) if counts and len(known) == len(counts) else None


def _asked(status: Status, url: str, host: str | None) -> tuple[PoolStatus, ...]:
    """Return the pools that the best fitting routes lead to; the listener decides only where it must.

    A published port need not be the listener's: so all routes compete first as if they were one listener's.
    """
    target = URL(url)
    asked = URL.build(scheme="http", authority=host) if host else target
    best = _best(status, asked.host or "", target.raw_path)
    pools = _pools_of(status, best) if best else ()
    if len(pools) > 1 and (here := _best(status, asked.host or "", target.raw_path, target.port)):
        pools = _pools_of(status, here, target.port)
    return pools


def _best(status: Status, host: str, path: str, port: int | None = None) -> tuple[str, str] | None:
    """Return host and path of the route that a request meets among those of a port, or of all; None for no route."""
    routes = {(r.host or "", r.path) for pool in status.pools for r in pool.routes if port in {None, r.listen}}
    found = match(Listener(0, routes=tuple(Route(*each, pool="") for each in routes)), host, path)
    return (found[1].host, found[1].path) if found else None


def _pools_of(status: Status, route: tuple[str, str], port: int | None = None) -> tuple[PoolStatus, ...]:
    return tuple(
        pool
        for pool in status.pools
        if any((r.host or "", r.path) == route and port in {None, r.listen} for r in pool.routes)
    )
