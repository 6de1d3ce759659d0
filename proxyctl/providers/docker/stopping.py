"""Containers that are about to end, by Docker's events: after a stop signal, or after memory ran out.

Asks nothing: `source` hands in events and inspects.
"""

from __future__ import annotations

import time
from collections.abc import Collection

from proxyctl.providers.docker import view
from proxyctl.providers.docker.answers import Event, Inspect

OOM_GRACE = 1.0
"""Seconds after which a container has survived: the kernel killed another process than the container's first."""
_KILL = "9"
_USUAL = {_KILL, "15"}


class Stopping:
    """The ids of stopping containers: from the event that announces the end until the end, a start, or survival."""

    def __init__(self) -> None:
        self._since: dict[str, int] = {}  # by id: Unix nanoseconds of the event
        self._oom: dict[str, float] = {}  # by id: the monotonic time at which the container has survived
        self._presumed: set[str] = set()

    def __contains__(self, id_: str) -> bool:
        return id_ in self._since

    @property
    def due(self) -> float:
        """The monotonic time from which on `survivors` returns a container; infinite while there is none."""
        return min(self._oom.values(), default=float("inf"))

    def presume(self, event: Event) -> bool:
        """Take an event whose inspect is late; return whether the container counts as stopping until it comes.

        It does after SIGKILL, and after SIGTERM, which is the stop signal of an image that names no other.
        """
        id_ = event.actor.id
        if event.action != "kill" or event.actor.attributes.get("signal") not in _USUAL or id_ in self._since:
            return False
        self._since[id_] = event.time_nano or time.time_ns()
        self._presumed.add(id_)
        return True

    def note(self, event: Event, entry: Inspect) -> None:
        """Take an event and the container's inspect; a signal counts if it is the stop signal or SIGKILL."""
        if entry.id in self._presumed:
            self.forget(entry.id)
        id_, signal = entry.id, event.actor.attributes.get("signal")
        at = event.time_nano or time.time_ns()
        if event.action == "oom":  # the container ends, or it goes on without one of its processes
            doubt = OOM_GRACE - max(0.0, time.time() - at / 1e9)
            if doubt > 0:  # else it has survived: an event may be told late, or again after a reconnect
                self._since[id_] = at
                self._oom[id_] = time.monotonic() + doubt
        elif event.action == "kill" and signal in {_KILL, str(view.stop_signal(entry))}:
            self._since[id_] = at
            self._oom.pop(id_, None)

    def still(self, entry: Inspect) -> bool:
        """Return whether a container is still stopping, by its inspect; forget it after its end or a new start."""
        id_ = entry.id
        if id_ not in self._since:
            return False
        # a start in the future was written before the clock was set back: ignore it
        if not entry.state.running or self._since[id_] < view.started(entry) <= time.time_ns():
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
        self._presumed.discard(id_)

    def forget_except(self, ids: Collection[str]) -> None:
        """Forget all containers but these."""
        for id_ in self._since.keys() - set(ids):
            self.forget(id_)
