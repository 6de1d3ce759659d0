"""What proxyctl did while requests were sent, and which failed requests were near it.

`watch` keeps the journal; the verb that runs a check reads it through `api.client` and hands it over.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from proxyctl.core.status import Event

NEAR: Final = 1.0  # seconds
_OF_POOLS: Final = ("join", "leave", "drain", "change", "pool")


def during(events: Iterable[Event], began: float, ended: float) -> tuple[Event, ...]:
    """Return the events of a check that lasted from `began` to `ended` (Unix times), and just around it."""
    return tuple(sorted((e for e in events if began - NEAR <= e.at <= ended + NEAR), key=lambda e: e.at))


def near(events: tuple[Event, ...], began: float, ended: float) -> tuple[int, ...]:
    """Return the places of the events within a second of a request that was under way in between (Unix times)."""
    return tuple(place for place, e in enumerate(events) if began - NEAR <= e.at <= ended + NEAR)


def concerns(event: Event, pool: str) -> bool:
    """Return whether an event changed who serves a pool, or how much: the journal's sentences name the pool."""
    return event.kind in _OF_POOLS and re.search(rf"\bpool {re.escape(pool)}(?![\w.-])", event.text) is not None
