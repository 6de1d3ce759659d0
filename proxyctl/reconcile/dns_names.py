"""Asks DNS, in the background, whether each container's name resolves to its own address.

A name that does is not asked for again. Docker's DNS need not know a generated name (20.10 does not, without `--name`),
but it knows the short id of every container, which counts as well. Next: `inquiry`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import structlog

from proxyctl.core import layout
from proxyctl.core.model import Target
from proxyctl.errors import ResolveError, mistake
from proxyctl.providers.port import Resolver, Wake
from proxyctl.reconcile.dns_pulse import DnsPulse
from proxyctl.reconcile.wakes import RETRY_FIRST, RETRY_LAST

log = structlog.get_logger()

RESOLVE_WAIT = 0.02  # seconds that a pass waits for DNS; slower answers wake the next one

_Key = tuple[str, tuple[str, ...], str]
"""A container's name, the names that may resolve to its address, in the order to ask for them, and its address."""


class DnsNames:
    """The answers of DNS so far, and a task for each name that does not resolve yet."""

    def __init__(self, resolver: Resolver, wake: Wake, pulse: DnsPulse) -> None:
        """Ask `resolver`, and call `wake` when an answer comes after the pass that wanted it.

        `pulse` says whether DNS answers at all.
        """
        self._resolver, self._pulse = resolver, pulse
        self._wake = wake
        self._answers: dict[_Key, str] = {}
        self._tasks: dict[_Key, asyncio.Task[None]] = {}

    async def check(self, wanted: Iterable[Target]) -> dict[Target, str | None]:
        """Return for each target an empty string (its name resolves), the reason why not, or None (no answer yet).

        Once DNS has been silent for a while, every name counts as one that resolves.
        """
        all_wanted = tuple(wanted)
        keys = {_key(t) for t in all_wanted}
        for key in self._tasks.keys() - keys:
            self._tasks.pop(key).cancel()
        self._answers = {k: v for k, v in self._answers.items() if k in keys}
        new = keys - self._answers.keys() - self._tasks.keys()
        self._tasks |= {k: asyncio.create_task(self._follow(k), name=f"dns {k[0]}") for k in new}
        if new:  # only for new names: a name without an answer must not delay every pass, and with it every drain
            await asyncio.wait([self._tasks[k] for k in new], timeout=RESOLVE_WAIT)
        if self._pulse.silent:
            return dict.fromkeys(all_wanted, "")
        return {t: self._answers.get(_key(t)) for t in all_wanted}

    async def _follow(self, key: _Key) -> None:
        name, known_as, address = key
        delay = RETRY_FIRST
        while True:
            reason = await self._wrong_all(known_as, address)
            learnt = not reason or await self._pulse.answers()
            if learnt and self._answers.get(key) != reason:
                self._answers[key] = reason
                self._wake(f"name {name}")
            if not reason:
                del self._tasks[key]
                return
            await asyncio.sleep(delay)
            delay = min(delay * 2, RETRY_LAST)

    async def _wrong_all(self, names: Iterable[str], address: str) -> str:
        """Return why the first of these names does not resolve to the address; empty when one of them does."""
        reason = ""
        for name in names:
            wrong = await self._wrong(name, address)
            if not wrong:
                return ""
            reason = reason or wrong
        return reason

    async def _wrong(self, name: str, address: str) -> str:
        """Return why this name does not resolve to the address; an empty string when it does."""
        try:
            found = await self._resolver.resolve(name)
        except ResolveError as exc:
            return f"the name {name} does not resolve through Docker's DNS: {exc}"
        except Exception as exc:  # a mistake of ours, or this machine has no thread or file left: it is asked again
            log.exception("asking Docker's DNS failed by a mistake of proxyctl")
            return f"the name {name} could not be asked for: {mistake(exc)}"
        if address in found:
            return ""
        return f"the name {name} resolves to {', '.join(found) or 'nothing'}, not to its own {address}"


def _key(target: Target) -> _Key:
    names = target.known_as or (target.name, target.container[: layout.SHORT_ID])
    return target.name, names, target.address
