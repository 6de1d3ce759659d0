"""The pools as nginx prints them: the servers and settings of each upstream. Pure. Next: `printed`."""

from __future__ import annotations

import dataclasses
from typing import Literal

from proxyctl.core.effect import effective_weight
from proxyctl.core.features import timeouts
from proxyctl.core.model import Balance, Pool, Server, Setting
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
    """One pool and the servers that may take requests; `zone_kb` is the memory that nginx's workers share for it.

    `again_ms` is the time from a request's begin in which further servers may be tried. `scheme` and `h2` say what the
    servers speak.
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
    """Return the servers of this pool's upstream.

    nginx knows no weight 0, so servers without weight are left out. An upstream of backups alone prints them as plain
    servers, since nginx refuses one without a plain server. `hash` and `random` know no backups: there a backup is left
    out while the pool has another server.
    """
    servers = tuple(s for s in pool.servers if effective_weight(s) > 0)
    if pool.balance in {"roundrobin", "leastconn"} and any(not s.backup for s in servers):
        return servers
    primary = tuple(s for s in servers if not s.backup)
    return primary or tuple(dataclasses.replace(s, backup=False) for s in servers)


def upstream(pool: Pool) -> Upstream:
    """Return the printed form of a pool, the same on HTTP ports and tcp ports."""
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
    """Return the milliseconds in which nginx may try further servers, counted from the first try.

    A second connect fits in. A request for which timeout.server ran out is not tried again, unless two connects take
    longer than that. timeout.queue is the most.
    """
    connect, server, queue = (key.of(pool) for key in (timeouts.CONNECT, timeouts.SERVER, timeouts.QUEUE))
    return min(queue, max(server, 2 * connect))
