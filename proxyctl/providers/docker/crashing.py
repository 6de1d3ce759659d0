"""Containers that end with nobody telling them to, by Docker's events; `core.crashes` counts.

By name, because `docker run --rm` in a loop makes a new container each time. Asks nothing: `source` hands in events,
with the inspect that each of them costs. A `watch` that was just started knows of no earlier crash.
"""

from __future__ import annotations

from collections.abc import Collection

from proxyctl.core import crashes
from proxyctl.core.model import Crashes
from proxyctl.providers.docker import view
from proxyctl.providers.docker.answers import Event, Inspect

_ENDING = {"2", "3", "9", "15"}
"""Signals that people end a program with, beside the container's own stop signal: INT, QUIT, KILL, TERM."""


class Crashing:
    """The crashes of each container since it last ran for long, or was told to end."""

    def __init__(self) -> None:
        self._known: dict[str, Crashes] = {}
        self._told: set[str] = set()
        self._one_way: set[str] = set()  # Docker removes them at their end

    @property
    def known(self) -> tuple[Crashes, ...]:
        """All containers that crashed."""
        return tuple(self._known.values())

    def note(self, event: Event, entry: Inspect | None, now: float) -> bool:
        """Take an event, and the container's inspect where it can still be had; return whether a crash is known by it.

        A crash is an end without a signal that asks for it: the kernel's for lack of memory comes without one, too.
        """
        if event.type == "network":
            return False
        name = event.actor.attributes.get("name", "")
        before = self._known.get(name)
        match event.action:
            case "kill":
                signal = event.actor.attributes.get("signal", "")
                if signal in _ENDING or (entry is not None and signal == str(view.stop_signal(entry))):
                    self._told.add(name)
            case "start":
                self._start(name, entry, now)
            case "die" if name not in self._told:
                if before is None or before.started is not None:  # else its end is told twice, or its start got lost
                    code = event.actor.attributes.get("exitCode", "")[:5]
                    self._known[name] = crashes.ended(before or Crashes(name), now, code)
            case "die" | "stop" | "restart":  # `docker stop` and `docker restart` need no signal between two starts
                self._forget(name)
            case "destroy" if name not in self._one_way:
                self._forget(name)
            case "rename":
                self._forget(event.actor.attributes.get("oldName", "").lstrip("/"))
        return self._known.get(name) != before

    def _start(self, name: str, entry: Inspect | None, now: float) -> None:
        self._told.discard(name)
        if entry is not None:
            (self._one_way.add if entry.host_config.auto_remove else self._one_way.discard)(name)
        if name in self._known:
            self._known[name] = crashes.started(self._known[name], now)

    def listed(self, running: Collection[str], others: Collection[str], now: float) -> None:
        """Take the names that a full listing has; the events of the rest, or of a start, may have been lost."""
        for name in {*self._known, *self._told, *self._one_way} - {*running, *others}:
            last = self._known[name].ends[-1] if name in self._known else now
            if name not in self._one_way or now - last > crashes.WITHIN:
                self._forget(name)
                self._one_way.discard(name)
        for name in self._known.keys() & set(running):
            if self._known[name].started is None:
                self._known[name] = crashes.started(self._known[name], now)

    def _forget(self, name: str) -> None:
        self._known.pop(name, None)
        self._told.discard(name)
