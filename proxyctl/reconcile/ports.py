"""The ports of a pass: every way to the world outside, in one value."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Protocol

from proxyctl.core.model import Override, Pin
from proxyctl.engines.port import Engine
from proxyctl.gateway.port import Lifecycle, Prober, Road, Severing
from proxyctl.providers.port import Resolver, Source
from proxyctl.state.port import Inputs


class Overrides(Protocol):
    """Where operators' overrides are kept."""

    def all(self) -> Mapping[str, Override]:
        """Return the overrides by container id."""

    def forget_except(self, containers: Iterable[str]) -> None:
        """Drop every override except those of these containers."""

    @property
    def maintenance(self) -> Collection[str]:
        """The pools in maintenance."""

    def forget_pools_except(self, pools: Iterable[str]) -> None:
        """End the maintenance of every pool except these."""


@dataclasses.dataclass(frozen=True, slots=True)
class Ports:
    """Everything outside.

    `gateway_id` returns the short id of its container, `pin` is called in every pass, `read_inputs` when a file has
    changed. `grace`: the seconds that a server may fail the proxy's own check from the first one on, until that is a
    problem.
    """

    source: Source
    resolver: Resolver
    prober: Prober
    gateway: Lifecycle
    gateway_id: Callable[[], str]
    road: Road
    engine: Engine
    severing: Severing
    overrides: Overrides
    pin: Callable[[], Pin | None]
    read_inputs: Callable[[], Inputs]
    grace: float
