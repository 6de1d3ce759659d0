"""From a container's labels to the routes that it claims on the gateway; refuses HTTP labels on tcp. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from proxyctl.core.features import routing, table
from proxyctl.core.labels.declaration import Claim
from proxyctl.core.labels.scopes import Labels, Scope


def claims(labels: Labels, scopes: Iterable[Scope], *, tcp: bool) -> tuple[Claim, ...]:
    """Return the distinct claims of the scopes, sorted; refuse labels that contradict another or are not for tcp."""
    return distinct(labels, (c for s in scopes for c in (_tcp(labels, s) if tcp else _http(s))))


def _http(scope: Scope) -> list[Claim]:
    listen, path, strip = scope.get(routing.LISTEN), scope.get(routing.PATH), scope.get(routing.STRIP_PREFIX)
    return [Claim(listen, host, path, strip, scope.at) for host in scope.get(routing.HOST)]


def _tcp(labels: Labels, scope: Scope) -> list[Claim]:
    for key in table.KEYS:
        if key.http and key.name in scope.given and key.http.refuses(scope.own(key)):
            labels.refuse(scope.label(key), key.http.reason)
    if routing.LISTEN.name not in scope.given:
        labels.refuse(scope.label(routing.LISTEN), "is missing: protocol=tcp needs its own port on the gateway")
    return [Claim(scope.own(routing.LISTEN) or 0, "", "/", at=scope.at)]


def distinct(labels: Labels, found: Iterable[Claim]) -> tuple[Claim, ...]:
    """Return one claim for each route, sorted; refuse a claim that strips the path where an equal one does not."""
    places: dict[tuple[int, str, str], Claim] = {}
    for claim in found:
        first = places.setdefault((claim.listen, claim.host, claim.path), claim)
        if first.strip_prefix != claim.strip_prefix:
            name = routing.STRIP_PREFIX.name
            labels.refuse(f"{claim.at}{name}", f"{first.at}{name} differs for this route")
    return tuple(sorted(places.values()))
