"""Who should have served how much: what the user said, or what the gateway's status says."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Final

from yarl import URL

_BY_WEIGHT: Final = ("roundrobin", "random")


@dataclasses.dataclass(frozen=True, slots=True)
class Expected:
    """Weights per server, and where they are from; without `weights`, `source` says why there are none."""

    weights: Mapping[str, float] | None
    source: str


def from_status(status: Mapping[str, Any] | None, url: str, host: str | None = None) -> Expected:
    """Return what the `status --json` of the gateway lets expect for requests to `url`.

    Where the algorithm does not follow weights alone, or a route cannot be told, nothing is expected.
    """
    if status is None:
        return Expected(None, "no running watch says which shares are right; --expect-weights does")
    target = URL(url)
    asked = URL.build(scheme="http", authority=host) if host else target
    pools = _pools_for(status, asked.host or "", target.raw_path, target.port)
    if len(pools) != 1:
        which = " or ".join(sorted(pools)) or "no pool"
        return Expected(None, f"by the gateway's status, {which} serves {url}")
    pool = next(iter(pools.values()))
    if pool["balance"] not in _BY_WEIGHT:
        return Expected(None, f"pool {pool['name']} balances by {pool['balance']}: shares follow no weights")
    up = [s for s in pool["servers"] if s["state"] == "up"]
    serving = [s for s in up if not s["backup"]] or up
    weights = {s["name"]: float(s["weight"]) for s in serving}
    if not any(weights.values()):
        return Expected(None, f"pool {pool['name']} has no server that is up")
    others = {s["name"]: 0.0 for s in pool["servers"] if s["name"] not in weights}
    return Expected({**others, **weights}, f"the weights of pool {pool['name']}")


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
