"""Who should have served how much: what the user said, or what the gateway's status says."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Final

from yarl import URL

BALANCES: Final = ("roundrobin", "leastconn", "source", "uri", "random")


BY_USER: Final = "--expect-weights"


@dataclasses.dataclass(frozen=True, slots=True)
class Expected:
    """Weights per server, and where they are from; without `weights`, `source` says why there are none.

    `balance` is the algorithm where it is known. `cycles` is how many counters the proxy has, each of which may be in
    the middle of a cycle of a round robin, where nothing else disturbs it; None where that cannot be said.
    """

    weights: Mapping[str, float] | None
    source: str
    balance: str | None = None
    backups: tuple[str, ...] = ()
    cycles: int | None = None
    engine: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Asked:
    """What the user says about the proxy: weights, the algorithm, and how many processes count for themselves."""

    weights: Mapping[str, float] | None = None
    balance: str | None = None
    workers: int | None = None


def from_status(status: Mapping[str, Any] | None, url: str, host: str | None = None) -> Expected:
    """Return what the `status --json` of the gateway lets expect for requests to `url`.

    Where a route cannot be told, nothing is expected.
    """
    if status is None:
        return Expected(None, "no running watch says which shares are right; --expect-weights does")
    pools = _asked(status, url, host)
    if len(pools) != 1:
        which = " or ".join(sorted(pools)) or "no pool"
        return Expected(None, f"by the gateway's status, {which} serves {url}")
    pool = next(iter(pools.values()))
    up = [s for s in pool["servers"] if s["state"] == "up"]
    serving = [s for s in up if not s["backup"]] or up
    weights = {s["name"]: float(s["weight"]) for s in serving}
    if not any(weights.values()):
        return Expected(None, f"pool {pool['name']} has no server that is up")
    idle = tuple(s["name"] for s in up if s["name"] not in weights)
    others = {s["name"]: 0.0 for s in pool["servers"] if s["name"] not in weights}
    return Expected(
        {**others, **weights}, f"the weights of pool {pool['name']}", pool["balance"], idle, engine=status.get("engine")
    )


def expected(
    asked: Asked,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
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
        found = Expected(None, "the pool changed during the check")
    if asked.weights is None and cycles is None:
        ends = [served_by_pool(status, url, host) for status in (before, after)]
        if ends[0] is not None and ends[1] is not None and ends[1] - ends[0] == sent:
            cycles = 1
    if asked.weights is not None:
        found = Expected(asked.weights, BY_USER, found.balance, engine=found.engine)
    return dataclasses.replace(found, balance=asked.balance or found.balance, cycles=cycles)


def served_by_pool(status: Mapping[str, Any] | None, url: str, host: str | None = None) -> int | None:
    """Return how many requests the pool of a URL has served, as the gateway counts; None where it does not."""
    pools = _asked(status, url, host) if status else {}
    counts = [s.get("requests") for pool in pools.values() for s in pool["servers"]]
    return sum(counts) if counts and None not in counts else None


def _asked(status: Mapping[str, Any], url: str, host: str | None) -> dict[str, Mapping[str, Any]]:
    target = URL(url)
    asked = URL.build(scheme="http", authority=host) if host else target
    return _pools_for(status, asked.host or "", target.raw_path, target.port)


def _pools_for(status: Mapping[str, Any], host: str, path: str, port: int | None) -> dict[str, Mapping[str, Any]]:
    """Return the pools that the best fitting routes lead to; the listener decides only where it must."""
    found = [
        (fit, route.get("listen"), pool)
        for pool in status["pools"]
        for route in pool["routes"]
        if (fit := _fit(route, host, path)) is not None
    ]
    best = max((fit for fit, _, _ in found), default=None)
    here = [(fit, pool) for fit, listen, pool in found if listen == port]
    pools = {pool["name"]: pool for fit, _, pool in found if fit == best}
    if len(pools) > 1 and here:
        best = max(fit for fit, _ in here)
        pools = {pool["name"]: pool for fit, pool in here if fit == best}
    return pools


def _fit(route: Mapping[str, Any], host: str, path: str) -> tuple[int, int, int] | None:
    """Return how well a route fits, better ones being greater; None where it does not."""
    wanted: str = route["host"] or ""
    prefix: str = route["path"].rstrip("/")
    if not (path == prefix or path.startswith(prefix + "/")):
        return None
    if not wanted:
        return 0, 0, len(prefix)
    if wanted.startswith("*."):
        return (1, len(wanted), len(prefix)) if host.endswith(wanted[1:]) else None
    return (2, 0, len(prefix)) if host == wanted else None
