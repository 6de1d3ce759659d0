"""The label of draining: how long a server that leaves may finish its requests. Pure."""

from __future__ import annotations

from proxyctl.core.features import values
from proxyctl.core.features.key import Key

DRAIN = Key(
    "drain",
    values.duration(),
    "pool",
    default=30_000,
    meaning="how long a leaving server may finish",
    field="drain_ms",
    reach="container",
)

KEYS = (DRAIN,)
