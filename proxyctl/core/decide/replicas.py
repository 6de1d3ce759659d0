"""Where two replicas of a pool disagree on a pool-level label, by the table of keys. Pure. Called by `desired`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from proxyctl.core.features import health, table
from proxyctl.core.features.key import Key
from proxyctl.core.labels.declaration import Claim, Membership
from proxyctl.core.model import HealthCheck, Pool

_POOL = tuple(k for k in table.KEYS if k.level == "pool" and k not in health.KEYS)
_ROUTES = tuple(k for k in table.KEYS if k.level == "route")


def differences(here: Membership, there: Membership) -> Iterator[tuple[str, str, str]]:
    """Yield (label, value here, value there) for each pool-level or route label in which they differ."""
    yield from _differences(here.at, _POOL, here.pool, there.pool)
    if here.pool.health and there.pool.health:
        yield from _differences(here.at, health.KEYS, here.pool.health, there.pool.health)
    elif here.pool.health != there.pool.health:
        mine, theirs = ("off" if m.pool.health is None else m.pool.health.path for m in (here, there))
        yield f"{here.at}{health.PATH.name}", mine, theirs
    only_here = set(here.claims) - set(there.claims)
    if set(here.claims) != set(there.claims):
        at = min(c.at for c in only_here) if only_here else here.at
        for key in _ROUTES:
            mine, theirs = _listed(here.claims, key), _listed(there.claims, key)
            if mine != theirs:
                yield f"{at}{key.name}", mine, theirs


def _differences(
    at: str, keys: tuple[Key[Any], ...], mine: Pool | HealthCheck, theirs: Pool | HealthCheck
) -> Iterator[tuple[str, str, str]]:
    for key in keys:
        ours, other = key.of(mine), key.of(theirs)
        if ours != other:
            yield f"{at}{key.name}", key.kind.write(ours), key.kind.write(other)


def _listed(claims: tuple[Claim, ...], key: Key[Any]) -> str:
    """Return the values of one key in all claims, written as in a label."""
    values = sorted({key.of(c) for c in claims})
    return ", ".join(key.kind.write(v) or "any host" for v in values)
