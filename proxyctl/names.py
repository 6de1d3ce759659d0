"""Which containers' names resolve to their own addresses, asked in the background and never asked twice.

Next: `reconciler`, which keeps out whose name does not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from proxyctl.core.model import Target
from proxyctl.errors import ResolveError
from proxyctl.ports import Resolver, Wake

RESOLVE_WAIT = 0.02  # seconds that a pass waits for DNS; slower answers wake the next one
RETRY_FIRST, RETRY_LAST = 0.25, 5.0


class Names:
    """Which targets' names were seen to resolve to the container's own address, asked in the background."""

    def __init__(self, resolver: Resolver, wake: Wake) -> None:
        """Ask `resolver`, and call `wake` when an answer comes after the pass that wanted it."""
        self._resolver = resolver
        self._wake = wake
        self._answers: dict[tuple[str, str], str] = {}
        self._tasks: dict[tuple[str, str], asyncio.Task[None]] = {}

    async def check(self, wanted: Iterable[Target]) -> dict[Target, str | None]:
        """Return per target an empty string (fine), a reason (not fine) or None (not known yet)."""
        all_wanted = tuple(wanted)
        keys = {(t.name, t.address) for t in all_wanted}
        for key in self._tasks.keys() - keys:
            self._tasks.pop(key).cancel()
        self._answers = {k: v for k, v in self._answers.items() if k in keys}
        for name, address in keys - self._answers.keys() - self._tasks.keys():
            self._tasks[name, address] = asyncio.create_task(self._resolve(name, address), name=f"dns {name}")
        pending = [t for k, t in self._tasks.items() if k not in self._answers]
        if pending:
            await asyncio.wait(pending, timeout=RESOLVE_WAIT)
        return {t: self._answers.get((t.name, t.address)) for t in all_wanted}

    async def _resolve(self, name: str, address: str) -> None:
        delay = RETRY_FIRST
        while True:
            try:
                found = await self._resolver.resolve(name)
                reason = ""
                if address not in found:
                    reason = f"the name {name} resolves to {', '.join(found) or 'nothing'}, not to its own {address}"
            except ResolveError as exc:
                reason = f"the name {name} does not resolve through Docker's DNS: {exc}"
            if self._answers.get((name, address)) != reason:
                self._answers[name, address] = reason
                self._wake(f"name {name}")
            if not reason:
                del self._tasks[name, address]
                return
            await asyncio.sleep(delay)
            delay = min(delay * 2, RETRY_LAST)
