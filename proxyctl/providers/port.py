"""What the rest of the program asks of a provider and of the embedded DNS. Protocols only."""

from __future__ import annotations

import dataclasses
import socket
from collections.abc import Callable, Sequence
from typing import Protocol

from proxyctl.core.model import Problem, Snapshot

Wake = Callable[[str], None]
"""Wakes the loop with a reason in a few words; may be called from any coroutine of the loop."""


class Source(Protocol):
    """The informer that follows Docker."""

    @property
    def snapshot(self) -> Snapshot | None:
        """The last snapshot that Docker confirmed; None before the first listing."""

    @property
    def synced_at(self) -> float | None:
        """Unix time of the last complete listing."""

    @property
    def connected(self) -> bool:
        """Whether the event stream is open, and Docker answers."""

    @property
    def problem(self) -> str:
        """Why Docker does not answer, or has not for long; empty while it does."""

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is told of Docker itself, beside that."""

    @property
    def gateway_changes(self) -> int:
        """A count of events that concern the gateway; each pass that sees it grown looks after the gateway."""

    async def run(self, wake: Wake) -> None:
        """Follow Docker for ever; every change calls `wake`."""


class Resolver(Protocol):
    """Docker's embedded DNS as the network's containers see it."""

    async def resolve(self, name: str) -> tuple[str, ...]:
        """Return the IPv4 addresses of `name`, sorted; raise ResolveError with the reason."""


@dataclasses.dataclass(frozen=True, slots=True)
class Ran:
    """How a command inside the gateway ended; `output` is stdout and stderr in one."""

    code: int
    output: str


class Shell(Protocol):
    """Runs commands inside the gateway, where they see the network as its containers see it."""

    async def run(self, argv: Sequence[str]) -> Ran:
        """Run a command there; raise GatewayError when it cannot be run."""


class NetworkView(Protocol):
    """Sockets that see the network as its containers see it."""

    @property
    def direct(self) -> bool:
        """Whether `open` works here; if not, only commands inside the gateway see the network."""

    def open(self, family: socket.AddressFamily, kind: socket.SocketKind, protocol: int = 0) -> socket.socket:
        """Return a new non-blocking socket that lives in the network's view."""
