"""The labels that make a container a member: `enable`, its pool, its network. Pure."""

from __future__ import annotations

from proxyctl.core.features import values
from proxyctl.core.features.key import Key

POOL_NAME = r"[a-z0-9][a-z0-9._-]{0,62}"

ENABLE = Key(
    "enable",
    values.boolean,
    "container",
    default=False,
    meaning="take part at all",
    default_words="`false` (`--expose-by-default` turns it)",
    reach="container",
)
POOL = Key(
    "pool",
    values.pattern(POOL_NAME, "1 to 63 of a-z, 0-9 and ._-, the first a letter or a digit"),
    "container",
    default="",
    meaning="replicas with the same pool are balanced together",
    default_words="compose: `project-service`; else container name",
    reach="container",
)
NETWORK = Key(
    "network",
    values.pattern(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}", "the name of a Docker network"),
    "container",
    default="",
    meaning="which attachment to use",
    default_words="the gateway's own network, else the first joined one that the container is on",
    field="network",
    reach="container",
)

KEYS = (ENABLE, POOL, NETWORK)
