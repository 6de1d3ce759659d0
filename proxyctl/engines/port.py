"""What the rest of the program asks of a proxy: the Protocol that `engines.nginx` and `engines.haproxy` implement."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import Field
from typing import Any, ClassVar, Protocol

from proxyctl.core.model import (
    ConfigFiles,
    Desired,
    Features,
    Running,
    ServerCount,
    Tuning,
)
from proxyctl.core.plan import Plan


class PrintedForm(Protocol):
    """A dataclass with all that an engine's templates print; its fields are their variables."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]


class Printer(Protocol):
    """An engine's `printed`: pure, the same arguments give the same value."""

    def __call__(self, desired: Desired, *, features: Features, tuning: Tuning, token: str) -> PrintedForm:
        """Return what the templates print; `token` is the secret that `check` sends."""


class Engine(Protocol):
    """One kind of proxy, inside a running gateway. Knows nothing of when and why: `proxyctl.reconcile.apply` does."""

    @property
    def kind(self) -> str:
        """Which proxy it is."""

    @property
    def printer(self) -> Printer:
        """What turns a desired state into the values that the engine's templates print."""

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
