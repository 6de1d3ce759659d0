"""What operators ask of a running `watch`: kept first, then acted on, then confirmed.

Told through control.sock. A request is answered when the running proxy does what was asked, or with why it does not.
"""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from proxyctl.core.model import Desired, Override, Server
from proxyctl.errors import ProxyctlError
from proxyctl.reconcile.journal import Journal
from proxyctl.state.history import Past, target
from proxyctl.state.port import Generation, PinnedGeneration

CONFIRM = 6.0  # seconds until a wish must be confirmed; the client of control.sock waits for 10


class Wishes(Protocol):
    """Where operators' wishes are kept."""

    def all(self) -> Mapping[str, Override]:
        """Return the decisions by container id."""

    def decide(self, container: str, decision: Override) -> None:
        """Keep a decision on a container."""

    def maintain(self, pool: str, *, on: bool) -> None:
        """Put a pool in maintenance or take it out."""


class Pins(Protocol):
    """Where the generation is kept that the gateway is held at."""

    @property
    def pin(self) -> PinnedGeneration | None:
        """The one that it is held at."""

    def keep(self, pin: PinnedGeneration | None) -> None:
        """Hold at that generation from now on, or let go."""


class Archive(Protocol):
    """The generations that one can go back to."""

    def history(self) -> tuple[Past, ...]:
        """Return all that can be read, oldest first."""

    def pin(self, number: int, since: str) -> PinnedGeneration:
        """Return one to hold the gateway at; raise ProxyctlError when it cannot be read."""


class Watched(Protocol):
    """The running `watch`, as far as its operators see it."""

    @property
    def applied(self) -> Generation | None:
        """What the running proxy was last confirmed to do."""

    @property
    def looks(self) -> int:
        """How often it has worked out what the proxy should do; each look sees the wishes that were kept before it."""

    @property
    def wanted(self) -> Desired:
        """What the last look came to."""

    @property
    def refused(self) -> str:
        """Why the last pass could not have the proxy do what it wanted; empty when it could."""

    def wake(self, reason: str, *, at_once: bool = False) -> None:
        """Ask for a pass; `at_once`: no reload of it is put off."""

    def files_changed(self, reason: str, *, at_once: bool = False) -> None:
        """Ask for a pass that reads its inputs anew."""

    async def status(self, *, figures: bool) -> dict[str, Any]:
        """Return the shape that LABELS.md promises for `status --json`; without live `figures` it is quick."""


class Operators:
    """Carries out wishes on one `watch`."""

    def __init__(self, watched: Watched, wishes: Wishes, pins: Pins, archive: Archive, feed: Journal) -> None:
        """Take the watch, where wishes are kept, the generations, and the feed that tells of each pass."""
        self._watched, self._wishes, self._feed = watched, wishes, feed
        self._pins, self._archive = pins, archive

    async def decide(self, server: str, **changes: Any) -> dict[str, Any]:
        """Keep a drain or a weight for a container; raise ProxyctlError when no server has that name.

        Returns the pools in which the proxy does it, whether it drains there, and those that wait for it to join.
        """
        servers = [(p["name"], s) for p in (await self._watched.status(figures=False))["pools"] for s in p["servers"]]
        found = {pool: s["container"] for pool, s in servers if s["name"] == server}
        if not found:
            names = ", ".join(sorted({s["name"] for _, s in servers})) or "none"
            raise ProxyctlError(f"no server is named {server}; known are {names}")
        container = next(iter(found.values()))
        before = self._wishes.all().get(container, Override())
        self._wishes.decide(container, dataclasses.replace(before, **changes))
        looks = self._watched.looks
        self._watched.wake("operator", at_once=True)
        does: dict[str, Server] = {}

        def reached(applied: Generation) -> bool:
            nonlocal does
            does = _in_pools(applied.desired, container)
            return self._watched.looks > looks and does == _in_pools(self._watched.wanted, container)

        await self._confirm(reached, "the decision is kept")
        draining = any(s.draining for s in does.values())
        return {
            "server": server,
            "pools": list(does),
            "waiting": sorted(found.keys() - does),
            "draining": draining,
            **changes,
        }

    async def maintain(self, pool: str, *, on: bool) -> dict[str, Any]:
        """Put a pool in maintenance or take it out; raise ProxyctlError when there is no such pool."""
        known = [p["name"] for p in (await self._watched.status(figures=False))["pools"]]
        if pool not in known:
            raise ProxyctlError(f"no pool is named {pool}; known are {', '.join(known) or 'none'}")
        self._wishes.maintain(pool, on=on)
        self._watched.wake("operator", at_once=True)

        def reached(applied: Generation) -> bool:
            found = applied.desired.pool(pool)
            return found is not None and found.maintenance == on

        await self._confirm(reached, "the wish is kept")
        return {"pool": pool, "maintenance": on}

    async def hold(self, asked: int | None) -> dict[str, Any]:
        """Go back to a generation, or to the one before, and stay; raise ProxyctlError when the proxy refuses it."""
        before = self._pins.pin
        number = target(self._archive.history(), asked, before.number if before else None)
        since = dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        self._keep(self._archive.pin(number, since))
        try:
            await self._confirm(lambda applied: applied.held == number, "so it is undone")
        except ProxyctlError:
            self._keep(before)
            raise
        return {"held": number, "since": since}

    async def release(self) -> dict[str, Any]:
        """Let go of the generation that the gateway is held at; raise ProxyctlError when there is none."""
        if self._pins.pin is None:
            raise ProxyctlError("the gateway is not held at a generation: there is nothing to release")
        number = self._pins.pin.number
        self._keep(None)
        await self._confirm(lambda applied: applied.held is None, "it goes on trying")
        return {"held": None, "released": number}

    def _keep(self, pin: PinnedGeneration | None) -> None:
        self._pins.keep(pin)
        self._watched.files_changed("operator", at_once=True)

    async def _confirm(self, reached: Callable[[Generation], bool], otherwise: str) -> None:
        """Wait until the proxy does it; raise ProxyctlError when it refuses, or with the problems of now, in time."""
        known = self._watched.refused
        try:
            async with asyncio.timeout(CONFIRM):
                async for _ in self._feed.rings():
                    if self._watched.applied is not None and reached(self._watched.applied):
                        return
                    if self._watched.refused not in {"", known}:
                        break
        except TimeoutError:
            problems = [
                p["reason"] for p in (await self._watched.status(figures=False))["problems"] if not p["container"]
            ]
            why = "; ".join(problems) or "`proxyctl status` shows what it does"
            message = f"the proxy has not done it within {CONFIRM:.0f} s, {otherwise}: {why}"
            raise ProxyctlError(message) from None
        raise ProxyctlError(f"the proxy does not do it, {otherwise}: {self._watched.refused}")


def _in_pools(state: Desired, container: str) -> dict[str, Server]:
    return {p.name: s for p in state.pools for s in p.servers if s.container == container}
