"""Whether Docker's DNS answers at all: it knows every container, so it is asked for the gateway's own.

While it does not, names prove nothing: what Docker's API says of an address, and an answering port, are enough
(decision 0041). Called by `dns_names` for each failure, so that no container is blamed for it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

import structlog

from proxyctl.core import codes
from proxyctl.core.model import Problem
from proxyctl.errors import ResolveError
from proxyctl.providers.port import Resolver, Wake

log = structlog.get_logger()

EVERY = 10.0  # seconds between two questions while DNS answers
AGAIN = 0.5  # the same while it does not
PATIENCE = 3.0  # seconds without an answer until that is a problem, and names are not waited for any more


class DnsPulse:
    """Asks again and again; `silent` is why DNS does not answer, an empty string while it does."""

    def __init__(
        self, resolver: Resolver, gateway: Callable[[], str], wake: Wake, *, patience: float = PATIENCE
    ) -> None:
        """Take what asks DNS, a function that returns the gateway's short id, and what to call on a change.

        `patience` is shorter for who asks once and cannot wait.
        """
        self._resolver, self._gateway, self._wake, self._patience = resolver, gateway, wake, patience
        self._since: float | None = None
        self._failed = asyncio.Event()
        self.silent = ""

    async def answers(self) -> bool:
        """Ask now, and return whether DNS answers."""
        now = asyncio.get_running_loop().time
        try:
            await self._resolver.resolve(self._gateway())
        except ResolveError as exc:
            self._since = self._since or now()
            self._failed.set()
            silent = str(exc) if now() - self._since >= self._patience else self.silent
        else:
            self._since, silent = None, ""
        if bool(silent) != bool(self.silent):
            self.silent = silent
            self._wake("Docker's DNS")
        return self._since is None

    async def run(self) -> None:
        """Ask for ever: rarely while DNS answers, often from a failure on."""
        while True:
            try:
                wait = EVERY if await self.answers() else AGAIN
            except Exception:  # a mistake of ours, or this machine has no thread or file left
                log.exception("asking Docker's DNS failed by a mistake of proxyctl")
                wait = EVERY
            self._failed.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._failed.wait()

    def problems(self, gateway: str) -> tuple[Problem, ...]:
        """Return the problem that DNS is, for a gateway of that name; nothing while it answers."""
        return (silence(gateway, self.silent),) if self.silent else ()


def silence(gateway: str, why: str) -> Problem:
    """Return the problem that a DNS without answers is for the gateway of that name."""
    told = f"Docker's DNS does not answer in the network of {gateway} ({why}): `docker restart {gateway}`"
    return Problem("", "", f"{told} makes its rules anew", code=codes.NO_DNS)
