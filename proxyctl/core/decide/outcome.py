"""The outcome of `decide`: what the proxy should do, and the state of each container beside it. Values only."""

from __future__ import annotations

import dataclasses

from proxyctl.core.model import Desired, Pool, Problem, Severity


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class Waiting:
    """A container that belongs to a pool and is not in it yet, and what it waits for.

    `failed`: the container has a problem, such as `health.fall` bad checks; else it is just starting.
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
    """A server that drains because its container ends, is unhealthy or cannot be reached, for at most `drain_ms`."""

    pool: str
    container: str
    drain_ms: int


@dataclasses.dataclass(frozen=True, slots=True)
class Exclusion:
    """A part of a pool that the proxy refused; `text` says to people what is done instead.

    An exclusion concerns all containers of the pool, or only the `container` that it names. `left_out` is the pool
    itself where no part of it is left.
    """

    pool: str
    text: str
    severity: Severity
    container: str = ""
    left_out: Pool | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Outcome:
    """What the proxy should do, the problems, and the containers that wait or leave; all sorted.

    `wanted` is what the labels ask for, with retained servers; `desired` is the same without the `exclusions`.
    `retained` are the ids of containers that stay although the last listing lacks them. A server is in `leaving` as
    long as the proxy has it, even after its drain is over. `inhabited` are the pools that have a container. `elsewhere`
    are the names of labelled containers that nobody serves, and this gateway need not.
    """

    desired: Desired
    problems: tuple[Problem, ...] = ()
    waiting: tuple[Waiting, ...] = ()
    leaving: tuple[Leaving, ...] = ()
    exclusions: tuple[Exclusion, ...] = ()
    retained: frozenset[str] = frozenset()
    inhabited: frozenset[str] = frozenset()
    elsewhere: tuple[str, ...] = ()
    wanted: Desired = dataclasses.field(default_factory=Desired)
