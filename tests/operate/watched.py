"""A `watch` in memory, as `operate` sees it from inside: each wake-up is followed by one pass that the test writes."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable

from proxyctl.core.decide.outcome import Outcome
from proxyctl.core.model import Desired, Pool, Problem, Server
from proxyctl.core.status import Status, pools
from proxyctl.operate.confirm import Confirmation
from proxyctl.reconcile.journal import Journal
from proxyctl.state.port import Generation
from tests import statuses
from tests.core.worlds import world

WEB = Desired(pools=(Pool("api"), Pool("web", servers=(Server("web1", "id-web1", "10.0.0.1", 80),))))


class MemoryWatched:
    """Implements `operate.port.Watched`; without a `next_pass` nothing comes of a wake-up."""

    def __init__(self, does: Desired = WEB) -> None:
        self.journal = Journal()
        self.confirmation = Confirmation(self, self.journal)
        self.applied: Generation | None = Generation(7, "rev7", "topology", does)
        self.desired = does
        self.decided = 1
        self.refused = ""
        self.problems: tuple[Problem, ...] = ()
        self.waiting: Outcome = Outcome(does)
        self.woken: list[str] = []
        self.next_pass: Callable[[], None] = lambda: None
        self.busy: set[str] = set()
        self.is_quiet = asyncio.Event()
        self.is_quiet.set()

    def do(self, desired: Desired, *, pinned: int | None = None) -> None:
        """Decide and apply that."""
        assert self.applied is not None
        self.decided += 1
        self.desired = desired
        self.applied = dataclasses.replace(self.applied, number=self.applied.number + 1, desired=desired, pinned=pinned)

    def wake(self, reason: str, *, at_once: bool = False) -> None:
        """Make the pass a moment later."""
        self._pass(f"{reason}, at once" if at_once else reason)

    def files_changed(self, reason: str, *, at_once: bool = False) -> None:
        """Make the pass a moment later."""
        self._pass(f"{reason}, files" + ", at once" * at_once)

    def _pass(self, what: str) -> None:
        self.woken.append(what)

        def make() -> None:
            self.next_pass()
            self.journal.ring()

        asyncio.get_running_loop().call_soon(make)

    async def quiet(self) -> None:
        """Wait while earlier processes still take requests."""
        await self.is_quiet.wait()

    async def finished(self, container: str) -> bool:
        """Return whether nothing runs on a container any more."""
        return container not in self.busy

    async def status(self, *, figures: bool) -> Status:
        """Return what the proxy does, and what waits."""
        assert not figures, "an operator waits: the proxy must not be asked for figures"
        does = self.applied.desired if self.applied else Desired()
        found = statuses.status(problems=self.problems)
        return dataclasses.replace(found, pools=pools(self.waiting, does, world(), ()))
