"""Docker's networks: find one, create one with proxyctl's label, remove it only where it has that label."""

from __future__ import annotations

import docker.errors
import structlog

from proxyctl.core import layout
from proxyctl.errors import DockerRefuses
from proxyctl.providers.docker.client import Client, translated

log = structlog.get_logger()


def exists(client: Client, name: str) -> bool:
    """Return whether Docker has a network of that name; raise DockerUnavailable.

    Where a proxy in front of Docker's socket refuses to say, there is one: a gateway that exists is on it.
    """
    try:
        with translated(f"network {name}"):
            client.inspect_network(name)
    except docker.errors.NotFound:
        return False
    except DockerRefuses as exc:
        log.warning("whether the network exists is not known, and taken for granted", reason=str(exc))
    return True


def internal(client: Client, name: str) -> bool:
    """Return whether a network is cut off from the outside, so that no port can be published on it."""
    try:
        with translated(f"network {name}"):
            return client.inspect_network(name).get("Internal") is True
    except docker.errors.NotFound:
        return False


def create(client: Client, name: str) -> None:
    """Create a bridge network that `remove_if_ours` may remove again; raise DockerUnavailable."""
    with translated(f"making network {name}"):
        client.create_network(name, driver="bridge", check_duplicate=True, labels={layout.NETWORK_LABEL: "proxyctl"})


def remove_if_ours(client: Client, name: str) -> bool:
    """Remove a network if `create` made it; return whether a network was removed. Raise DockerUnavailable."""
    try:
        with translated(f"removing network {name}"):
            if layout.NETWORK_LABEL not in (client.inspect_network(name).get("Labels") or {}):
                return False
            client.remove_network(name)
    except docker.errors.NotFound:
        return False
    return True
