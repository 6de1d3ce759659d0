"""The label of leaving: how long a server may finish what it has. Pure."""

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
