"""Containers that are about to end, by what Docker's events told: a stop signal, or memory that ran out.

Asks nothing: the informer, `source`, hands in events and inspects.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from typing import Any

from proxyctl.providers.docker import view
from proxyctl.providers.docker.events import Event

OOM_GRACE = 1.0
"""Seconds after which a container has survived: the kernel killed another process than its first."""
_KILL = "9"


class Stopping:
    """Container ids from the event that tells of an end to the end itself, a later start, or survival."""

    def __init__(self) -> None:
        self._since: dict[str, int] = {}  # by id: Unix nanoseconds of the event
        self._oom: dict[str, float] = {}  # by id: the monotonic time at which the container has survived

    def __contains__(self, id_: str) -> bool:
        return id_ in self._since

    @property
    def due(self) -> float:
        """The monotonic time at which `survivors` returns the next container; infinite while it has none to return."""
        return min(self._oom.values(), default=float("inf"))

    def note(self, event: Event, entry: Mapping[str, Any]) -> None:
        """Take an event of a container, and its inspect: signals other than its stop signal and SIGKILL end nothing."""
        id_, action = entry["Id"], event["Action"]
        signal = event["Actor"]["Attributes"].get("signal")
        at = int(event.get("timeNano") or time.time_ns())
        if action == "oom":  # its end is near, or it goes on without one of its processes
            self._since[id_] = at
            self._oom[id_] = time.monotonic() + OOM_GRACE
        elif action == "kill" and signal in {_KILL, str(view.stop_signal(entry))}:
            self._since[id_] = at
            self._oom.pop(id_, None)

    def still(self, entry: Mapping[str, Any]) -> bool:
        """Return whether a container is stopping, by its inspect; forget it once it has ended or was started again."""
        id_ = entry["Id"]
        if id_ not in self._since:
            return False
        # a start in the future was written before the clock was set back: it says nothing
        if not entry["State"]["Running"] or self._since[id_] < view.started(entry) <= time.time_ns():
            self.forget(id_)
        return id_ in self._since

    def survivors(self) -> set[str]:
        """Return the containers that ran out of memory and did not end within `OOM_GRACE`, and forget them."""
        now = time.monotonic()
        found = {id_ for id_, until in self._oom.items() if until <= now}
        for id_ in found:
            self.forget(id_)
        return found

    def forget(self, id_: str) -> None:
        """Forget a container, if it is known."""
        self._since.pop(id_, None)
        self._oom.pop(id_, None)

    def forget_except(self, ids: Collection[str]) -> None:
        """Forget all containers but these."""
        for id_ in self._since.keys() - set(ids):
            self.forget(id_)
