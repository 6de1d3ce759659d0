"""The labels of the active check, HTTP or with protocol=tcp a connect; any of them turns the check on. Pure.

Their fields are in `HealthCheck`.
"""

from __future__ import annotations

from proxyctl.core.features import values
from proxyctl.core.features.key import HttpOnly, Key

PATH = Key(
    "health.path",
    values.uri,
    "pool",
    default="/healthz",
    meaning="active HTTP check: what it asks for. Any `health.*` key turns the check on, without one there is none. "
    "With `protocol=tcp` the check is a connect, and neither path nor status is taken",
    field="path",
    http=HttpOnly(),
)
STATUS = Key(
    "health.status",
    values.statuses,
    "pool",
    default="2xx,3xx",
    meaning="what the check takes for well",
    field="status",
    http=HttpOnly(),
)
INTERVAL = Key(
    "health.interval",
    values.duration(50),
    "pool",
    default=2_000,
    meaning="from the start of one check to the next",
    field="interval_ms",
)
TIMEOUT = Key(
    "health.timeout",
    values.duration(),
    "pool",
    default=2_000,
    meaning="how long an answer may take",
    field="timeout_ms",
)
RISE = Key(
    "health.rise",
    values.whole(1, 100),
    "pool",
    default=2,
    meaning="good checks in a row for up",
    field="rise",
)
FALL = Key(
    "health.fall",
    values.whole(1, 100),
    "pool",
    default=3,
    meaning="bad checks in a row for down",
    field="fall",
)
PORT: Key[int | None] = Key(
    "health.port",
    values.port,
    "pool",
    default=None,
    meaning="another port for the check",
    default_words="the server's port",
    field="port",
)

KEYS = (PATH, STATUS, INTERVAL, TIMEOUT, RISE, FALL, PORT)
