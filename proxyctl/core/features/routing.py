"""The labels of a route: which requests to the gateway go to a pool, and with which path. Pure."""

from __future__ import annotations

from proxyctl.core.features import values
from proxyctl.core.features.key import HttpOnly, Key

HOST = Key(
    "host",
    values.hosts,
    "route",
    default=("",),
    meaning="route by Host; an exact name beats `*.name`, that beats any",
    default_words="any host",
    field="host",
    http=HttpOnly("routing by SNI is not supported yet, a port with protocol=tcp takes all hosts"),
    reach="routes",
)
PATH = Key(
    "path",
    values.path,
    "route",
    default="/",
    meaning="segment-aligned prefix (`/api` takes `/api` and `/api/x`, not `/apix`); longest wins",
    field="path",
    http=HttpOnly(),
)
STRIP_PREFIX = Key(
    "strip_prefix",
    values.boolean,
    "route",
    default=False,
    meaning="remove `path` before forwarding",
    field="strip_prefix",
    http=HttpOnly(),
)
LISTEN = Key(
    "listen",
    values.port,
    "route",
    default=80,
    meaning="the gateway's port; for `protocol=tcp` required",
    field="listen",
)

KEYS = (HOST, PATH, STRIP_PREFIX, LISTEN)
