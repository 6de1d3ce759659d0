"""What one container's labels say, as typed values or as Problems; pure.

A mistake leaves the whole container out, never a part of it, and all of its mistakes are reported at once.
The keys are the table in `keys`. What other containers say, and the network, is not looked at here.
Next: `members`.
"""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Iterator, Mapping
from typing import TypeVar, cast

from proxyctl.core import layout
from proxyctl.core.features import keys
from proxyctl.core.features.keys import Key
from proxyctl.core.features.values import quoted
from proxyctl.core.model import Container, HealthCheck, Pool, Problem

T = TypeVar("T")

COMPOSE_SERVICE = "com.docker.compose.service"
_NO_PORT = "no port is exposed: add EXPOSE to the image or the label {}"
# Main keys that say something about the whole container, so that they alone do not ask for a main route.
_WHOLE_CONTAINER = frozenset({"enable", "pool", "network", "weight", "backup", "drain"})
_HTTP_ONLY = frozenset({"host", "path", "strip_prefix", "sticky", "retry.unsafe", *keys.HEALTH})


@dataclasses.dataclass(frozen=True, slots=True)
class Options:
    """How labels are read: the prefix, who takes part unasked, and `[defaults]` of proxyctl.toml."""

    label_prefix: str = "proxyctl"
    expose_by_default: bool = False
    defaults: tuple[tuple[str, str], ...] = ()


_PLAIN = Options()


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class Claim:
    """A place on the gateway that a container wants for its pool; `at` is where its labels stand."""

    listen: int
    host: str
    path: str
    strip_prefix: bool = False
    at: str = dataclasses.field(default="proxyctl.", compare=False)


@dataclasses.dataclass(frozen=True, slots=True)
class Membership:
    """One port of a container in one pool. `pool` holds the pool-level keys and no servers.

    `at` says where its labels stand, `proxyctl.` or `proxyctl.route.x.`, and `written` which were, in full.
    """

    at: str
    pool: Pool
    network: str
    port: int
    weight: int
    backup: bool
    maxconn: int | None
    claims: tuple[Claim, ...]
    written: frozenset[str]


@dataclasses.dataclass(frozen=True, slots=True)
class Declaration:
    """All that a container's labels say. With an error among `problems` there are no memberships.

    `asked` tells an `enable` label from `expose_by_default`.
    """

    takes_part: bool
    asked: bool = False
    network: str = ""
    memberships: tuple[Membership, ...] = ()
    problems: tuple[Problem, ...] = ()


def check_defaults(defaults: Mapping[str, str]) -> tuple[str, ...]:
    """Return what is wrong with `[defaults]`, one line each: `weight: "300" is not accepted: ...`."""
    lines = []
    for name, text in sorted(defaults.items()):
        _, reason = keys.check(name, text, "")
        if not reason and keys.BY_NAME[name].level == "container":
            reason = "belongs on a container, it has no default"
        if reason:
            lines.append(f"{name}: {reason}")
    return tuple(lines)


@functools.lru_cache(maxsize=8)
def _parsed(defaults: tuple[tuple[str, str], ...]) -> Mapping[str, object]:
    if wrong := check_defaults(dict(defaults)):
        raise ValueError("; ".join(wrong))
    return {name: keys.check(name, text, "")[0] for name, text in defaults}


def parse(container: Container, options: Options = _PLAIN) -> Declaration:
    """Read the labels of one container; the defaults in `options` must have passed `check_defaults`."""
    labels = dict(container.labels)
    if layout.GATEWAY_LABEL in labels:
        return Declaration(takes_part=False)
    reading = _Reading(container, options)
    enable = reading.main.get(keys.ENABLE)
    asked = "enable" in reading.main.given
    if asked and enable is None:
        return Declaration(takes_part=False, asked=True, problems=reading.only("enable"))
    if not (enable if asked else options.expose_by_default):
        problems = () if asked else reading.forgotten()
        return Declaration(takes_part=False, asked=asked, problems=problems)
    memberships = tuple(reading.memberships())
    if reading.problems:
        memberships = ()
    network = reading.main.get(keys.NETWORK) or ""
    problems = tuple(sorted(set(reading.problems)))
    return Declaration(takes_part=True, asked=asked, network=network, memberships=memberships, problems=problems)


class _Scope:
    """The labels of one place: the container's own, or those of one further route."""

    def __init__(self, at: str, defaults: Mapping[str, object]) -> None:
        self.at = at
        self.given: set[str] = set()
        self.values: dict[str, object] = {}
        self._defaults = defaults

    def own(self, key: Key[T]) -> T | None:
        return cast("T | None", self.values.get(key.name))

    def get(self, key: Key[T], parent: _Scope | None = None) -> T | None:
        """Return the value written here, else at `parent`, else in `[defaults]`."""
        for scope in (self, parent):
            if scope is not None and key.name in scope.given:
                return scope.own(key)
        return cast("T | None", self._defaults.get(key.name))


class _Reading:
    """One container's labels while they are being read; collects the problems."""

    def __init__(self, container: Container, options: Options) -> None:
        self.container = container
        self.problems: list[Problem] = []
        self.prefix = f"{options.label_prefix}."
        self._defaults = _parsed(options.defaults)
        self.main = _Scope(self.prefix, self._defaults)
        self.routes: dict[str, _Scope] = {}
        for label, text in container.labels:
            if label.startswith(self.prefix) and label not in keys.OWN_MARKERS:
                self._read(label, text)

    def refuse(self, label: str, reason: str) -> None:
        shown = label if label.isprintable() and len(label) < 200 else quoted(label)  # noqa: PLR2004
        self.problems.append(Problem(self.container.name, shown, reason))

    def only(self, name: str) -> tuple[Problem, ...]:
        return tuple(p for p in self.problems if p.label == self.prefix + name)

    def forgotten(self) -> tuple[Problem, ...]:
        """Return the warning for a container that has labels of ours, but not the one that counts."""
        if not (self.main.given or self.routes or self.problems):
            return ()
        key = f"{self.prefix}enable"
        reason = f"has {self.prefix.rstrip('.')} labels but no {key}=true: it takes no part"
        return (Problem(self.container.name, key, reason, "warning"),)

    def _read(self, label: str, text: str) -> None:
        name, scope = label.removeprefix(self.prefix), self.main
        if name.startswith("route."):
            route, dot, name = name.removeprefix("route.").partition(".")
            if not dot or not re.fullmatch(keys.ROUTE_NAME, route):
                form = f"{self.prefix}route.<name>.<key>"
                self.refuse(label, f"not a route's label: {form}, the name 1 to 32 of a-z, 0-9, _ and -")
                return
            if name == "enable":
                self.refuse(label, f"a route cannot be enabled alone: use {self.prefix}enable")
                return
            scope = self.routes.setdefault(route, _Scope(f"{self.prefix}route.{route}.", self._defaults))
        value, reason = keys.check(name, text, scope.at)
        if reason:
            self.refuse(label, reason)
        if name in keys.BY_NAME:
            scope.given.add(name)
            if not reason:
                scope.values[name] = value

    # -------------------------------------------------------------- from labels to memberships

    def memberships(self) -> Iterator[Membership]:
        main, pool = self.main, self.main.own(keys.POOL) or self._default_pool()
        joined = [s for s in self.routes.values() if self._joins(s, pool)]
        exposed = bool(self.container.ports) or main.get(keys.PORT) is not None
        wanted = exposed or not self.routes or bool(main.given - _WHOLE_CONTAINER)
        found: dict[str, Membership] = {}
        if wanted or joined:
            found[pool] = self._membership(main, pool, ([main] if wanted else []) + joined)
        for name, scope in self.routes.items():
            if scope in joined:
                continue
            own = scope.own(keys.POOL) or f"{pool}.{name}"
            if not re.fullmatch(keys.POOL_NAME, own):
                self.refuse(f"{scope.at}pool", f"pool {quoted(own)} is too long a name: give it one")
            elif own in found:
                self._merge(found, scope, self._membership(scope, own, [scope]))
            else:
                found[own] = self._membership(scope, own, [scope])
        return iter(found.values())

    def _joins(self, scope: _Scope, pool: str) -> bool:
        """Whether a further route says only where requests come from, and so belongs to the main pool."""
        others = scope.given - keys.ROUTING
        return not others or (others == {"pool"} and scope.own(keys.POOL) == pool)

    def _merge(self, found: dict[str, Membership], scope: _Scope, new: Membership) -> None:
        old = found[new.pool.name]
        if new.port != old.port:
            reason = f"this container is in pool {old.pool.name} with port {old.port} already"
            self.refuse(f"{scope.at}{'port' if 'port' in scope.given else 'pool'}", reason)
        elif dataclasses.replace(new, at=old.at, claims=old.claims, written=old.written) != old:
            reason = f"this container is in pool {old.pool.name} with other settings already"
            self.refuse(f"{scope.at}pool", reason)
        else:
            claims = self._distinct([*old.claims, *new.claims])
            found[new.pool.name] = dataclasses.replace(old, claims=claims, written=old.written | new.written)

    def _membership(self, scope: _Scope, pool: str, routed: list[_Scope]) -> Membership:
        settings = self._settings(scope, pool)
        claims = [c for s in routed for c in self._claims(s, tcp=settings.protocol == "tcp")]
        weight = scope.get(keys.WEIGHT, self.main)
        return Membership(
            at=scope.at,
            pool=settings,
            network=scope.get(keys.NETWORK, self.main) or "",
            port=self._port(scope),
            weight=1 if weight is None else weight,
            backup=scope.get(keys.BACKUP, self.main) or False,
            maxconn=scope.get(keys.MAXCONN),
            claims=self._distinct(claims),
            written=frozenset(s.at + name for s in (scope, *routed) for name in s.given),
        )

    def _port(self, scope: _Scope) -> int:
        """Return the server's port; 0 beside a problem."""
        given = "port" in scope.given or "port" in self.main.given
        port = scope.get(keys.PORT, self.main) or min(self.container.ports, default=0)
        if not port and not given:
            self.refuse(f"{scope.at}port", _NO_PORT.format(f"{scope.at}port"))
        return port

    def _settings(self, scope: _Scope, name: str) -> Pool:
        plain = Pool(name)
        protocol = scope.get(keys.PROTOCOL) or plain.protocol
        balance = scope.get(keys.BALANCE) or plain.balance
        if protocol == "tcp" and balance == "uri":
            balance = plain.balance
            if "balance" in scope.given:
                self.refuse(f"{scope.at}balance", "uri is for HTTP: protocol=tcp has none")
        return Pool(
            name=name,
            protocol=protocol,
            balance=balance,
            sticky=None if protocol == "tcp" else scope.get(keys.STICKY),
            health=None if protocol == "tcp" else self._health(scope),
            drain_ms=scope.get(keys.DRAIN, self.main) or plain.drain_ms,
            timeout_connect_ms=scope.get(keys.TIMEOUT_CONNECT) or plain.timeout_connect_ms,
            timeout_server_ms=scope.get(keys.TIMEOUT_SERVER) or plain.timeout_server_ms,
            timeout_queue_ms=scope.get(keys.TIMEOUT_QUEUE) or plain.timeout_queue_ms,
            retry_unsafe=protocol != "tcp" and (scope.get(keys.RETRY_UNSAFE) or False),
        )

    def _health(self, scope: _Scope) -> HealthCheck | None:
        if not any(k in scope.given or k in self._defaults for k in keys.HEALTH):
            return None
        plain = HealthCheck("/healthz")
        return HealthCheck(
            path=scope.get(keys.HEALTH_PATH) or plain.path,
            status=scope.get(keys.HEALTH_STATUS) or plain.status,
            interval_ms=scope.get(keys.HEALTH_INTERVAL) or plain.interval_ms,
            timeout_ms=scope.get(keys.HEALTH_TIMEOUT) or plain.timeout_ms,
            rise=scope.get(keys.HEALTH_RISE) or plain.rise,
            fall=scope.get(keys.HEALTH_FALL) or plain.fall,
            port=scope.get(keys.HEALTH_PORT),
        )

    def _claims(self, scope: _Scope, *, tcp: bool) -> list[Claim]:
        if tcp:
            return self._tcp_claims(scope)
        listen = scope.get(keys.LISTEN) or 80
        hosts = scope.get(keys.HOST, self.main) or ("",)
        path, strip = scope.get(keys.PATH) or "/", scope.get(keys.STRIP_PREFIX) or False
        return [Claim(listen, host, path, strip, scope.at) for host in hosts]

    def _tcp_claims(self, scope: _Scope) -> list[Claim]:
        for name in sorted(scope.given & _HTTP_ONLY):
            reason = "is for HTTP, this port is protocol=tcp"
            if name == "host":
                reason = "routing by SNI is not supported yet, a port with protocol=tcp takes all hosts"
            self.refuse(f"{scope.at}{name}", reason)
        if "listen" not in scope.given:
            self.refuse(f"{scope.at}listen", "is missing: protocol=tcp needs its own port on the gateway")
        return [Claim(scope.own(keys.LISTEN) or 0, "", "/", at=scope.at)]

    def _distinct(self, claims: list[Claim]) -> tuple[Claim, ...]:
        places: dict[tuple[int, str, str], Claim] = {}
        for claim in claims:
            first = places.setdefault((claim.listen, claim.host, claim.path), claim)
            if first.strip_prefix != claim.strip_prefix:
                self.refuse(f"{claim.at}strip_prefix", f"{first.at}strip_prefix differs for this route")
        return tuple(sorted(places.values()))

    def _default_pool(self) -> str:
        service = dict(self.container.labels).get(COMPOSE_SERVICE, "")
        return _as_pool(service) or _as_pool(self.container.name) or "pool"


def _as_pool(name: str) -> str:
    """Return the nearest pool name: lower case, anything else a `-`, and a letter or a digit in front."""
    return re.sub(r"[^a-z0-9._-]", "-", name.lower()).lstrip("._-")[:63]
