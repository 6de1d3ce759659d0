"""The table of label keys: what each is called, takes and means. The public contract, as data.

Drives the parsing in `labels`, the hint at the nearest known key and the reference in docs/labels.md.
"""

from __future__ import annotations

import dataclasses
import difflib
from typing import Any, Generic, Literal, TypeVar

from proxyctl.core import layout
from proxyctl.core.features import values
from proxyctl.core.features.values import Kind
from proxyctl.core.model import Balance, Protocol

T = TypeVar("T")

Level = Literal["container", "server", "pool", "route"]

POOL_NAME = r"[a-z0-9][a-z0-9._-]{0,62}"
ROUTE_NAME = r"[a-z0-9][a-z0-9_-]{0,31}"

# Labels that proxyctl's own tools put on what they create; never taken for a mistake of the user's.
OWN_MARKERS = frozenset(
    {layout.GATEWAY_LABEL, layout.NETWORK_LABEL, "proxyctl.test", "proxyctl.demo", "proxyctl.lab", "proxyctl.check"}
)


@dataclasses.dataclass(frozen=True, slots=True)
class Key(Generic[T]):
    """One label key, without the prefix.

    `level` says whose it is: of the `container`, of one `server`, of its whole `pool` (where replicas have
    to agree) or of a `route`. Keys of level `container` have no default in proxyctl.toml.
    """

    name: str
    kind: Kind[T]
    level: Level
    default: str
    meaning: str


_flag, _port = values.boolean, values.whole(1, 65535)
_network = values.pattern(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}", "the name of a Docker network")
_pool = values.pattern(POOL_NAME, "1 to 63 of a-z, 0-9 and ._-, the first a letter or a digit")
_protocol: Kind[Protocol] = values.word("http", "https", "h2c", "tcp")
_balance: Kind[Balance] = values.word("roundrobin", "leastconn", "source", "uri", "random")

ENABLE = Key("enable", _flag, "container", "`false` (`--expose-by-default` turns it)", "take part at all")
POOL = Key(
    "pool",
    _pool,
    "container",
    "compose service, else container name",
    "replicas with the same pool are balanced together",
)
NETWORK = Key("network", _network, "container", "the watched network", "which attachment to use")
PORT = Key(
    "port",
    _port,
    "server",
    "the lowest exposed TCP port; none exposed is a problem",
    "container port, published or not",
)
PROTOCOL = Key("protocol", _protocol, "pool", "`http`", "what the server speaks")
HOST = Key("host", values.hosts, "route", "any host", "route by Host; an exact name beats `*.name`, that beats any")
PATH = Key(
    "path",
    values.path,
    "route",
    "`/`",
    "segment-aligned prefix (`/api` takes `/api` and `/api/x`, not `/apix`); longest wins",
)
STRIP_PREFIX = Key("strip_prefix", _flag, "route", "`false`", "remove `path` before forwarding")
LISTEN = Key("listen", _port, "route", "`80`", "the gateway's port; for `protocol=tcp` required")
WEIGHT = Key("weight", values.whole(0, 256), "server", "`1`", "share of the traffic; 0 takes no new requests")
BACKUP = Key("backup", _flag, "server", "`false`", "only when no other server is up")
BALANCE = Key("balance", _balance, "pool", "`roundrobin`", "how a pool chooses a server")
STICKY = Key("sticky", values.cookie, "pool", "off", "session affinity by this cookie")
MAXCONN = Key("maxconn", values.whole(1, 1_000_000), "server", "none", "connections to one server; the rest queues")
HEALTH_PATH = Key(
    "health.path",
    values.uri,
    "pool",
    "`/healthz`",
    "active HTTP check: what it asks for. Any `health.*` key turns the check on, without one there is none",
)
HEALTH_STATUS = Key("health.status", values.statuses, "pool", "`2xx,3xx`", "what the check takes for well")
HEALTH_INTERVAL = Key("health.interval", values.duration(50), "pool", "`2s`", "from the start of one check to the next")
HEALTH_TIMEOUT = Key("health.timeout", values.duration(), "pool", "`2s`", "how long an answer may take")
HEALTH_RISE = Key("health.rise", values.whole(1, 100), "pool", "`2`", "good checks in a row for up")
HEALTH_FALL = Key("health.fall", values.whole(1, 100), "pool", "`3`", "bad checks in a row for down")
HEALTH_PORT = Key("health.port", _port, "pool", "the server's port", "another port for the check")
DRAIN = Key("drain", values.duration(), "pool", "`30s`", "how long a leaving server may finish")
TIMEOUT_CONNECT = Key("timeout.connect", values.duration(), "pool", "`2s`", "to connect to a server")
TIMEOUT_SERVER = Key("timeout.server", values.duration(), "pool", "`60s`", "between two signs of a server")
TIMEOUT_QUEUE = Key("timeout.queue", values.duration(), "pool", "`10s`", "in the queue of `maxconn`")
RETRY_UNSAFE = Key(
    "retry.unsafe",
    _flag,
    "pool",
    "`false`",
    "repeat a POST, too, on another server when one dies in the middle of it: it may then run twice",
)

KEYS: tuple[Key[Any], ...] = (
    ENABLE,
    POOL,
    PORT,
    NETWORK,
    PROTOCOL,
    HOST,
    PATH,
    STRIP_PREFIX,
    LISTEN,
    WEIGHT,
    BACKUP,
    BALANCE,
    STICKY,
    MAXCONN,
    HEALTH_PATH,
    HEALTH_STATUS,
    HEALTH_INTERVAL,
    HEALTH_TIMEOUT,
    HEALTH_RISE,
    HEALTH_FALL,
    HEALTH_PORT,
    DRAIN,
    TIMEOUT_CONNECT,
    TIMEOUT_SERVER,
    TIMEOUT_QUEUE,
    RETRY_UNSAFE,
)
BY_NAME = {k.name: k for k in KEYS}
HEALTH = tuple(k.name for k in KEYS if k.name.startswith("health."))
ROUTING = frozenset(k.name for k in KEYS if k.level == "route")


def unknown(name: str, at: str) -> str:
    """Return the reason for a key that is not in the table; `at` is the prefix that it was written under."""
    near = difflib.get_close_matches(name.lower()[:80], BY_NAME, n=1)
    if near:
        return f"unknown key; did you mean {at}{near[0]}?"
    return "unknown key; docs/labels.md lists them all"


def check(name: str, text: str, at: str) -> tuple[object, str]:
    """Parse one label; return its value and, where it is refused, the reason (else an empty string)."""
    key = BY_NAME.get(name)
    if key is None:
        return None, unknown(name, at)
    text = text.strip(" \t")
    try:
        return key.kind.parse(text), ""
    except ValueError as exc:
        return None, key.kind.refuse(text, str(exc))
