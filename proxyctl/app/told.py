"""What `watch` tells its operator of the gateway: where it serves, how it is removed, how a first container is started.

Only what Docker says counts: ports that were asked for and are not published are not told.
"""

from __future__ import annotations

from collections.abc import Collection

from proxyctl.core.features import membership
from proxyctl.core.status import Status
from proxyctl.gateway.access import DockerAccess
from proxyctl.providers.docker import images
from proxyctl.providers.docker.client import Client
from proxyctl.settings import OFFICIAL, Settings

ECHO = "proxyctl/echo"
_EVERYWHERE = {"0.0.0.0", "::", ""}  # noqa: S104 - as Docker says it
_HTTP = 80


def served_at(access: DockerAccess, tcp: Collection[int] = ()) -> tuple[str, ...]:
    """Return the addresses of a gateway for clients of this machine; empty where Docker has none for it.

    `tcp` are the gateway's ports that carry no HTTP. Without a published port it is the gateway's own address.
    """
    if not access.entry:
        return ()
    found = []
    for ip, host_port in sorted(access.bindings):
        host = "127.0.0.1" if ip in _EVERYWHERE else f"[{ip}]" if ":" in ip else ip
        kind = "tcp" if access.published.get(host_port) in tcp else "http"
        found.append(f"{kind}://{host}" + ("" if (kind, host_port) == ("http", _HTTP) else f":{host_port}"))
    if not found and (own := access.own_address):
        found = [f"http://{own}"]
    return tuple(dict.fromkeys(found))


def tcp_ports(status: Status) -> set[int]:
    """Return the gateway's ports that carry no HTTP."""
    return {route.listen for pool in status.pools if pool.protocol == "tcp" for route in pool.routes}


def where(access: DockerAccess, status: Status) -> str:
    """Return where a gateway serves, in words; empty where nobody can reach it."""
    found = served_at(access, tcp_ports(status))
    if not found:
        return ""
    own = "" if access.bindings else " (its own address: no port is published)"
    return ", ".join(found) + own


def first_container(settings: Settings, client: Client) -> str:
    """Return a command that starts a container which joins; its image is one that is here, or the official nginx."""
    image = ECHO if images.id_of(client, ECHO) else OFFICIAL["nginx"]
    label = f"{settings.label_prefix}.{membership.ENABLE.name}=true"
    return f"docker run -d --network {settings.network} --label {label} {image}"
