"""The nouns: what Docker says (`Snapshot`), what the proxy should do (`Desired`), what it answers (`Running`).

Values only, frozen and sorted, so that the same world gives the same bytes. Next: `labels`.
"""

from __future__ import annotations

import dataclasses
from typing import Literal

State = Literal["created", "running", "paused", "restarting", "removing", "exited", "dead"]
Health = Literal["none", "starting", "healthy", "unhealthy"]
Protocol = Literal["http", "https", "h2c", "tcp"]
Balance = Literal["roundrobin", "leastconn", "source", "uri", "random"]
Severity = Literal["error", "warning"]
Setting = str | int | bool | None

# ------------------------------------------------------------------ what Docker says


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class Attachment:
    """One container's place on one network; `address` is IPv4 text, empty while it has none."""

    network: str
    address: str


@dataclasses.dataclass(frozen=True, slots=True)
class Container:
    """One container; a listing and an inspect of the same container give equal values.

    `created` is in whole Unix seconds. `ports` are the exposed TCP ports. `stopping` is true from the
    `kill` event with the stop signal until the container has ended or started again.
    """

    id: str
    name: str
    labels: tuple[tuple[str, str], ...]
    state: State
    health: Health
    ports: tuple[int, ...]
    attachments: tuple[Attachment, ...]
    created: int
    stopping: bool = False

    def __post_init__(self) -> None:
        for name in ("labels", "ports", "attachments"):
            object.__setattr__(self, name, tuple(sorted(getattr(self, name))))

    @property
    def live(self) -> bool:
        """Whether the container runs, so that it can serve now or in a moment; a paused container does not."""
        return self.state == "running"

    def address_on(self, network: str) -> str:
        """Return the container's IPv4 address on `network`; an empty string while it has none."""
        return next((a.address for a in self.attachments if a.network == network), "")


@dataclasses.dataclass(frozen=True, slots=True)
class Commands:
    """The commands that a person mends containers with, in the words of the provider that listed them.

    Format texts: `attach` has fields `network` and `container`, `inspect` has `container`.
    """

    attach: str
    inspect: str


@dataclasses.dataclass(frozen=True, slots=True)
class Snapshot:
    """All labelled containers, also ended containers, and the networks that have a gateway.

    `missing` are the ids of containers that listings have lacked for less than one resync although no event ended
    them; they are not among `containers`.
    """

    network: str
    commands: Commands
    containers: tuple[Container, ...] = ()
    gateways: tuple[str, ...] = ()
    missing: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        object.__setattr__(self, "containers", tuple(sorted(self.containers, key=lambda c: (c.name, c.id))))
        object.__setattr__(self, "gateways", tuple(sorted(set(self.gateways))))


# ------------------------------------------------------------------ what else was found out


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class Target:
    """One address whose readiness matters: a container's port, and the check that it has to pass.

    Without a `check`, one TCP connect that succeeds is enough. `protocol` is what the check speaks.
    """

    container: str
    name: str
    address: str
    port: int
    check: HealthCheck | None = None
    protocol: Literal["http", "https"] = "http"


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """Whether a target is ready; `reason` says to a person why not.

    `late`: the grace time is over, so that waiting has become a problem to report.
    """

    ok: bool
    reason: str = ""
    late: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Override:
    """What an operator asked for one container; it is kept until the container is gone."""

    drain: bool = False
    weight: int | None = None


# ------------------------------------------------------------------ what the proxy should do


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class HealthCheck:
    """An active HTTP check; times in milliseconds, `status` like `2xx,3xx` or `200,204`."""

    path: str
    status: str = "2xx,3xx"
    interval_ms: int = 2000
    timeout_ms: int = 2000
    rise: int = 2
    fall: int = 3
    port: int | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Server:
    """One container's port in one pool. A `draining` server finishes its requests and gets no new ones."""

    name: str
    container: str
    address: str
    port: int
    weight: int = 1
    backup: bool = False
    maxconn: int | None = None
    draining: bool = False


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


@dataclasses.dataclass(frozen=True, slots=True)
class Pin:
    """The generation that an operator pinned the gateway to, since when (for a person), and its pools and routes.

    Its servers and its pools' maintenance are left out: the present ones count.
    """

    number: int
    since: str
    desired: Desired

    def __post_init__(self) -> None:
        pools = tuple(dataclasses.replace(p, servers=(), maintenance=False) for p in self.desired.pools)
        object.__setattr__(self, "desired", Desired(self.desired.listeners, pools))


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class Problem:
    """Why a container, a route or the gateway is not as its owner may expect, and what to do about it.

    An `error` keeps the container (or the route) out; a `warning` does not. `label` may be empty.
    """

    container: str
    label: str
    reason: str
    severity: Severity = "error"


# ------------------------------------------------------------------ engines


@dataclasses.dataclass(frozen=True, slots=True)
class Features:
    """What one proxy binary can do, read from the binary itself, never assumed.

    `version` is like (3, 2, 26). `stream_module` is nginx's: "" when missing, "static", or the file to load.
    `maxconn` is how many client connections its file limit allows.
    """

    engine: str
    version: tuple[int, ...]
    stream_module: str = ""
    maxconn: int = 4096

    @property
    def version_text(self) -> str:
        """The version as people write it, `3.2.26`."""
        return ".".join(map(str, self.version))

    def since(self, *version: int) -> bool:
        """Whether the binary is at least that version."""
        return self.version >= version


@dataclasses.dataclass(frozen=True, slots=True)
class Tuning:
    """The proxy-wide settings of `[proxy]` in proxyctl.toml; times in milliseconds.

    `keepalive_min_ms` must exceed a client's pause between two requests on one connection; else a reload
    costs that client a request (docs/operations.md, reloads that lose nothing). `shutdown_ms` bounds how long an old
    worker may finish its requests.
    """

    client_timeout_ms: int = 60_000
    keepalive_ms: int = 10_000
    keepalive_min_ms: int = 5_000
    shutdown_ms: int = 60_000
    maxconn: int | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class ConfigFiles:
    """Rendered configuration: (file name, text) pairs and the hashes that name it.

    `revision` is the hash of all files, `topology` the hash of the same files without servers. So two configurations
    of one topology differ only in what can be changed at run time.
    """

    files: tuple[tuple[str, str], ...]
    revision: str
    topology: str


@dataclasses.dataclass(frozen=True, slots=True)
class Running:
    """What the running proxy answers with: its revision, its topology and its servers.

    `servers` are (pool, server) pairs with weight and draining as they are in effect; None from a proxy that does not
    list its servers.
    """

    revision: str
    topology: str
    servers: tuple[tuple[str, Server], ...] | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class ServerCount:
    """Live figures of one server: requests so far (None: not counted), and whether it is up (None: no check)."""

    pool: str
    server: str
    requests: int | None
    up: bool | None
