"""From one container's scopes to its memberships: which port is in which pool, with which settings and claims. Pure.

Knows neither other containers nor the network. Next: `reading` returns them, then `decide.members`.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from typing import Any

from proxyctl.core import codes
from proxyctl.core.features import balancing, drain, health, membership, server, table
from proxyctl.core.features.key import Key
from proxyctl.core.features.values import quoted
from proxyctl.core.labels.claims import claims, distinct
from proxyctl.core.labels.declaration import Membership
from proxyctl.core.labels.origin import default_pool
from proxyctl.core.labels.scopes import Labels, Scope
from proxyctl.core.model import HealthCheck, Pool

_NO_PORT = "no port is exposed: add EXPOSE to the image or the label {}"
_MOST_SHOWN = 8
_ROUTING = frozenset(k.name for k in table.KEYS if k.level == "route")
_WHOLE_CONTAINER = frozenset(k.name for k in table.KEYS if k.reach == "container")


def memberships(labels: Labels) -> Iterator[Membership]:
    """Return the container's memberships, each pool once; `labels` gets a Problem for each mistake."""
    main, pool = labels.main, labels.main.own(membership.POOL) or default_pool(labels.container)
    joined = [s for s in labels.routes.values() if _joins(s, pool)]
    named = main.own(membership.POOL) is not None
    exposed = bool(labels.container.ports) or main.get(server.PORT) is not None
    wanted = exposed or not labels.routes or bool(main.given - _WHOLE_CONTAINER)
    found: dict[str, Membership] = {}
    if wanted or joined:
        found[pool] = _membership(labels, main, pool, ([main] if wanted else []) + joined, named=named)
    for name, scope in labels.routes.items():
        if scope in joined:
            continue
        own = scope.own(membership.POOL) or f"{pool}.{name}"
        if not re.fullmatch(membership.POOL_NAME, own):
            labels.refuse(
                scope.label(membership.POOL), f"pool {quoted(own)} is too long a name: give it one", codes.BAD_VALUE
            )
        elif own in found:
            _merge(labels, found, scope, _membership(labels, scope, own, [scope], named=found[own].named))
        else:
            says = named or scope.own(membership.POOL) is not None
            found[own] = _membership(labels, scope, own, [scope], named=says)
    return iter(found.values())


def _joins(scope: Scope, pool: str) -> bool:
    """Return whether a further route only adds a route to the main pool: it has only routing labels."""
    others = scope.given - _ROUTING
    return not others or (others == {membership.POOL.name} and scope.own(membership.POOL) == pool)


def _merge(labels: Labels, found: dict[str, Membership], scope: Scope, new: Membership) -> None:
    old = found[new.pool.name]
    if new.port != old.port:
        reason = f"this container is in pool {old.pool.name} with port {old.port} already"
        written: Key[Any] = server.PORT if server.PORT.name in scope.given else membership.POOL
        labels.refuse(scope.label(written), reason)
    elif dataclasses.replace(new, at=old.at, claims=old.claims, written=old.written) != old:
        reason = f"this container is in pool {old.pool.name} with other settings already"
        labels.refuse(scope.label(membership.POOL), reason)
    else:
        both = distinct(labels, [*old.claims, *new.claims])
        found[new.pool.name] = dataclasses.replace(old, claims=both, written=old.written | new.written)


def _membership(labels: Labels, scope: Scope, pool: str, routed: list[Scope], *, named: bool) -> Membership:
    settings = _pool(scope, pool)
    return Membership(
        at=scope.at,
        pool=settings,
        network=scope.get(membership.NETWORK),
        port=_port(labels, scope),
        weight=scope.get(server.WEIGHT),
        backup=scope.get(server.BACKUP),
        maxconn=scope.get(server.MAXCONN),
        claims=claims(labels, routed, tcp=settings.protocol == "tcp"),
        written=frozenset(s.at + name for s in (scope, *routed) for name in s.given),
        named=named,
    )


def _port(labels: Labels, scope: Scope) -> int:
    """Return the server's port; 0 beside a problem. Of several exposed ports one is chosen, with a warning."""
    port, exposed = scope.get(server.PORT), labels.container.ports
    if port or scope.wrote(server.PORT):
        return port or 0
    label = scope.label(server.PORT)
    if not exposed:
        labels.refuse(label, _NO_PORT.format(label), codes.NO_PORT)
        return 0
    chosen = next((p for p in server.USUAL_PORTS if p in exposed), min(exposed))
    if len(exposed) > 1:
        listed = ", ".join(map(str, exposed[:_MOST_SHOWN])) + ", ..." * (len(exposed) > _MOST_SHOWN)
        labels.warn(
            label,
            f"ports {listed} are exposed, {chosen} is taken: {label} confirms it or says another",
            codes.PORT_CHOSEN,
        )
    return chosen


def _pool(scope: Scope, name: str) -> Pool:
    protocol = scope.get(balancing.PROTOCOL)
    tcp = protocol == "tcp"
    passed = {k.name: (scope.get(k, tcp=tcp), k.default) for k in table.SETTINGS}
    return Pool(
        name=name,
        protocol=protocol,
        balance=scope.get(balancing.BALANCE, tcp=tcp),
        sticky=scope.get(balancing.STICKY, tcp=tcp),
        health=_health(scope, tcp=tcp),
        drain_ms=scope.get(drain.DRAIN),
        settings=tuple((key, value) for key, (value, default) in passed.items() if value != default),
    )


def _health(scope: Scope, *, tcp: bool) -> HealthCheck | None:
    keys = [k for k in health.KEYS if not (tcp and k.http)]
    if not any(k.name in scope.given or k.name in scope.defaults for k in keys):
        return None
    return HealthCheck(
        path="" if tcp else scope.get(health.PATH),
        status=scope.get(health.STATUS, tcp=tcp),
        interval_ms=scope.get(health.INTERVAL),
        timeout_ms=scope.get(health.TIMEOUT),
        rise=scope.get(health.RISE),
        fall=scope.get(health.FALL),
        port=scope.get(health.PORT),
    )
