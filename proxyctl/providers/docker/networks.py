"""Docker's networks: find one, create one with proxyctl's label, know it again by that, remove it."""

from __future__ import annotations

import contextlib

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
    """Create a bridge network that `is_ours` knows again; raise DockerUnavailable."""
    with translated(f"making network {name}"):
        client.create_network(name, driver="bridge", check_duplicate=True, labels={layout.NETWORK_LABEL: "proxyctl"})


def is_ours(client: Client, name: str) -> bool:
    """Return whether there is such a network, and `create` made it; raise DockerUnavailable."""
    try:
        with translated(f"network {name}"):
            return layout.NETWORK_LABEL in (client.inspect_network(name).get("Labels") or {})
    except docker.errors.NotFound:
        return False


def members(client: Client, name: str) -> tuple[str, ...]:
    """Return the names of the containers on a network, also of those that do not run; raise DockerUnavailable."""
    with translated(f"listing the containers of network {name}"):
        found = client.containers(all=True, filters={"network": name})
    return tuple(sorted(str(names[0]).lstrip("/") for c in found if (names := c.get("Names"))))


def remove(client: Client, name: str) -> None:
    """Remove a network on which no container is; one that is gone is no error. Raise DockerUnavailable."""
    with contextlib.suppress(docker.errors.NotFound), translated(f"removing network {name}"):
        client.remove_network(name)
