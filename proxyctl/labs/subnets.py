"""Subnets: Docker's default pools, which are taken on this host, and free ones for `docker network create --subnet`."""

from __future__ import annotations

import ipaddress
import random
import socket
import struct
from collections.abc import Iterable
from pathlib import Path

from proxyctl.errors import ProxyctlError
from proxyctl.providers.docker.client import Client

Subnet = ipaddress.IPv4Network

DEFAULT_POOLS: tuple[Subnet, ...] = (
    *(Subnet(f"172.{second}.0.0/16") for second in range(17, 32)),
    *Subnet("192.168.0.0/16").subnets(new_prefix=20),
)
"""What `docker network create` takes from without --subnet: 15 of 65,536 addresses, then 16 of 4,096.

(moby, libnetwork/ipamutils; `default-address-pools` in daemon.json changes it.)
"""


_FREE = Subnet("10.64.0.0/10")


def taken(client: Client) -> dict[Subnet, str]:
    """Return the subnets in use here, each with its owner: one of Docker's networks, or a route of the host."""
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
    """Return a /24 of 10.64.0.0/10 that overlaps none in use; drawn, so that two runs at once do not meet.

    Raise ProxyctlError when there is none.
    """
    used = tuple(used)
    for number in random.sample(range(_FREE.num_addresses >> 8), _FREE.num_addresses >> 8):
        drawn = Subnet((int(_FREE.network_address) + (number << 8), 24))
        if not any(drawn.overlaps(subnet) for subnet in used):
            return drawn
    raise ProxyctlError(f"no subnet of {_FREE} is free for the lab: all are in use by networks or routes of this host")


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
