"""A rollout: new containers start beside the old ones, then replace them; if one does not serve, all is as before.

Needs a running `watch`, which lets the new containers join by their labels and drains the old ones. The old containers
are not touched until every new container serves; from then on the only way back is another rollout.
`providers.docker.successor` says how a new container is made.
"""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Callable, Sequence

from proxyctl.core.status import Status
from proxyctl.errors import ContainerGone, ProxyctlError
from proxyctl.operate.port import Docker, Watch
from proxyctl.providers.docker.successor import Old, refusal, successors

_POLL = 0.1
_SERVES = {"up", "maintenance"}


class RolledBack(ProxyctlError):
    """The new containers are removed again; the old containers serve as before."""

    exit_code = 4


@dataclasses.dataclass(frozen=True, slots=True)
class Wish:
    """What to roll out; `count` None: as many as the old containers; `wait` in seconds."""

    pool: str
    image: str
    count: int | None
    wait: float


@dataclasses.dataclass(frozen=True, slots=True)
class Done:
    """The names of the new containers and of the old ones."""

    new: tuple[str, ...]
    old: tuple[str, ...]


class Rollout:
    """One rollout, from the look at the old containers to the removal of the last."""

    def __init__(
        self, docker: Docker, watch: Watch, say: Callable[[str], None], interrupted: Callable[[], bool]
    ) -> None:
        """Take Docker, the watch, a function that gets each step as text, and one that returns whether to end."""
        self._docker, self._watch, self._say, self._interrupted = docker, watch, say, interrupted
        self._drain = 30
        self._served: set[str] = set()  # the new containers that were seen to serve

    def run(self, wish: Wish) -> Done:
        """Roll out; raise RolledBack when a new container does not serve, ProxyctlError when nothing was begun."""
        old = self._old(wish.pool)
        if why := refusal(old):
            raise ProxyctlError(why)
        made: dict[str, str] = {}
        try:
            self._bring_up(wish, old, made)
        except BaseException as exc:
            self._remove(made)
            if isinstance(exc, ProxyctlError):
                raise RolledBack(f"rolled back, the old ones serve on: {exc}") from exc
            raise
        self._replace(old)
        return Done(tuple(made), tuple(o.name for o in old))

    def _old(self, pool: str) -> list[Old]:
        status = self._watch.status()
        found = status.pool(pool)
        if found is None:
            known = ", ".join(p.name for p in status.pools)
            raise ProxyctlError(f"no pool is named {pool}; known are {known or 'none'}")
        self._drain = max(1, round(found.drain_seconds))
        old = []
        for id_ in dict.fromkeys(s.container for s in found.servers):
            try:
                old.append(self._docker.old(id_))
            except ContainerGone:  # `watch` may show it a moment longer, as right after another rollout
                self._say(f"{id_[:12]}: is gone already, and is not replaced")
        if not old:
            raise ProxyctlError(f"pool {pool} has no container whose configuration a new one could take over")
        return old

    def _bring_up(self, wish: Wish, old: Sequence[Old], made: dict[str, str]) -> None:
        """Make and start the new containers, add each to `made`, and wait until all serve at the same time."""
        image_id = self._docker.image_id(wish.image)
        names, numbers = self._docker.taken()
        planned = successors(
            old, wish.image, image_id=image_id, count=wish.count or len(old), taken=names, numbers=numbers
        )
        for each in planned:
            self._unless_interrupted()
            for notice in each.notices:
                self._say(notice)
            made[each.name] = self._docker.make(each)
            self._docker.start(made[each.name], each.name)
            self._say(f"{each.name}: started from {wish.image}")
        start = time.monotonic()
        said: set[str] = set()
        while waiting := self._not_serving(wish.pool, made):
            for name in made.keys() - waiting.keys() - said:
                said.add(name)
                self._say(f"{name}: serves after {time.monotonic() - start:.1f} s")
            self._unless_interrupted()
            for name in waiting:
                if end := self._docker.end(made[name]):
                    raise ProxyctlError(f"{name}: {end}")
            if time.monotonic() - start > wish.wait:
                name, reason = next(iter(waiting.items()))
                raise ProxyctlError(f"{name} does not serve after {wish.wait:g} s: {reason}")
            time.sleep(_POLL)
        self._say(f"all new ones ({len(made)}) serve after {time.monotonic() - start:.1f} s")

    def _not_serving(self, pool: str, made: dict[str, str]) -> dict[str, str]:
        """Return the new containers that do not serve in the pool, with the reasons."""
        try:
            status = self._watch.status()
        except ProxyctlError as exc:
            return dict.fromkeys(made, str(exc))
        self._served |= made.keys() & _serving(status)
        found = status.pool(pool)
        servers = {s.name: s for s in found.servers} if found else {}
        reasons = {p.container: p.reason for p in status.problems if p.severity == "error"}
        waiting = {}
        for name in made:
            state = servers[name].state if name in servers else "not in the pool"
            if state not in _SERVES:
                reason = (servers[name].reason if name in servers else "") or reasons.get(name)
                waiting[name] = reason or f"it is {state}"
        return waiting

    def _replace(self, old: Sequence[Old]) -> None:
        """Drain, stop and remove the old containers, one after the other."""
        for number, each in enumerate(old):
            left = ", ".join(o.name for o in old[number:])
            if self._interrupted():
                raise ProxyctlError(f"interrupted: the new ones serve, and these old ones are still there: {left}")
            try:
                self._retire(each.name, each.inspect["Id"], volumes=False)
            except ProxyctlError as exc:
                raise ProxyctlError(f"the new ones serve, and these old ones are still there: {left}: {exc}") from exc
            self._say(f"{each.name}: drained, stopped and removed")

    def _remove(self, made: dict[str, str]) -> None:
        """Remove the new containers; drain and stop each that may have served first."""
        for name, id_ in made.items():
            try:
                if self._ever_served(name):
                    self._retire(name, id_, volumes=True)
                else:
                    self._docker.remove(id_, volumes=True)
                self._say(f"{name}: removed")
            except ProxyctlError as exc:
                self._say(f"{name}: could not be removed: {exc}")

    def _ever_served(self, name: str) -> bool:
        """Return whether requests may run on a new container; without an answer of `watch` they may."""
        try:
            return name in self._served or name in _serving(self._watch.status())
        except ProxyctlError:
            return True

    def _retire(self, name: str, id_: str, *, volumes: bool) -> None:
        """Remove a container without losing a request: drain it, stop it within the pool's `drain`, remove it.

        A container that drains, is unhealthy or has left the pool already may have requests that run as well.
        """
        with contextlib.suppress(ProxyctlError):  # `watch` does not answer: the stop itself drains it, as any stop does
            self._watch.override(name, drain=True)
        self._docker.stop(id_, self._drain)
        self._docker.remove(id_, volumes=volumes)

    def _unless_interrupted(self) -> None:
        if self._interrupted():
            raise ProxyctlError("interrupted")


def _serving(status: Status) -> set[str]:
    """Return the names of the servers that get requests in any pool."""
    return {s.name for p in status.pools for s in p.servers if s.state in _SERVES}
