"""The labels of one server: where it answers and how much of its pool's traffic it takes. Pure."""

from __future__ import annotations

from proxyctl.core.features import values
from proxyctl.core.features.key import Key

USUAL_PORTS = (80, 8080, 8000, 3000, 5000, 8888)
"""Where several are exposed, the first of these that is; else the lowest."""

PORT: Key[int | None] = Key(
    "port",
    values.port,
    "server",
    default=None,
    meaning="container port, published or not",
    default_words=f"the one exposed TCP port; of several the first of {', '.join(map(str, USUAL_PORTS))}, else the "
    "lowest, with a warning; none exposed is a problem",
    field="port",
    reach="routes",
)
WEIGHT = Key(
    "weight",
    values.whole(0, 256),
    "server",
    default=1,
    meaning="share of the traffic; 0 takes no new requests",
    field="weight",
    reach="container",
)
BACKUP = Key(
    "backup",
    values.boolean,
    "server",
    default=False,
    meaning="only when no other server is up",
    field="backup",
    reach="container",
)
MAXCONN: Key[int | None] = Key(
    "maxconn",
    values.whole(1, 1_000_000),
    "server",
    default=None,
    meaning="connections to one server; the rest queues",
    default_words="none",
    field="maxconn",
)

KEYS = (PORT, WEIGHT, BACKUP, MAXCONN)
