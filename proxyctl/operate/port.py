"""The Protocols of this room: what it needs of `watch`, of the state folder and of Docker."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol, Unpack

from proxyctl.api.port import Changes, Overridden
from proxyctl.core.model import Desired, Override
from proxyctl.core.status import Status
from proxyctl.providers.docker.successor import Old, Others, Successor
from proxyctl.state.history import Past
from proxyctl.state.port import Generation, PinnedGeneration


class KeptOverrides(Protocol):
    """Where operators' overrides are kept."""

    def all(self) -> Mapping[str, Override]:
        """Return the overrides by container id."""

    def keep(self, container: str, override: Override) -> None:
        """Keep the override of a container."""

    def maintain(self, pool: str, *, on: bool) -> None:
        """Put a pool in maintenance or take it out."""


class Pins(Protocol):
    """Where the pin is kept."""

    @property
    def pin(self) -> PinnedGeneration | None:
        """The generation that the gateway is pinned to."""

    def keep(self, pin: PinnedGeneration | None) -> None:
        """Keep the pin from now on; None removes it."""


class Archive(Protocol):
    """The generations that an operator can go back to."""

    def history(self) -> tuple[Past, ...]:
        """Return all that can be read, oldest first."""

    def pin(self, number: int, since: str) -> PinnedGeneration:
        """Return a generation to pin the gateway to; raise ProxyctlError when it cannot be read."""


class Watched(Protocol):
    """The running `watch`, as seen from inside its process."""

    @property
    def applied(self) -> Generation | None:
        """What the running proxy was last confirmed to do."""

    @property
    def decided(self) -> int:
        """How many outcomes were decided; each of them sees every override that was kept before it."""

    @property
    def desired(self) -> Desired:
        """What the proxy should do, by the last outcome."""

    @property
    def refused(self) -> str:
        """Why the proxy refused what the last pass decided, or the newest inputs; empty when it refused neither."""

    def wake(self, reason: str, *, at_once: bool = False) -> None:
        """Ask for a pass; with `at_once` no reload of it is deferred."""

    def files_changed(self, reason: str, *, at_once: bool = False) -> None:
        """Ask for a pass that reads its inputs anew."""

    async def quiet(self) -> None:
        """Return once servers that drain get no new request."""

    async def finished(self, container: str) -> bool:
        """Return whether nothing runs any more on the servers of a container that drains; raise ProxyctlError."""

    async def status(self, *, figures: bool) -> Status:
        """Return the present status; without live `figures` the proxy is not asked."""


class Watch(Protocol):
    """The running `watch`, as seen from another process; every failure is a ProxyctlError."""

    @property
    def state(self) -> Path:
        """Its state folder."""

    def status(self) -> Status:
        """Return its status."""

    def override(self, server: str, **changes: Unpack[Changes]) -> Overridden:
        """Drain a server or not, or give it a weight; return when the proxy does it."""

    def finished(self, server: str) -> bool:
        """Return whether nothing runs any more on a server that drains."""


class Docker(Protocol):
    """What a rollout asks of Docker; every failure is a ProxyctlError."""

    def old(self, id_: str) -> Old:
        """Return a container with its image's defaults; raise ContainerGone where it is not there any more."""

    def image_id(self, image: str) -> str:
        """Return the id of an image."""

    def others(self) -> Others:
        """Return what a rollout has to know of all containers."""

    def config_hash(self, old: Old, image: str) -> str:
        """Return compose's hash of a container's service with another image; empty where it cannot be told."""

    def make(self, successor: Successor) -> str:
        """Create a container and return its id."""

    def start(self, id_: str, name: str) -> None:
        """Start a container."""

    def end(self, id_: str) -> str:
        """Return how a container ended; empty while it runs."""

    def stop(self, id_: str, seconds: int) -> None:
        """Stop a container within that many seconds."""

    def remove(self, id_: str, *, volumes: bool) -> None:
        """Remove a container, with its anonymous volumes if wanted."""
