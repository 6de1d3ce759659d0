"""The changes that lead from one state of the proxy to another: a closed list, so that every use of it is complete.

`plan` makes them, `describe` puts them into sentences, and each engine's rules say what they cost.
"""

from __future__ import annotations

import dataclasses

from proxyctl.core.model import Listener, Pool, Server


@dataclasses.dataclass(frozen=True, slots=True)
class ServerAdded:
    """A server joins a pool that stays."""

    pool: str
    server: Server


@dataclasses.dataclass(frozen=True, slots=True)
class ServerRemoved:
    """A server leaves a pool that stays."""

    pool: str
    server: Server


@dataclasses.dataclass(frozen=True, slots=True)
class ServerChanged:
    """A server changes its address, port, weight, role or limit, or its drain begins or ends."""

    pool: str
    before: Server
    after: Server


@dataclasses.dataclass(frozen=True, slots=True)
class PoolAdded:
    """A new pool, with its servers."""

    pool: Pool


@dataclasses.dataclass(frozen=True, slots=True)
class PoolRemoved:
    """A pool goes, with its servers."""

    pool: Pool


@dataclasses.dataclass(frozen=True, slots=True)
class PoolChanged:
    """A pool has other settings; `before` and `after` hold no servers, whose changes are listed apart."""

    before: Pool
    after: Pool


@dataclasses.dataclass(frozen=True, slots=True)
class ListenerAdded:
    """The gateway listens on one more port."""

    listener: Listener


@dataclasses.dataclass(frozen=True, slots=True)
class ListenerRemoved:
    """The gateway stops listening on a port."""

    listener: Listener


@dataclasses.dataclass(frozen=True, slots=True)
class ListenerChanged:
    """A port has other routes, or speaks another protocol."""

    before: Listener
    after: Listener


Change = (
    ServerAdded
    | ServerRemoved
    | ServerChanged
    | PoolAdded
    | PoolRemoved
    | PoolChanged
    | ListenerAdded
    | ListenerRemoved
    | ListenerChanged
)
