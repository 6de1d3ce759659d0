"""The label that allows to repeat requests that a server may have run; it passes through to the engines. Pure."""

from __future__ import annotations

from proxyctl.core.features import values
from proxyctl.core.features.key import HttpOnly, Key

UNSAFE = Key(
    "retry.unsafe",
    values.boolean,
    "pool",
    default=False,
    meaning="repeat a POST, too, on another server when one dies in the middle of it: it may then run twice",
    http=HttpOnly(),
)

KEYS = (UNSAFE,)
