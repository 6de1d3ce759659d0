"""The pools as nginx prints them: which servers an upstream holds, and with which settings. Pure."""

from __future__ import annotations

import dataclasses
from typing import Literal

from proxyctl.core.features import timeouts
from proxyctl.core.model import Balance, Pool, Server, Setting
from proxyctl.core.plan import effective_weight
from proxyctl.engines.pool_settings import PoolSettings


@dataclasses.dataclass(frozen=True, slots=True)
class PrintedServer:
    """One `server` line of an upstream."""

    name: str
    address: str
    port: int
    weight: int
    maxconn: int | None
    backup: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Upstream:
    """One pool and the servers that may take requests; `zone_kb` is the memory that its workers share.

    `again_ms` is how long a request may be tried on further servers; `scheme` and `h2` are what the servers speak.
    """

    name: str
    zone_kb: int
    balance: Balance
    sticky: str | None
    scheme: Literal["http", "https"]
    h2: bool
    again_ms: int
    servers: tuple[PrintedServer, ...]
    settings: PoolSettings

    def __getitem__(self, label: str) -> Setting:
        """Return the value of a label of the pool, as `pool["timeout.connect"]`; raise KeyError."""
        return self.settings[label]


def usable(pool: Pool) -> tuple[Server, ...]:
    """Return the servers that an upstream of this pool holds.

    nginx has neither weight 0 nor, with `hash` and `random`, backup servers: servers without weight are left out, and
    where the method knows no backup, the backups stand in only while there is no other server.
    """
    servers = tuple(s for s in pool.servers if effective_weight(s) > 0)
    if pool.balance in {"roundrobin", "leastconn"} and any(not s.backup for s in servers):
        return servers
    primary = tuple(s for s in servers if not s.backup)
    return primary or tuple(dataclasses.replace(s, backup=False) for s in servers)


def upstream(pool: Pool) -> Upstream:
    """Return what is printed of a pool, on HTTP ports and tcp ports alike."""
    servers = usable(pool)
    return Upstream(
        name=pool.name,
        zone_kb=64 + 2 * len(servers),
        balance=pool.balance,
        sticky=pool.sticky,
        scheme="https" if pool.protocol == "https" else "http",
        h2=pool.protocol == "h2c",
        again_ms=_again_ms(pool),
        servers=tuple(PrintedServer(s.name, s.address, s.port, s.weight, s.maxconn, s.backup) for s in servers),
        settings=PoolSettings.of(pool),
    )


def _again_ms(pool: Pool) -> int:
    """Return how long: connections that fail are tried again, but silence of timeout.server is not paid for twice."""
    connect, server, queue = (key.of(pool) for key in (timeouts.CONNECT, timeouts.SERVER, timeouts.QUEUE))
    return min(queue, max(server, 2 * connect))
