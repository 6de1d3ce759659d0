"""Which pool gets a route of the gateway that more than one pool claims.

The incumbent keeps its route, so a new container's label never takes traffic from a pool that serves. The result does
not depend on any order of containers. Called by `desired`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from proxyctl.core.features.routing import LISTEN
from proxyctl.core.labels.declaration import Claim
from proxyctl.core.model import Desired, Listener, Route


@dataclasses.dataclass(frozen=True, slots=True)
class Claimant:
    """A pool that claims routes.

    `present`: some container of it has not ended. `live`: some container of it runs. `oldest` is when its first
    container was made, in Unix seconds.
    """

    pool: str
    tcp: bool
    present: bool
    live: bool
    oldest: int
    claims: tuple[Claim, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Refused:
    """A claim of `pool` that was refused for the `incumbent`; `what` the incumbent keeps is for a person."""

    pool: str
    claim: Claim
    incumbent: str
    what: str
    labels: tuple[str, ...]


def settle(claimants: Iterable[Claimant], previous: Desired) -> tuple[tuple[Listener, ...], tuple[Refused, ...]]:
    """Return the listeners with their routes, and the claims that were refused."""
    had = {(x.port, x.protocol == "tcp", r.host, r.path, r.pool) for x in previous.listeners for r in x.routes}

    def rank(entry: tuple[Claimant, Claim]) -> tuple[bool, bool, bool, int, str, Claim]:
        pool, claim = entry
        has = (claim.listen, pool.tcp, claim.host, claim.path, pool.pool) in had
        return not pool.present, not has, not pool.live, pool.oldest, pool.pool, claim

    granted: dict[int, list[tuple[Claimant, Claim]]] = {}
    refused: list[Refused] = []
    for claimant, claim in sorted(((p, c) for p in claimants for c in p.claims), key=rank):
        port = granted.setdefault(claim.listen, [])
        refusal = next((r for other, taken in port if (r := _clash(claimant, claim, other, taken))), None)
        if refusal:
            refused.append(refusal)
        else:
            port.append((claimant, claim))
    listeners = (
        Listener(
            number,
            "tcp" if any(p.tcp for p, _ in port) else "http",
            tuple(Route(c.host, c.path, p.pool, c.strip_prefix) for p, c in port),
        )
        for number, port in granted.items()
    )
    return tuple(sorted(listeners)), tuple(refused)


def with_default_port(listeners: tuple[Listener, ...]) -> tuple[Listener, ...]:
    """Return the listeners, with the default port among them: without a route the gateway answers 404 there."""
    if any(listener.port == LISTEN.default for listener in listeners):
        return listeners
    return (Listener(LISTEN.default), *listeners)


def _clash(claimant: Claimant, claim: Claim, incumbent: Claimant, taken: Claim) -> Refused | None:
    """Return the refusal of `claim` where it conflicts with `taken`, else None; a tcp port takes one pool only."""
    if claimant.tcp or incumbent.tcp:
        spoken = "tcp" if incumbent.tcp else "http"
        what = f"port {claim.listen} for {spoken}"
        return Refused(claimant.pool, claim, incumbent.pool, what, ("listen",))
    if (claim.host, claim.path) != (taken.host, taken.path):
        return None
    what = f"{claim.host or 'any host '}{claim.path} on port {claim.listen}"
    return Refused(claimant.pool, claim, incumbent.pool, what, ("host", "path"))
