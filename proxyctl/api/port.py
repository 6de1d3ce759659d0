"""The requests of operators to a `watch` and the answers to them; the Protocols that `server` needs."""

from __future__ import annotations

import dataclasses
from typing import Protocol, TypedDict, Unpack


class Changes(TypedDict, total=False):
    """What an operator asks for one server; a missing key leaves the earlier override as it is.

    `weight` is 0 to 256, None: the weight of the container's label.
    """

    drain: bool
    weight: int | None


@dataclasses.dataclass(frozen=True, slots=True)
class Overridden:
    """The pools in which the proxy does what was asked, and the pools that the server has not joined yet.

    `draining`: the server drains in one of them, by an override or because its container leaves.
    """

    server: str
    pools: tuple[str, ...]
    waiting: tuple[str, ...]
    draining: bool
    changes: Changes


@dataclasses.dataclass(frozen=True, slots=True)
class Maintained:
    """The pool, and whether it is in maintenance now."""

    pool: str
    maintenance: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Pinned:
    """The generation that the gateway is pinned to, since when, and what that changed, for a person."""

    number: int
    since: str
    changes: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Released:
    """The generation that the gateway is not pinned to any more."""

    number: int


class Overriding(Protocol):
    """Keeps operators' overrides; each call returns once the proxy does it, or raises ProxyctlError with the reason."""

    async def override(self, server: str, **changes: Unpack[Changes]) -> Overridden:
        """Drain a server or not, or give it a weight."""

    async def finished(self, server: str) -> bool:
        """Return whether nothing runs any more on a server that drains."""

    async def maintain(self, pool: str, *, on: bool) -> Maintained:
        """Put a pool in maintenance or take it out."""


class Rollback(Protocol):
    """Pins the gateway to a generation; returns and raises as `Overriding` does."""

    async def pin(self, asked: int | None) -> Pinned:
        """Go back to a generation and stay there; None: the one before the current."""

    async def release(self) -> Released:
        """Release the pin: the present labels, settings and templates count again."""
