"""The typed form of a container's labels, and the options for reading them. Values only.

Next: `scopes`, which reads each label by the table of `core.features`.
"""

from __future__ import annotations

import dataclasses

from proxyctl.core.model import Pool, Problem


@dataclasses.dataclass(frozen=True, slots=True)
class Options:
    """How labels are read: the prefix, whether a container without `enable` takes part, and `[defaults]`.

    `one_offs`: containers of `docker compose run` take part, too.
    """

    label_prefix: str = "proxyctl"
    expose_by_default: bool = False
    defaults: tuple[tuple[str, str], ...] = ()
    one_offs: bool = False


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class Claim:
    """A route on the gateway that a container claims for its pool; `at` is the prefix of its labels."""

    listen: int
    host: str
    path: str
    strip_prefix: bool = False
    at: str = dataclasses.field(default="proxyctl.", compare=False)


@dataclasses.dataclass(frozen=True, slots=True)
class Membership:
    """One port of a container in one pool. `pool` holds the pool-level keys and no servers.

    `at` is the prefix of its labels, `proxyctl.` or `proxyctl.route.x.`; `written` are its labels in full. `named`: a
    label says the pool's name; else it is made from the container's origin.
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
    named: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Declaration:
    """All that a container's labels say. With an error among `problems` there are no memberships.

    `asked`: the container takes part by an `enable` label, not only by `expose_by_default`. `one_off`: it would take
    part, but `docker compose run` made it.
    """

    takes_part: bool
    asked: bool = False
    one_off: bool = False
    network: str = ""
    memberships: tuple[Membership, ...] = ()
    problems: tuple[Problem, ...] = ()
