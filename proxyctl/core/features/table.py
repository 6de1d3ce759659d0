"""The table of label keys: the families beside this module, in the order of the reference. The public contract.

Drives the reading in `labels`, the comparison of replicas, `[defaults]`, the hint at the nearest known key and the
reference in docs/labels.md. A new family is a module beside this one and one word in `FAMILIES`.
"""

from __future__ import annotations

from typing import Any

from proxyctl.core import layout
from proxyctl.core.features import balancing, drain, health, membership, retry, routing, server, timeouts
from proxyctl.core.features.key import Key
from proxyctl.errors import nearest

# Labels that proxyctl itself puts on containers; never reported as a user's mistake.
OWN_MARKERS = frozenset(
    {layout.GATEWAY_LABEL, layout.NETWORK_LABEL, "proxyctl.test", "proxyctl.demo", "proxyctl.lab", "proxyctl.check"}
)

FAMILIES: tuple[tuple[Key[Any], ...], ...] = (
    membership.KEYS,
    server.KEYS,
    routing.KEYS,
    balancing.KEYS,
    health.KEYS,
    drain.KEYS,
    timeouts.KEYS,
    retry.KEYS,
)
KEYS: tuple[Key[Any], ...] = tuple(key for family in FAMILIES for key in family)
BY_NAME = {k.name: k for k in KEYS}
SETTINGS = tuple(k for k in KEYS if k.level == "pool" and not k.field)
"""The keys that pass through `Pool.settings` to the engines, which print them."""


def unknown(name: str, at: str) -> str:
    """Return the reason for a key that is not in the table; `at` is the prefix that it was written under."""
    if near := nearest(name, BY_NAME):
        return f"unknown key; did you mean {at}{near}?"
    return "unknown key; docs/labels.md lists them all"


def check(name: str, text: str, at: str) -> tuple[object, str]:
    """Return a label's value and, where it is refused, the reason (else an empty string)."""
    key = BY_NAME.get(name)
    if key is None:
        return None, unknown(name, at)
    text = text.strip(" \t")
    try:
        return key.kind.parse(text), ""
    except ValueError as exc:
        return None, key.kind.refuse(text, str(exc))
