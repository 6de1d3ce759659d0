"""The stage of a scenario: one pool of a running gateway, its containers, and the load that runs all the while.

What a scenario changes it hands to `undo`; that is done backwards when the scenario ends, however it does. Next:
`events`.
"""

from __future__ import annotations

import contextlib
import functools
import time
from collections.abc import Callable, Iterator, Mapping

from proxyctl.check.report import Report
from proxyctl.check.scenarios.place import LABEL, WITHIN, Place, Target
from proxyctl.check.steady import SteadyLoad
from proxyctl.core.status import PoolStatus, ServerStatus
from proxyctl.errors import ProxyctlError
from proxyctl.gateway import netns
from proxyctl.operate.port import Watch
from proxyctl.providers.docker.beside import refusal
from proxyctl.providers.docker.containers import Containers
from proxyctl.providers.docker.successor import successors

KEYS = 150
"""Clients that are played where a pool chooses by a key: enough that each server is met, and a share is seen."""
SETTLE = 30
"""Requests that must have ended after an event, so that a late loss is seen."""
_POLL = 0.05
_REACHED_BY = {"enable", "port", "protocol", "network"}  # keys that say how a container is reached, not who gets there


class Unmet(Exception):
    """What was expected did not come; the message says what was seen."""


class Unfit(Exception):
    """The pool cannot show this; the message says why."""


class Stage:
    """One scenario's stage, while `playing`."""

    def __init__(
        self,
        containers: Containers,
        watch: Watch,
        place: Place,
        target: Target,
        rate: float,
        interrupted: Callable[[], bool],
        within: float = WITHIN,
    ) -> None:
        """Take Docker's containers, the watch, where to play, what to ask, and how many requests a second.

        `interrupted` tells whether the operator ends it early; `within` is the seconds that each wait may last.
        """
        self.containers, self.watch, self.place, self.target = containers, watch, place, target
        self._load = SteadyLoad(
            target.url,
            rate=rate,
            token=target.token,
            headers=target.headers,
            key_by=target.key_by,
            keys=KEYS if target.key_by else 0,
            # the thread of the load alone, which ends with it
            enter=None if target.inside is None else functools.partial(netns.enter, target.inside),
        )
        self.interrupted, self.within = interrupted, within
        self._taking_back = False
        self._undo: list[tuple[str, Callable[[], object]]] = []
        self.leftovers: list[str] = []

    # ------------------------------------------------------------------ the load

    @contextlib.contextmanager
    def playing(self) -> Iterator[None]:
        """Send the load during the block, and at its end take back what was changed, under the same load.

        Raise Unmet where requests fail already before: then nothing is done to the pool.
        """
        if self.target.unfit:
            raise Unfit(self.target.unfit)
        with self._load:
            try:
                self.settle()
                if self.report().failed:
                    raise Unmet("before anything was done, so nothing was; --path says what to ask for")
                yield
                self.settle()
            finally:
                self._take_back()

    def _take_back(self) -> None:
        self._taking_back = True
        while self._undo:
            what, undo = self._undo.pop()
            try:
                undo()
            except (Unmet, ProxyctlError) as exc:
                self.leftovers.append(f"{what}: {exc}")

    def undo(self, what: str, how: Callable[[], object]) -> None:
        """Note how something is taken back."""
        self._undo.append((what, how))

    def settle(self, requests: int = SETTLE) -> None:
        """Wait until so many further requests have ended."""
        due = self._load.requests + requests
        self.until(lambda: self._load.requests >= due, f"the end of {requests} further requests")

    def report(self) -> Report:
        """Return what the load saw so far."""
        return self._load.report()

    def served(self) -> Mapping[str, int]:
        """Return how many requests each server has answered so far."""
        return self.report().servers

    def by_key(self) -> dict[int, dict[str, int]]:
        """Return how often each server serves each key from now on, when every key has been asked twice."""
        before = self.report().by_key

        def since() -> dict[int, dict[str, int]]:
            return {
                key: {
                    name: more for name, count in served.items() if (more := count - before.get(key, {}).get(name, 0))
                }
                for key, served in self.report().by_key.items()
            }

        def asked() -> bool:
            return sum(sum(served.values()) > 1 for served in since().values()) == KEYS

        self.until(asked, f"two answers to each of {KEYS} keys")
        return since()

    # ------------------------------------------------------------------ the pool

    def servers(self) -> dict[str, ServerStatus]:
        """Return the pool's servers by name; none when the pool is gone."""
        pool = self.watch.status().pool(self.place.pool)
        return {s.name: s for s in pool.servers} if pool else {}

    def up(self, *, backup: bool = False) -> list[str]:
        """Return the names of those that serve; backups only where asked for, weight 0 never."""
        return sorted(n for n, s in self.servers().items() if s.state == "up" and s.backup == backup and s.weight)

    def some(self, number: int) -> list[str]:
        """Return the servers that serve; raise Unfit where there are fewer than `number`."""
        found = self.up()
        if len(found) < number:
            raise Unfit(f"needs {number} servers that are up, pool {self.place.pool} has {len(found)}")
        return found

    def settings(self) -> PoolStatus:
        """Return the pool, for its settings; raise Unmet when the pool is gone."""
        pool = self.watch.status().pool(self.place.pool)
        if pool is None:
            raise Unmet(f"pool {self.place.pool} is gone")
        return pool

    def until(self, condition: Callable[[], object], what: str) -> float:
        """Wait for something; return the seconds that it took, raise Unmet, also where somebody interrupts."""
        begun = time.monotonic()
        while not condition():
            if self.interrupted() and not self._taking_back:
                raise Unmet(f"interrupted while waiting for {what}")
            if time.monotonic() - begun > self.within:
                raise Unmet(f"{what} did not come within {self.within:g} s")
            time.sleep(_POLL)
        return time.monotonic() - begun

    def until_serves(self, name: str) -> float:
        """Wait until a server answers requests that it did not answer before."""
        before = self.served().get(name, 0)
        return self.until(lambda: self.served().get(name, 0) > before, f"a request served by {name}")

    def until_gone(self, *names: str) -> float:
        """Wait until these are not up any more."""
        return self.until(lambda: not set(names) & set(self.up()), f"the leave of {', '.join(names)}")

    # ------------------------------------------------------------------ containers

    def copy(self, count: int, routed: Mapping[str, str] | None = None) -> list[str]:
        """Start containers like the pool's first one; return their names.

        With `routed`, these keys stand in place of all that the first one's labels say but how it is reached.
        """
        first = self.containers.old(self.servers()[self.some(1)[0]].container)
        others = self.containers.others()
        if why := refusal([first], others):
            raise Unfit(f"cannot start another container like {first.name}: {why}")
        image = first.inspect["Image"]
        made = successors([first], image, image_id=image, count=count, others=others)
        for each in made:
            each.body["Labels"] = {**self._labels(each.body.get("Labels", {}), routed), LABEL: self.place.pool}
            id_ = self.containers.make(each)
            self.undo(f"removing {each.name}", functools.partial(self._retire, id_))
            self.containers.start(id_, each.name)
        return [each.name for each in made]

    def _labels(self, labels: Mapping[str, str], routed: Mapping[str, str] | None) -> dict[str, str]:
        prefix = f"{self.place.prefix}."
        if routed is None:
            return dict(labels)
        kept = {k: v for k, v in labels.items() if not k.startswith(prefix) or k.removeprefix(prefix) in _REACHED_BY}
        return kept | {f"{prefix}{key}": value for key, value in routed.items()}

    def _retire(self, id_: str) -> None:
        self.containers.stop(id_, round(self.settings().drain_seconds) if self.servers() else 1)
        self.containers.remove(id_, volumes=True)

    def stop(self, name: str, *, for_good: bool = False) -> None:
        """Stop a container as `docker stop` does; unless it is a copy, it is started again at the end."""
        id_ = self.servers()[name].container
        if not for_good:
            self.undo(f"starting {name}", lambda: self._start(id_, name))
        self.containers.stop(id_, round(self.settings().drain_seconds))

    def kill(self, name: str) -> None:
        """Kill a container; it is started again at the end."""
        id_ = self.servers()[name].container
        self.undo(f"starting {name}", lambda: self._start(id_, name))
        self.containers.kill(id_, name)

    def pause(self, name: str) -> Callable[[], None]:
        """Pause a container; return what lets it go on, which the end does too."""
        id_ = self.servers()[name].container
        unpause = functools.partial(self.containers.unpause, id_, name)
        self.undo(f"unpausing {name}", unpause)
        self.until(lambda: self.containers.pause(id_, name), f"the pause of {name}, which Docker was unable to freeze,")
        return unpause

    def weigh(self, name: str, weight: int) -> None:
        """Give a server a weight; at the end it has that of before, by its label where it was by that."""
        server = self.servers()[name]
        labels = self.containers.old(server.container).labels
        by_label = str(server.weight) == labels.get(f"{self.place.prefix}.weight", "1")
        before = None if by_label else server.weight
        self.undo(f"the weight of {name}", lambda: self.watch.override(name, weight=before))
        self.watch.override(name, weight=weight)

    def _start(self, id_: str, name: str) -> None:
        if not self.containers.old(id_).inspect["State"]["Running"]:
            self.containers.start(id_, name)
        self.until(lambda: name in [*self.up(), *self.up(backup=True)], f"the return of {name}")
