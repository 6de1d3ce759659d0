"""What proxyctl did while requests were sent, and which failed requests were near it.

`watch` keeps the log; whoever runs a check reads it through control.sock and hands it over as JSON.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any, Final

NEAR: Final = 1.0  # seconds


@dataclasses.dataclass(frozen=True, slots=True)
class Event:
    """One line of the event log of `watch`: Unix time, a kind such as `join`, and a sentence."""

    at: float
    kind: str
    text: str


def from_log(log: Iterable[Mapping[str, Any]], began: float, ended: float) -> tuple[Event, ...]:
    """Return the events of a check that lasted from `began` to `ended` (Unix times), and just around it."""
    events = (Event(float(e["at"]), str(e["kind"]), str(e["text"])) for e in log)
    return tuple(sorted((e for e in events if began - NEAR <= e.at <= ended + NEAR), key=lambda e: e.at))


def near(events: tuple[Event, ...], began: float, ended: float) -> tuple[int, ...]:
    """Return the places of the events within a second of a request that was under way in between (Unix times)."""
    return tuple(place for place, e in enumerate(events) if began - NEAR <= e.at <= ended + NEAR)
