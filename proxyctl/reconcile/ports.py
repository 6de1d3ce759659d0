"""What a pass works with: the ports to the world outside, in one value."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Protocol

from proxyctl.core.model import Override, Pin
from proxyctl.engines.port import Engine
from proxyctl.gateway.port import Lifecycle, Prober, Severing
from proxyctl.providers.port import Resolver, Source
from proxyctl.state.port import Inputs


class Overrides(Protocol):
    """Where operators' overrides are kept."""

    def all(self) -> Mapping[str, Override]:
        """Return them by container id."""

    def forget_except(self, containers: Iterable[str]) -> None:
        """Drop those on containers that are gone."""

    @property
    def maintenance(self) -> Collection[str]:
        """The pools in maintenance."""

    def forget_pools_except(self, pools: Iterable[str]) -> None:
        """End the maintenance of pools that are gone."""


@dataclasses.dataclass(frozen=True, slots=True)
class Ports:
    """Everything outside: `pin` and `read_inputs` are asked anew each time."""

    source: Source
    resolver: Resolver
    prober: Prober
    gateway: Lifecycle
    engine: Engine
    severing: Severing
    overrides: Overrides
    pin: Callable[[], Pin | None]
    read_inputs: Callable[[], Inputs]
