"""What the rest of the program asks of the gateway. Protocols only."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Protocol

from proxyctl.core.model import (
    Finding,
    Target,
)
from proxyctl.providers.port import Ran


class Prober(Protocol):
    """Asks the servers themselves, from inside the network."""

    def follow(self, targets: Iterable[Target]) -> None:
        """Replace the set of targets that are asked; those that stay keep what is known of them."""

    def findings(self) -> Mapping[Target, Finding]:
        """Return what is known of each target now; one that was not asked yet is missing."""


class Severing(Protocol):
    """Ends connections that lead nowhere."""

    async def sever(self, addresses: Collection[str]) -> None:
        """End the gateway's connections to these addresses, where that can be done."""


class Gateway(Protocol):
    """The proxy container."""

    @property
    def notice(self) -> str:
        """What its operator should know of it; empty when it is as it was asked for."""

    @property
    def ended(self) -> bool:
        """Whether its process is known to have ended since `ensure`; never where that cannot be seen."""

    async def ensure(self) -> bool:
        """Make, start or adopt the container; True if it was (re)started. Raise GatewayError."""

    async def run(self, argv: Sequence[str]) -> Ran:
        """Run a command inside the gateway, as root there, with the proxy's own files in view."""

    async def signal(self, name: str) -> None:
        """Send pid 1 a signal such as `HUP`, in a way that leaves the restart policy alone."""

    async def logs(self, lines: int) -> str:
        """Return the last lines that the proxy wrote."""
