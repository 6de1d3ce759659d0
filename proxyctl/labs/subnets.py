"""Subnets: Docker's default pools, which are taken on this host, and free ones for `docker network create --subnet`."""

from __future__ import annotations

import ipaddress
import random
import socket
import struct
from collections.abc import Iterable
from pathlib import Path

import docker

Subnet = ipaddress.IPv4Network

DEFAULT_POOLS: tuple[Subnet, ...] = (
    *(Subnet(f"172.{second}.0.0/16") for second in range(17, 32)),
    *Subnet("192.168.0.0/16").subnets(new_prefix=20),
)
"""What `docker network create` takes from without --subnet: 15 of 65,536 addresses, then 16 of 4,096.

(moby, libnetwork/ipamutils; `default-address-pools` in daemon.json changes it.)
"""


def taken(client: docker.APIClient) -> dict[Subnet, str]:
    """Return the subnets in use here, each with who has it: Docker's networks, and the host's own routes."""
    found = {
        Subnet(f"{_ip(destination)}/{_ip(mask)}"): f"route {interface}"
        for interface, destination, mask in _routes(Path("/proc/net/route"))
    }
    for network in client.networks():
        for pool in network["IPAM"].get("Config") or ():
            if "." in pool.get("Subnet", ""):
                found[Subnet(pool["Subnet"])] = network["Name"]
    return found


def free(used: Iterable[Subnet]) -> Subnet:
    """Return a /24 of 10.64.0.0/10 that overlaps none in use; drawn, so that two runs at once do not meet."""
    used = tuple(used)
    candidates = [s for s in Subnet("10.64.0.0/10").subnets(new_prefix=24) if not any(s.overlaps(u) for u in used)]
    return random.choice(candidates)  # noqa: S311 - no secret


def _routes(table: Path) -> Iterable[tuple[str, str, str]]:
    """Give interface, destination and mask (hexadecimal, host order) of each route but the default one."""
    if not table.exists():
        return
    for line in table.read_text().splitlines()[1:]:
        interface, destination, _, _, _, _, _, mask, *_ = line.split()
        if mask != "00000000":
            yield interface, destination, mask


def _ip(text: str) -> str:
    return socket.inet_ntoa(struct.pack("=L", int(text, 16)))
