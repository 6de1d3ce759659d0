"""Where two replicas of a pool disagree on what only the whole pool can have."""

from __future__ import annotations

from collections.abc import Iterator

from proxyctl.core.labels.reading import Claim, Membership
from proxyctl.core.model import HealthCheck, Pool

_POOL = {
    "protocol": "protocol",
    "balance": "balance",
    "sticky": "sticky",
    "drain_ms": "drain",
    "timeout_connect_ms": "timeout.connect",
    "timeout_server_ms": "timeout.server",
    "timeout_queue_ms": "timeout.queue",
    "retry_unsafe": "retry.unsafe",
}
_HEALTH = {
    "path": "health.path",
    "status": "health.status",
    "interval_ms": "health.interval",
    "timeout_ms": "health.timeout",
    "rise": "health.rise",
    "fall": "health.fall",
    "port": "health.port",
}
_ROUTES = ("host", "path", "listen", "strip_prefix")


def differences(here: Membership, there: Membership) -> Iterator[tuple[str, str, str]]:
    """Yield each pool-level label of `here` that differs, with the value here and the one there."""
    for field, key in _POOL.items():
        yield from _difference(here, key, field, here.pool, there.pool)
    if here.pool.health and there.pool.health:
        for field, key in _HEALTH.items():
            yield from _difference(here, key, field, here.pool.health, there.pool.health)
    elif here.pool.health != there.pool.health:
        mine, theirs = ("off" if m.pool.health is None else m.pool.health.path for m in (here, there))
        yield f"{here.at}health.path", mine, theirs
    only_here = set(here.claims) - set(there.claims)
    if set(here.claims) != set(there.claims):
        at = min(c.at for c in only_here) if only_here else here.at
        for name in _ROUTES:
            mine, theirs = _listed(here.claims, name), _listed(there.claims, name)
            if mine != theirs:
                yield f"{at}{name}", mine, theirs


def _difference(
    here: Membership, key: str, field: str, mine: Pool | HealthCheck, theirs: Pool | HealthCheck
) -> Iterator[tuple[str, str, str]]:
    ours, other = getattr(mine, field), getattr(theirs, field)
    if ours != other:
        yield f"{here.at}{key}", _as_text(ours, field), _as_text(other, field)


def _as_text(value: object, field: str) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "none" if value is None else f"{value}{'ms' if field.endswith('_ms') else ''}"


def _listed(claims: tuple[Claim, ...], name: str) -> str:
    """Return one key of all routes as a label would say it."""
    values = sorted({getattr(c, name) for c in claims})
    texts = (_as_text(v, name) for v in values)
    return ", ".join(t or "any host" for t in texts)
