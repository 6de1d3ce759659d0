"""What a decision comes to: what the proxy should do, and what there is to say about the containers. Values only."""

from __future__ import annotations

import dataclasses

from proxyctl.core.model import Desired, Pool, Problem, Severity


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class Waiting:
    """A container that belongs to a pool and is not in it, and what it waits for.

    `failed` tells one that has a problem, as after `health.fall` bad checks, from one that just starts.
    """

    container: str
    name: str
    pool: str
    address: str
    port: int
    reason: str
    failed: bool = False


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class Leaving:
    """A server that drains because its container leaves, is ill or cannot be reached, and for how long it may."""

    pool: str
    container: str
    drain_ms: int


@dataclasses.dataclass(frozen=True, slots=True)
class Exclusion:
    """A part of a pool that the proxy refused, and what is done instead, for people.

    The exclusion concerns all containers of the pool unless it names one. `left_out` is the pool where nothing of it
    is left.
    """

    pool: str
    text: str
    severity: Severity
    container: str = ""
    left_out: Pool | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Outcome:
    """What the proxy should do, what is wrong with the containers, which wait and which leave; all sorted.

    `wanted` is what the labels ask for; `desired` is the same without what the proxy refused, the `exclusions`.
    `retained` are the ids of the containers that stay although the last listing lacks them. `leaving` also has the
    servers whose time to drain is over, as long as the proxy has them. `inhabited` are the pools that have a container.
    """

    desired: Desired
    problems: tuple[Problem, ...] = ()
    waiting: tuple[Waiting, ...] = ()
    leaving: tuple[Leaving, ...] = ()
    exclusions: tuple[Exclusion, ...] = ()
    retained: frozenset[str] = frozenset()
    inhabited: frozenset[str] = frozenset()
    wanted: Desired = dataclasses.field(default_factory=Desired)
