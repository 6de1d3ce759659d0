"""What the rest of the program asks of the gateway. Protocols only."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Literal, Protocol

from proxyctl.core.model import Finding, Problem, Target
from proxyctl.providers.port import Shell

Ensured = Literal["", "started", "connected"]
"""What had to be done with a gateway: nothing, a start (of a new one, too), or its network's connection made again."""


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


class Road(Protocol):
    """The way that a client takes to the gateway."""

    async def look(self, listens: Collection[int]) -> tuple[Problem, ...]:
        """Return a problem for each published port that does not lead there; `listens` are the HTTP ports it has."""


class Access(Shell, Protocol):
    """A gateway's container that exists; `run` is as root in it, with the proxy's own files in view."""

    @property
    def ended(self) -> bool:
        """Whether its process is known to have ended since the last `ensure`; False where that cannot be seen."""

    async def signal(self, name: str) -> None:
        """Send pid 1 a signal such as `HUP`, in a way that leaves the restart policy alone; raise GatewayError."""

    async def logs(self, lines: int) -> str:
        """Return the last lines that the proxy wrote."""


class Lifecycle(Protocol):
    """Whether there is a gateway's container, and whether it is as it was asked for."""

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What of it is not as it was asked for; nothing when all is."""

    async def ensure(self, serving: Collection[str] | None = None) -> Ensured:
        """Make, start, connect or adopt the container; return what had to be done. Raise GatewayError.

        `serving` are the addresses of its servers, as far as they are known: what they need is kept.
        """
