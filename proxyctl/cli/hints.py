"""What may be meant where no `watch` answers, or no network was named: by the gateways that Docker has here.

Asked only when a verb has failed already; where Docker cannot be asked either, there is nothing to add.
"""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Sequence
from pathlib import Path

from proxyctl.errors import ProxyctlError

_MOST = 3


def of(exc: ProxyctlError) -> str:
    """Return what to add to an error, with what parts the two; empty where it needs nothing."""
    state = getattr(exc, "state", None)
    if state is None and type(exc).__name__ != "NoNetwork":
        return ""
    from proxyctl.gateway.access import Found, gateways
    from proxyctl.providers.docker.client import connect

    found: list[Found] = []
    try:
        with contextlib.closing(connect()) as client:
            found = gateways(client)
    except ProxyctlError:
        return ""
    hint = _hint(state, [(f.network, f.folder, f.running) for f in found])
    return f" {hint[0].upper()}{hint[1:]}" if str(exc).endswith("?") else f"; {hint}"


def _hint(state: Path | None, found: Sequence[tuple[str, str, bool]]) -> str:
    """Return the hint by network, state folder (empty: a volume) and whether it runs, of each gateway."""
    if not found:
        return "no gateway is on this machine: `proxyctl watch --network NAME` makes one"
    for network, folder, running in found:
        if state is not None and folder == str(state):
            does = "serves on without it" if running else "is stopped"
            return f"the gateway of network {network} {does}: `proxyctl watch{_flags(network, folder)}` takes it over"
    listed = [_named(network, folder) for network, folder, _ in found[:_MOST]]
    more = f" and {len(found) - _MOST} more" if len(found) > _MOST else ""
    return f"gateways here: {', '.join(listed)}{more}"


def _named(network: str, folder: str) -> str:
    if not folder:
        return f"{network} (made by a compose file: `docker compose exec proxyctl proxyctl status` beside it)"
    return f"{network} (`{_flags(network, folder).strip()}`)"


def _flags(network: str, folder: str) -> str:
    from proxyctl.sources import default_state

    elsewhere = "" if Path(folder) == default_state(network) else f" --state {shlex.quote(folder)}"
    return f" --network {network}{elsewhere}"
