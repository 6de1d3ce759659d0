"""The edges as the core of the program sees them: what it asks of Docker, DNS, the files and the proxies.

Protocols only. The implementations live in `proxyctl.edges` and are chosen in `proxyctl.daemon` alone.
"""

from __future__ import annotations

import dataclasses
import socket
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Protocol

from proxyctl.core.diff import Plan
from proxyctl.core.labels import Options
from proxyctl.core.model import (
    ConfigFiles,
    Desired,
    EngineKind,
    Features,
    Finding,
    Running,
    ServerCount,
    Snapshot,
    Target,
    Tuning,
)

Wake = Callable[[str], None]
"""Says "look again", and why, in a few words; safe from any coroutine of the loop."""


class Source(Protocol):
    """The informer that follows Docker."""

    @property
    def snapshot(self) -> Snapshot | None:
        """The last world that Docker confirmed; None before the first answer."""

    @property
    def synced_at(self) -> float | None:
        """Unix time of the last complete listing."""

    @property
    def connected(self) -> bool:
        """Whether the event stream is open."""

    @property
    def problem(self) -> str:
        """Why Docker did not answer when it last did not; empty once it does again."""

    @property
    def gateway_changes(self) -> int:
        """How often something may have happened to the gateway; it is looked at whenever this moves."""

    async def run(self, wake: Wake) -> None:
        """Follow Docker for ever; every change calls `wake`."""


class Resolver(Protocol):
    """Docker's embedded DNS as the network's containers see it."""

    async def resolve(self, name: str) -> tuple[str, ...]:
        """Return the IPv4 addresses of `name`, sorted; raise ResolveError with the reason."""


class Prober(Protocol):
    """Asks the servers themselves, from inside the network."""

    def follow(self, targets: Iterable[Target]) -> None:
        """Replace the set of targets that are asked; those that stay keep what is known of them."""

    def findings(self) -> Mapping[Target, Finding]:
        """Return what is known of each target now; one that was not asked yet is missing."""


@dataclasses.dataclass(frozen=True, slots=True)
class Ran:
    """How a command inside the gateway ended; `output` is stdout and stderr in one."""

    code: int
    output: str


class NetworkView(Protocol):
    """Sockets that see the network as its containers do."""

    @property
    def direct(self) -> bool:
        """Whether `open` works here; if not, only commands inside the gateway see the network."""

    def open(self, family: socket.AddressFamily, kind: socket.SocketKind, protocol: int = 0) -> socket.socket:
        """Return a new non-blocking socket that lives in the network's view."""


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


@dataclasses.dataclass(frozen=True, slots=True)
class Inputs:
    """What comes from files: re-read when they change; `held`: from the generation that an operator holds it at."""

    options: Options
    tuning: Tuning
    templates: Mapping[str, str]
    token: str
    held: int | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Generation:
    """One set of files on disk, with what it was made from; `held` as in `Inputs`."""

    number: int
    revision: str
    topology: str
    desired: Desired
    held: int | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Pin:
    """The generation that an operator holds the gateway at, since when (for a person), and all it was made from."""

    number: int
    since: str
    desired: Desired
    inputs: Inputs


class Generations(Protocol):
    """The generations on disk, of which `current` always loads."""

    def stage(
        self, files: ConfigFiles, desired: Desired, inputs: Inputs | None = None, changes: Sequence[str] = ()
    ) -> int:
        """Write a new generation beside the others and return its number; nothing uses it yet.

        Kept with it are what it was rendered from and, for people, what is new in it.
        """

    def path(self, number: int) -> str:
        """Return the generation's folder as the gateway sees it."""

    def switch(self, number: int) -> None:
        """Make `current` point to that generation, atomically."""

    def confirm(self, number: int) -> None:
        """Remember that the proxy was seen to do it; the oldest ones may go now."""

    def drop(self, number: int) -> None:
        """Remove a generation that is not current."""

    def current(self) -> Generation | None:
        """Return the current generation, if there is one that can be read."""


class Engine(Protocol):
    """One kind of proxy, inside a running gateway. Knows nothing of when and why: `proxyctl.apply` does."""

    @property
    def kind(self) -> EngineKind:
        """Which proxy it is."""

    async def features(self) -> Features:
        """Ask the binary what it can do; raise GatewayError when it is not there."""

    async def check(self, folder: str, files: ConfigFiles) -> None:
        """Have the proxy's own binary check the generation in `folder` (a path inside the gateway).

        Also checks what that does not see (addresses that cannot be bound). Raise ConfigRefused.
        """

    async def reload(self, revision: str) -> None:
        """Load `current` and return when the running proxy answers with `revision`; raise ReloadFailed.

        Raise GatewayError when it does not answer, and was not told to reload yet.
        """

    async def change(self, plan: Plan, files: ConfigFiles) -> None:
        """Carry out a plan that needs no reload, prove it from the proxy's own list; raise RuntimeRefused.

        `files` are what the proxy would load after it. A proxy that is there and silent is a GatewayError.
        """

    async def cut(self, servers: Iterable[tuple[str, str]]) -> None:
        """End what still runs on (pool, server) pairs that drain; where that cannot be done, leave it to its end."""

    async def running(self) -> Running | None:
        """Return what the running proxy answers with; None when it does not answer."""

    async def counts(self) -> tuple[ServerCount, ...]:
        """Return live figures per server, empty where the proxy does not say."""
