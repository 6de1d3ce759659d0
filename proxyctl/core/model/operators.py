"""What an operator decided: an override of one container, and the pin of the gateway."""

from __future__ import annotations

import dataclasses

from proxyctl.core.model.desired import Desired


@dataclasses.dataclass(frozen=True, slots=True)
class Override:
    """What an operator asked for one container; it is kept until the container is gone."""

    drain: bool = False
    weight: int | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Pin:
    """The generation that an operator pinned the gateway to, since when (for a person), and its pools and routes.

    Its servers and its pools' maintenance are left out: the present ones count.
    """

    number: int
    since: str
    desired: Desired

    def __post_init__(self) -> None:
        pools = tuple(dataclasses.replace(p, servers=(), maintenance=False) for p in self.desired.pools)
        object.__setattr__(self, "desired", Desired(self.desired.listeners, pools))
