"""The Protocol that every engine implements, and the rest of the program calls."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import Field
from typing import Any, ClassVar, Protocol

from proxyctl.core.model import (
    ConfigFiles,
    Desired,
    Features,
    Running,
    Server,
    ServerCount,
    Tuning,
)
from proxyctl.core.plan import Plan
from proxyctl.core.usage import Usage


class PrintedForm(Protocol):
    """A dataclass with all values that an engine's templates print; its fields are the templates' variables."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]


class Printer(Protocol):
    """An engine's `printed`: pure, the same arguments give the same value."""

    def __call__(self, desired: Desired, *, features: Features, tuning: Tuning, token: str) -> PrintedForm:
        """Return what the templates print; `token` is the secret that `check` sends."""


class Engine(Protocol):
    """One kind of proxy, inside a running gateway. `proxyctl.reconcile.apply` says when it is called, and why."""

    @property
    def kind(self) -> str:
        """The name of the proxy, as `--engine` takes it."""

    @property
    def printer(self) -> Printer:
        """The function from a desired state to the values that the engine's templates print."""

    async def features(self) -> Features:
        """Return what the proxy binary can do; raise GatewayError when it is not there."""

    async def check(self, folder: str, files: ConfigFiles) -> None:
        """Have the proxy's own binary check the generation in `folder` (a path inside the gateway).

        Check as well what the binary does not see, such as addresses that cannot be bound. Raise ConfigRefused.
        """

    async def reload(self, revision: str) -> None:
        """Load `current` and return when the running proxy answers with `revision`; raise ReloadFailed.

        Raise GatewayError when the proxy does not answer before the reload has begun.
        """

    async def change(self, plan: Plan, files: ConfigFiles) -> None:
        """Carry out a plan that needs no reload, and prove it by the proxy's own list; raise RuntimeRefused.

        `files` are the configuration after the plan. Raise GatewayError while the proxy is silent.
        """

    async def cut(self, servers: Iterable[tuple[str, str]]) -> None:
        """Cut the remaining connections of draining (pool, server) pairs; where the proxy cannot, let them end."""

    async def quiet(self, keepalive_min: float) -> None:
        """Return once a drain that was applied by a reload is followed by all processes of the proxy.

        A process with an earlier configuration takes requests on kept connections for up to `keepalive_min` seconds,
        so no longer is waited. A drain at run time does not reach such a process, and is not waited for.
        """

    async def finished(self, pool: str, server: Server) -> bool:
        """Return whether nothing runs any more on a server that drains, in any process of the proxy.

        Raise GatewayError where the proxy, or its gateway, does not say.
        """

    async def running(self) -> Running | None:
        """Return the answer of the running proxy; None when it does not answer."""

    async def usage(self) -> tuple[Usage, ...]:
        """Return how much of its limits the proxy uses; empty where that cannot be seen."""

    async def counts(self) -> tuple[ServerCount, ...]:
        """Return live figures of each server; empty where the proxy does not count."""
