"""What a container's labels say, as typed values, and how they are to be read. Values only.

Next: `scopes`, which reads each label by the table of `core.features`.
"""

from __future__ import annotations

import dataclasses

from proxyctl.core.model import Pool, Problem


@dataclasses.dataclass(frozen=True, slots=True)
class Options:
    """How labels are read: the prefix, who takes part unasked, and `[defaults]` of proxyctl.toml."""

    label_prefix: str = "proxyctl"
    expose_by_default: bool = False
    defaults: tuple[tuple[str, str], ...] = ()


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class Claim:
    """A place on the gateway that a container wants for its pool; `at` is where its labels stand."""

    listen: int
    host: str
    path: str
    strip_prefix: bool = False
    at: str = dataclasses.field(default="proxyctl.", compare=False)


@dataclasses.dataclass(frozen=True, slots=True)
class Membership:
    """One port of a container in one pool. `pool` holds the pool-level keys and no servers.

    `at` says where its labels stand, `proxyctl.` or `proxyctl.route.x.`, and `written` which were, in full.
    """

    at: str
    pool: Pool
    network: str
    port: int
    weight: int
    backup: bool
    maxconn: int | None
    claims: tuple[Claim, ...]
    written: frozenset[str]


@dataclasses.dataclass(frozen=True, slots=True)
class Declaration:
    """All that a container's labels say. With an error among `problems` there are no memberships.

    `asked` tells an `enable` label from `expose_by_default`.
    """

    takes_part: bool
    asked: bool = False
    network: str = ""
    memberships: tuple[Membership, ...] = ()
    problems: tuple[Problem, ...] = ()
