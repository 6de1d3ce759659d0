"""The networks that a gateway joins beside its own one: connected once they are there, left when nobody asks for them.

The connection itself says that proxyctl made it, so that one made by hand, as to a network of monitors, is left alone.
Called by `lifecycle`.
"""

from __future__ import annotations

import contextlib
import ipaddress
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import docker.errors
import structlog

from proxyctl.core import codes
from proxyctl.core.model import Problem
from proxyctl.errors import DockerUnavailable
from proxyctl.gateway.spec import Spec
from proxyctl.providers.docker import commands, networks
from proxyctl.providers.docker.client import Client, explain, translated

log = structlog.get_logger()

MARK = "proxyctl.joined"
"""An option of the endpoint: drivers ignore what they do not know, and Docker keeps it with the connection."""
UNKNOWN = "0.0.0.0"  # noqa: S104 - nobody has it; the address of a gateway that does not run


def lacking(spec: Spec, entry: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the networks that a gateway should have joined and has not, by Docker's JSON of its container."""
    return tuple(n for n in spec.join if n not in _endpoints(entry))


def unasked(spec: Spec, entry: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the networks that a gateway has joined and nobody asks for any more."""
    wanted = {spec.network, *spec.join}
    marked = (n for n, e in _endpoints(entry).items() if MARK in ((e or {}).get("DriverOpts") or {}))
    return tuple(sorted(n for n in marked if n not in wanted))


def join(client: Client, spec: Spec, entry: Mapping[str, Any]) -> Iterator[Problem]:
    """Connect a gateway to what it lacks; yield a problem for each network where that was not possible."""
    for network in lacking(spec, entry):
        try:
            with translated("connecting it"):
                client.connect_container_to_network(spec.name, network, driver_opt={MARK: "1"})
        except (DockerUnavailable, docker.errors.NotFound) as exc:
            yield Problem("", "", _reason(client, spec, network, exc), code=codes.NOT_JOINED)
        else:
            log.info("the gateway has joined a network", network=network)


def forget_removed(client: Client, spec: Spec, entry: Mapping[str, Any]) -> None:
    """Disconnect a gateway that does not run from networks that were removed or made anew: it would not start."""
    for network, endpoint in _endpoints(entry).items():
        try:
            with translated("looking for its networks"):
                client.inspect_network((endpoint or {}).get("NetworkID") or network)
        except docker.errors.NotFound:
            with contextlib.suppress(docker.errors.NotFound), translated("disconnecting it"):
                client.disconnect_container_from_network(spec.name, network, force=True)


def leave(client: Client, spec: Spec, entry: Mapping[str, Any], serving: Collection[str]) -> None:
    """Disconnect a gateway from networks that nobody asks for, unless one of the addresses that it serves is there."""
    for network in unasked(spec, entry):
        endpoint = _endpoints(entry)[network]
        subnet = ipaddress.ip_network(f"{endpoint['IPAddress'] or UNKNOWN}/{endpoint['IPPrefixLen']}", strict=False)
        if any(ipaddress.ip_address(address) in subnet for address in serving if address):
            continue
        try:
            with translated("disconnecting it"):
                client.disconnect_container_from_network(spec.name, network)
        except (DockerUnavailable, docker.errors.NotFound) as exc:
            log.debug("the gateway stays on a network for now", network=network, reason=str(exc))
        else:
            log.info("the gateway has left a network", network=network)


def _reason(client: Client, spec: Spec, network: str, exc: Exception) -> str:
    subject = f"{spec.name} is not on network {network}, so the containers on it are not served"
    if isinstance(exc, docker.errors.NotFound) and not networks.exists(client, network):
        return f"{subject}: there is no such network: docker network create {network}"
    why = explain(exc) if isinstance(exc, docker.errors.NotFound) else str(exc)
    return f"{subject}: {why}; {commands.COMMANDS.attach.format(network=network, container=spec.name)}"


def _endpoints(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = (entry.get("NetworkSettings") or {}).get("Networks") or {}
    return found
