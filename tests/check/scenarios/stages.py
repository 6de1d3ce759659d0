"""A stage in memory, whose servers do what scenarios expect of them, or do not.

It proves nothing about proxies: the scenarios' own judgement is tested on it, and that it can fail.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Unpack

from proxyctl.api.port import Changes, Overridden
from proxyctl.check.scenarios.place import Place
from proxyctl.check.scenarios.stage import KEYS, SETTLE, Stage, Unmet
from proxyctl.core.model import Balance
from proxyctl.core.status import ServerState, Status
from tests import statuses


@dataclasses.dataclass
class Server:
    """One server: what `status` tells of it, and whether it is asked."""

    weight: int = 1
    backup: bool = False
    state: ServerState = "up"
    deaf: bool = False  # is asked for nothing, whatever its state


@dataclasses.dataclass
class World(Stage):
    """A pool that is served in turn by weight; the flags are what is wrong with it.

    `lingers`: who leaves is asked on. `stays`: who leaves is still up. `never`: who comes is never asked.
    `same_weights`: weights are told and not followed. `eager_backup`: the backup serves beside the others.
    `dead`: nobody is asked once the others have stopped. `owner` is who serves a key, among those that serve.
    `same_generation`: a further pool makes no new one.
    """

    lingers: bool = False
    stays: bool = False
    never: bool = False
    same_weights: bool = False
    eager_backup: bool = False
    dead: bool = False
    same_generation: bool = False
    balance: Balance = "roundrobin"
    owner: Callable[[int, list[str]], str] | None = None
    pool: dict[str, Server] = dataclasses.field(default_factory=lambda: {n: Server() for n in ("web1", "web2", "web3")})

    def __post_init__(self) -> None:
        self.watch = self
        self.state = Path()
        self.place = Place("net", "web", ephemeral=True)
        self._counts: dict[str, int] = {}
        self._left: set[str] = set()
        self._numbers = itertools.count(2)
        self._generation = 1
        self._further: list[str] = []

    # ------------------------------------------------------------------ the load

    def _serving(self) -> dict[str, int]:
        up = {n: s for n, s in self.pool.items() if s.state == "up" or (self.lingers and n in self._left)}
        primaries = {n: s for n, s in up.items() if not s.backup}
        found = up if self.eager_backup or not primaries else primaries
        if self.dead and self._left:
            return {}
        return {n: 1 if self.same_weights else s.weight for n, s in found.items() if not s.deaf}

    def settle(self, requests: int = SETTLE) -> None:
        """Let so many requests be served, in turn by weight."""
        serving = [n for n, weight in self._serving().items() for _ in range(weight)]
        for number in range(requests if serving else 0):
            name = serving[number % len(serving)]
            self._counts[name] = self._counts.get(name, 0) + 1

    def served(self) -> Mapping[str, int]:
        """Return the counts."""
        return dict(self._counts)

    def by_key(self) -> dict[int, dict[str, int]]:
        """Ask each key twice."""
        assert self.owner is not None
        owner, up = self.owner, sorted(self._serving())
        return {key: {owner(key, up): 2} for key in range(KEYS)}

    def until(self, condition: Callable[[], object], what: str) -> float:
        """Look a few times, with requests in between."""
        for _ in range(3):
            if condition():
                return 0.1
            self.settle()
        raise Unmet(f"{what} did not come within 20 s")

    # ------------------------------------------------------------------ the pool

    def status(self) -> Status:
        """Return the status that a `watch` would give: this pool, and the further ones."""
        own = [statuses.server(n, s.weight, s.state, backup=s.backup) for n, s in self.pool.items()]
        further = [statuses.pool(name) for name in self._further]
        return statuses.status(statuses.pool("web", *own, balance=self.balance), *further, generation=self._generation)

    def override(self, server: str, **changes: Unpack[Changes]) -> Overridden:
        """Refuse: `weigh` stands in its place."""
        raise AssertionError

    def finished(self, server: str) -> bool:
        """Refuse: no scenario asks."""
        raise AssertionError

    # ------------------------------------------------------------------ containers

    def copy(self, count: int, routed: Mapping[str, str] | None = None) -> list[str]:
        """Add servers, or a further pool."""
        if routed is not None:
            self._further.append(routed["pool"])
            self._generation += not self.same_generation
            return ["further"]
        names = [f"web1-r{next(self._numbers)}" for _ in range(count)]
        self.pool.update({name: Server(deaf=self.never) for name in names})
        return names

    def stop(self, name: str, *, for_good: bool = False) -> None:
        """Take a server out."""
        self._left.add(name)
        if not self.stays:
            self.pool[name].state = "draining"

    def kill(self, name: str) -> None:
        """Take a server out."""
        self.stop(name)

    def pause(self, name: str) -> Callable[[], None]:
        """Take a server out until it goes on."""
        self.stop(name)

        def unpause() -> None:
            self._left.discard(name)
            self.pool[name] = Server(deaf=self.never)

        return unpause

    def weigh(self, name: str, weight: int) -> None:
        """Change what `status` tells."""
        self.pool[name].weight = weight
