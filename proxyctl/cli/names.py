"""Names of a running gateway, for a shell that completes them; where nobody answers there are none."""

from __future__ import annotations

import typer

from proxyctl.api import client as control
from proxyctl.core.status import PoolStatus
from proxyctl.errors import ProxyctlError


def servers(context: typer.Context, incomplete: str) -> list[str]:
    """Return the servers whose names begin so."""
    return sorted({s.name for pool in _pools(context) for s in pool.servers if s.name.startswith(incomplete)})


def pools(context: typer.Context, incomplete: str) -> list[str]:
    """Return the pools whose names begin so."""
    return sorted(pool.name for pool in _pools(context) if pool.name.startswith(incomplete))


def _pools(context: typer.Context) -> tuple[PoolStatus, ...]:
    from proxyctl import sources

    given = {name: context.params.get(name) for name in ("network", "state", "config")}
    try:
        found = control.status_if_running(sources.load(given).state)
    except ProxyctlError:
        return ()
    return found.pools if found else ()
