"""What happens during a soak: a list drawn from a seed before it begins, so that every run can be had again.

`plan` is pure: the same seed, length and pace give the same list. `Happenings` carries one out on a rig. Next: `soak`.
"""

from __future__ import annotations

import dataclasses
import random
import signal
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from bench.rig import BASE, Rig
from proxyctl.api import client as control
from proxyctl.core import layout

EVERY = 2.5
"""Seconds from one event to the next, on average."""

MOST = 6
"""Servers beside the three that stay."""

UNTIL_RESTARTS_END = 0.4
"""The part of a soak in which proxyctl itself is restarted; after it one process must stay as it is."""

ABRUPT = frozenset({"kill", "pause", "disconnect"})
_TEMPLATE = {"haproxy": "_pool.cfg.j2", "nginx": "_upstream.conf.j2"}
_RELOAD = {"haproxy": "SIGUSR2", "nginx": "SIGHUP"}
_WEIGHTS = (("join", 6), ("stop", 5), ("restart", 2), ("weight", 3), ("drain", 2), ("ready", 2), ("template", 2))
_RARER = (("kill", 2), ("pause", 1), ("disconnect", 1), ("storm", 1), ("reload by hand", 1))
_RESTARTS = (("proxyctl SIGTERM", 1), ("proxyctl SIGKILL", 1))


@dataclasses.dataclass(frozen=True)
class Event:
    """One thing that happens: seconds after the beginning, what, and to which servers; `weight` is a new one."""

    at: float
    what: str
    servers: tuple[str, ...] = ()
    weight: int = 1


def plan(seed: int, seconds: float) -> tuple[Event, ...]:
    """Draw the events of a soak of that length, with what is possible when each of them happens."""
    chance = random.Random(seed)  # noqa: S311 - replayable, that is the point
    extra: list[str] = []
    made, at, events = 0, 2.0, []
    servers: tuple[str, ...]
    while (at := at + chance.uniform(0.2, 2 * EVERY - 0.2)) < seconds - 5:
        kinds = dict((*_WEIGHTS, *_RARER, *(_RESTARTS if at < seconds * UNTIL_RESTARTS_END else ())))
        if not extra:
            kinds = {k: w for k, w in kinds.items() if k not in ABRUPT and k != "stop"}
        if len(extra) >= MOST:
            kinds.pop("join")
        what = chance.choices(list(kinds), list(kinds.values()))[0]
        match what:
            case "join":
                made += 1
                extra.append(f"e{made}")
                servers = (extra[-1],)
            case "storm":
                made += 4
                servers = tuple(f"e{n}" for n in range(made - 3, made + 1))
            case "stop" | "kill" | "disconnect":
                servers = (extra.pop(chance.randrange(len(extra))),)
            case "pause":
                servers = (chance.choice(extra),)
            case "restart" | "weight" | "drain" | "ready":
                servers = (chance.choice(BASE[1:]),)  # one of the three always takes requests
            case _:
                servers = ()
        events.append(Event(round(at, 2), what, servers, chance.randint(1, 9)))
    return tuple(events)


class Happenings:
    """Carries a plan out; `done` are the events with the time span (`time.perf_counter`) of each."""

    def __init__(self, rig: Rig, templates: Path) -> None:
        name = _TEMPLATE[rig.engine]
        self._rig, self._template = rig, templates / name
        self._text = (Path("templates") / rig.engine / name).read_text()
        self._template.write_text(self._text)
        self._changes = 0
        self.done: list[tuple[Event, float, float]] = []

    def carry_out(self, events: Iterable[Event], say: Callable[[str], None]) -> None:
        """Let everything happen at its time, or as soon as the one before it is over; then tidy up."""
        began = time.perf_counter()
        for event in events:
            time.sleep(max(0.0, began + event.at - time.perf_counter()))
            say(f"{self._rig.engine}: {event.at:.0f} s: {event.what} {' '.join(event.servers)}")
            start = time.perf_counter()
            self._do(event)
            self.done.append((event, start, time.perf_counter()))

    def tidy_up(self, events: Iterable[Event]) -> None:
        """Leave the three servers that a soak begins with, and no decision about them."""
        gone = {s for e in events if e.what in {"stop", "kill", "disconnect", "storm"} for s in e.servers}
        joined = {s for e in events if e.what == "join" for s in e.servers}
        self._all(self._stop, joined - gone)
        for name in BASE:
            self._decide(name, drain=False, weight=None)
        self._rig.until_quiet()

    def _do(self, event: Event) -> None:  # noqa: C901 - a table
        rig, servers = self._rig, event.servers
        match event.what:
            case "join":
                rig.start(servers[0])
            case "stop":
                self._stop(servers[0])
            case "storm":
                self._all(rig.start, servers)
                self._all(self._stop, servers)
            case "restart":
                self._container(servers[0]).restart(timeout=1)
            case "kill":
                self._container(servers[0]).kill()
                self._container(servers[0]).remove(force=True)
            case "pause":
                self._container(servers[0]).pause()
                time.sleep(0.5)
                self._container(servers[0]).unpause()
            case "disconnect":
                rig.client.networks.get(rig.network).disconnect(rig.full(servers[0]))
                self._container(servers[0]).remove(force=True)
            case "weight":
                self._decide(servers[0], weight=event.weight)
            case "drain" | "ready":
                self._decide(servers[0], drain=event.what == "drain")
            case "template":
                self._changes += 1
                self._template.write_text(f"{self._text}\n# change {self._changes}\n")
            case "reload by hand":
                rig.client.containers.get(layout.gateway_name(rig.network)).kill(_RELOAD[rig.engine])
            case restart:
                rig.end_watch(signal.Signals[restart.removeprefix("proxyctl ")])
                rig.start_watch()

    def _container(self, name: str) -> Any:
        return self._rig.client.containers.get(self._rig.full(name))

    def _stop(self, name: str) -> None:
        """Stop and remove one that ignores its stop signal for a second, as one with requests inside would."""
        self._container(name).stop(timeout=1)
        self._container(name).remove(force=True, v=True)

    def _decide(self, name: str, **what: object) -> None:
        full = self._rig.full(name)
        self._rig.until(lambda: full in self._rig.servers(), f"{full} in the pool")
        control.ask(self._rig.state, f"/api/v1/servers/{full}", post=what)

    @staticmethod
    def _all(do: Callable[[str], object], names: Iterable[str]) -> None:
        with ThreadPoolExecutor(4) as calls:
            list(calls.map(do, names))
