"""The labels of a pool's timeouts, in milliseconds; they pass through to the engines. Pure."""

from __future__ import annotations

from proxyctl.core.features import values
from proxyctl.core.features.key import HttpOnly, Key

CONNECT = Key("timeout.connect", values.duration(), "pool", default=2_000, meaning="to connect to a server")
SERVER = Key("timeout.server", values.duration(), "pool", default=60_000, meaning="between two signs of a server")
QUEUE = Key("timeout.queue", values.duration(), "pool", default=10_000, meaning="in the queue of `maxconn`")
TUNNEL = Key(
    "timeout.tunnel",
    values.duration(),
    "pool",
    default=3_600_000,
    meaning="an upgraded connection, such as a WebSocket, without a byte",
    http=HttpOnly(),
)

KEYS = (CONNECT, SERVER, QUEUE, TUNNEL)
