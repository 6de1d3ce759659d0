"""What the proxy should do: pools of servers, and the routes that lead to them; not how an engine prints it."""

from __future__ import annotations

import dataclasses
from typing import Final, Literal

Protocol = Literal["http", "https", "h2c", "tcp"]
Balance = Literal["roundrobin", "leastconn", "source", "uri", "random"]
BY_KEY: Final[tuple[Balance, ...]] = ("source", "uri")
"""Those that choose by a key of the request."""
Setting = str | int | bool | None


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class HealthCheck:
    """An active check, a connect where `path` is empty; times in milliseconds, `status` like `2xx,3xx` or `200,204`."""

    path: str
    status: str = "2xx,3xx"
    interval_ms: int = 2000
    timeout_ms: int = 2000
    rise: int = 2
    fall: int = 3
    port: int | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Server:
    """One container's port in one pool. A `draining` server finishes its requests and gets no new ones.

    `known_as` are the names by which DNS knows its address, where they are not the container's id and name; a proxy
    prints nothing by them.
    """

    name: str
    container: str
    address: str
    port: int
    weight: int = 1
    backup: bool = False
    maxconn: int | None = None
    draining: bool = False
    known_as: tuple[str, ...] = dataclasses.field(default=(), compare=False)


@dataclasses.dataclass(frozen=True, slots=True)
class Pool:
    """Servers that share the traffic, and how; times in milliseconds. A pool without servers answers 503.

    `settings` are (key, value) pairs that the engines print and the core decides nothing by. Only values that differ
    from the key's default are in it, so that a new key changes no pool; the keys of `core.features` read them, typed.
    In `maintenance` every path but `open_path` answers 503, and a tcp pool closes its connections.
    """

    name: str
    protocol: Protocol = "http"
    balance: Balance = "roundrobin"
    sticky: str | None = None
    health: HealthCheck | None = None
    drain_ms: int = 30_000
    settings: tuple[tuple[str, Setting], ...] = ()
    maintenance: bool = False
    servers: tuple[Server, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "settings", tuple(sorted(self.settings, key=lambda s: s[0])))
        object.__setattr__(self, "servers", tuple(sorted(self.servers, key=lambda s: (s.name, s.port))))

    @property
    def open_path(self) -> str:
        """The path of the health check, as servers see it: it reaches them even in maintenance. Empty without a check.

        Empty also for a path with a %: nginx compares the decoded path, HAProxy the path as it was sent.
        """
        path = self.health.path.partition("?")[0] if self.health else ""
        return "" if "%" in path else path


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class Route:
    """Which requests of a listener go to which pool; `host` empty means any, `path` is segment-aligned."""

    host: str
    path: str
    pool: str
    strip_prefix: bool = False


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class Listener:
    """One port of the gateway. A `tcp` listener has exactly one route, with an empty host and the path `/`."""

    port: int
    protocol: Literal["http", "tcp"] = "http"
    routes: tuple[Route, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "routes", tuple(sorted(self.routes)))


@dataclasses.dataclass(frozen=True, slots=True)
class Desired:
    """What the proxy should do: listeners and pools, each sorted. How an engine prints it is not in here."""

    listeners: tuple[Listener, ...] = ()
    pools: tuple[Pool, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "listeners", tuple(sorted(self.listeners)))
        object.__setattr__(self, "pools", tuple(sorted(self.pools, key=lambda p: p.name)))

    def pool(self, name: str) -> Pool | None:
        """Return the pool of that name, if there is one."""
        return next((p for p in self.pools if p.name == name), None)
