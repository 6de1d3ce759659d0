"""A rollout: new containers start beside the old ones, then replace them; if one does not serve, all is as before.

Needs a running `watch`, which lets the new containers join by their labels and drains the old ones. No old container is
stopped before every new one serves and the proxy has let go of the old one; from the first stop on the only way back is
another rollout. `providers.docker.successor` says how a new container is made, `draining` what is stopped when.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence

from proxyctl.core.status import Status
from proxyctl.errors import ContainerGone, DockerUnavailable, ProxyctlError
from proxyctl.operate.draining import Draining
from proxyctl.operate.port import Docker, Watch
from proxyctl.operate.serving import Pools, draining, serves_in, sharing, unknown
from proxyctl.providers.docker.beside import refusal
from proxyctl.providers.docker.successor import Old, Others, successors
from proxyctl.state import rollouts

_POLL = 0.1
_AWAY = 60.0  # seconds that Docker may be away until new containers that have to go are left to a person


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
        self._draining = Draining(watch, say, interrupted)
        self._made: dict[str, str] = {}  # id by name; the name itself where Docker's answer was lost
        self._due: dict[str, frozenset[str]] = {}  # the pools that a new container has to serve in, by name
        self._served: set[str] = set()  # the new containers that were seen to serve

    def run(self, wish: Wish) -> Done:
        """Roll out; raise RolledBack when a new container does not serve, ProxyctlError when nothing was begun."""
        with rollouts.held(self._watch.state, sharing(self._watch.status(), wish.pool), f"to {wish.image}"):
            return self._roll_out(wish)

    def _roll_out(self, wish: Wish) -> Done:
        status = self._watch.status()  # anew: an earlier rollout may have ended just before
        old = self._old(status, wish.pool)
        others = self._docker.others()
        if why := refusal(old, others):
            raise ProxyctlError(why)
        try:
            self._bring_up(wish, old, others, serves_in(status))
            self._draining.drain(old[0].name, take_back=old[0].name not in draining(status))
        except BaseException as exc:
            self._go_back(old, exc)
            raise
        self._replace(old)
        return Done(tuple(self._made), tuple(o.name for o in old))

    def _old(self, status: Status, pool: str) -> list[Old]:
        found = status.pool(pool)
        if found is None:
            raise unknown(status, pool)
        self._draining.seconds = found.drain_seconds
        old = []
        for id_ in dict.fromkeys(s.container for s in found.servers):
            try:
                old.append(self._docker.old(id_))
            except ContainerGone:  # `watch` may show it a moment longer, as right after another rollout
                self._say(f"{id_[:12]}: is gone already, and is not replaced")
        if not old:
            raise ProxyctlError(f"pool {pool} has no container whose configuration a new one could take over")
        return old

    def _bring_up(self, wish: Wish, old: Sequence[Old], others: Others, serves: Pools) -> None:
        """Make and start the new containers, note each in `_made`, and wait until all serve at the same time."""
        image_id = self._docker.image_id(wish.image)
        hashes = {o.id: self._docker.config_hash(o, wish.image) for o in old}
        count = wish.count or len(old)
        planned = successors(old, wish.image, image_id=image_id, count=count, others=others, hashes=hashes)
        for each in planned:
            self._unless_interrupted()
            for notice in each.notices:
                self._say(notice)
            self._due[each.name] = serves.get(each.replaces, frozenset()) | {wish.pool}
            self._made[each.name] = each.name
            try:
                self._made[each.name] = self._docker.make(each)
            except DockerUnavailable:
                raise  # it may be there
            except ProxyctlError:
                del self._made[each.name]  # Docker refused, and what else has this name is not ours
                raise
            self._docker.start(self._made[each.name], each.name)
            self._say(f"{each.name}: started from {wish.image}")
        self._until_all_serve(wish.wait)

    def _until_all_serve(self, wait: float) -> None:
        start = time.monotonic()
        said: set[str] = set()
        while waiting := self._not_serving():
            for name in self._made.keys() - waiting.keys() - said:
                said.add(name)
                self._say(f"{name}: serves after {time.monotonic() - start:.1f} s")
            self._unless_interrupted()
            for name in waiting:
                if end := self._end(name):
                    raise ProxyctlError(f"{name}: {end}")
            if time.monotonic() - start > wait:
                name, reason = next(iter(waiting.items()))
                raise ProxyctlError(f"{name} does not serve after {wait:g} s: {reason}")
            time.sleep(_POLL)
        self._say(f"all new ones ({len(self._made)}) serve after {time.monotonic() - start:.1f} s")

    def _end(self, name: str) -> str:
        """Return how a new container ended; empty while it runs, and while Docker does not say."""
        try:
            return self._docker.end(self._made[name])
        except DockerUnavailable:
            return ""

    def _not_serving(self) -> dict[str, str]:
        """Return the new containers that do not serve in every pool that is due, with the reasons."""
        try:
            status = self._watch.status()
        except ProxyctlError as exc:
            return dict.fromkeys(self._made, str(exc))
        serves = serves_in(status)
        self._served |= self._made.keys() & serves.keys()
        reasons = {p.container: p.reason for p in status.problems if p.severity == "error"}
        waiting: dict[str, str] = {}
        for name in self._made:
            for missing in sorted(self._due[name] - serves.get(name, frozenset())):
                found = status.pool(missing)
                server = next((s for s in found.servers if s.name == name), None) if found else None
                state = f"it is {server.state}" if server else f"it is not in pool {missing}"
                waiting.setdefault(name, (server.reason if server else "") or reasons.get(name) or state)
        return waiting

    def _replace(self, old: Sequence[Old]) -> None:
        """Stop and remove the old containers, one after the other; the first one has drained already."""
        for number, each in enumerate(old):
            left = [o.name for o in old[number:]]
            try:
                if number:
                    self._draining.drain(each.name)
                self._docker.stop(each.id, 0)
                self._docker.remove(each.id, volumes=False)
            except ProxyctlError as exc:
                raise ProxyctlError(
                    f"{exc}; the new ones serve, and these old ones are still there: {', '.join(left)}: "
                    f"`docker rm --force {' '.join(left)}` removes them, with what still runs on them"
                ) from exc
            self._say(f"{each.name}: drained, stopped and removed")

    def _go_back(self, old: Sequence[Old], exc: BaseException) -> None:
        """Have the old containers serve as before and remove the new ones; raise RolledBack for what people know of."""
        try:
            self._draining.take_back()
        except ProxyctlError as failed:
            names = ", ".join(o.name for o in old)
            raise ProxyctlError(f"{exc}; the new ones stay, and the old ones ({names}), of which {failed}") from exc
        left = self._remove()
        if isinstance(exc, ProxyctlError):
            still = (
                f"; `docker rm --force --volumes {' '.join(left)}` removes what is left of the new ones" if left else ""
            )
            raise RolledBack(f"rolled back, the old ones serve on: {exc}{still}") from exc

    def _remove(self) -> list[str]:
        """Remove the new containers, drained where they may have served; return those that could not be removed."""
        left, end = [], time.monotonic() + _AWAY
        for name, id_ in self._made.items():
            while True:
                try:
                    if self._ever_served(name):
                        drained = self._draining.drain_new(name)
                        self._docker.stop(id_, 0 if drained else max(1, round(self._draining.seconds)))
                    self._docker.remove(id_, volumes=True)
                except ProxyctlError as exc:
                    if time.monotonic() < end:  # Docker may be away for a moment
                        time.sleep(_POLL)
                        continue
                    self._say(f"{name}: could not be removed: {exc}")
                    left.append(name)
                else:
                    self._say(f"{name}: removed")
                break
        return left

    def _ever_served(self, name: str) -> bool:
        """Return whether requests may run on a new container; without an answer of `watch` they may."""
        try:
            return name in self._served or name in serves_in(self._watch.status())
        except ProxyctlError:
            return True

    def _unless_interrupted(self) -> None:
        if self._interrupted():
            raise ProxyctlError("interrupted")
