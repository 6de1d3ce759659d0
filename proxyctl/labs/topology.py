"""The networks and containers of a run as Docker told them, for the drawing: seen again after every step.

Containers come and go during a lab, and so do their connections: what was seen once is kept.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from proxyctl.providers.docker.client import Client


@dataclasses.dataclass(frozen=True, slots=True)
class Network:
    """One network. `bridge` is its interface on the host, where it has one."""

    name: str
    driver: str
    subnet: str
    gateway: str
    bridge: str
    internal: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Box:
    """One container: network → address, ports as `8080→80`, and whose stack it shares (`host`, a name, or none)."""

    name: str
    image: str
    addresses: tuple[tuple[str, str], ...]
    published: tuple[str, ...]
    shares: str


@dataclasses.dataclass(frozen=True, slots=True)
class Topology:
    """All networks and containers of a run, sorted by name."""

    networks: tuple[Network, ...] = ()
    boxes: tuple[Box, ...] = ()


class Watcher:
    """Remembers all networks and containers that a run had at any time."""

    def __init__(self, client: Client, prefix: str) -> None:
        self._client, self._prefix = client, prefix
        self._networks: dict[str, Network] = {}
        self._boxes: dict[str, Box] = {}

    def look(self) -> None:
        """Ask Docker once for networks and containers (two calls), and remember those of the run."""
        named = {n["Name"]: n for n in self._client.networks()}
        listed = self._client.containers(all=True)
        entries = {entry["Id"]: entry for entry in listed}
        names = {entry["Id"]: entry["Names"][0].removeprefix("/") for entry in listed if entry["Names"]}
        for id_, name in names.items():
            if self._prefix in name and entries[id_]["State"] == "running":
                box = _box(entries[id_], name, names)
                self._boxes[name] = _merged(self._boxes.get(name), box)
        used = {network for box in self._boxes.values() for network, _ in box.addresses}
        for name, entry in named.items():
            if name in used or name.startswith(self._prefix):
                self._networks[name] = _network(entry)

    @property
    def seen(self) -> Topology:
        """What was seen so far, sorted by name with the default networks first."""
        networks = sorted(self._networks.values(), key=lambda n: (n.name.startswith(self._prefix), n.name))
        return Topology(tuple(networks), tuple(self._boxes[name] for name in sorted(self._boxes)))


def _network(entry: Mapping[str, Any]) -> Network:
    pools = (entry["IPAM"].get("Config") or [{}])[0]
    options = entry.get("Options") or {}
    bridge = options.get("com.docker.network.bridge.name") or f"br-{entry['Id'][:12]}"
    return Network(
        name=entry["Name"],
        driver=entry["Driver"],
        subnet=pools.get("Subnet", ""),
        gateway=pools.get("Gateway", ""),
        bridge=bridge if entry["Driver"] == "bridge" else "",
        internal=bool(entry.get("Internal")),
    )


def _box(entry: Mapping[str, Any], name: str, names: Mapping[str, str]) -> Box:
    networks = (entry.get("NetworkSettings") or {}).get("Networks") or {}
    mode = entry["HostConfig"]["NetworkMode"]
    shares = names.get(mode.partition(":")[2], "") if mode.startswith("container:") else ""
    # those of IPv6 may have other numbers, which tell no more
    ports = {
        f"{port['PublicPort']}→{port['PrivatePort']}"
        for port in entry.get("Ports") or ()
        if port.get("PublicPort") and ":" not in port.get("IP", "")
    }
    return Box(
        name=name,
        image=entry["Image"],
        addresses=tuple(sorted((network, at["IPAddress"]) for network, at in networks.items() if at.get("IPAddress"))),
        published=tuple(sorted(ports)),
        shares="host" if mode == "host" else shares,
    )


def _merged(before: Box | None, now: Box) -> Box:
    """Keep a connection that is no longer there."""
    if before is None:
        return now
    addresses = {**dict(before.addresses), **dict(now.addresses)}
    return dataclasses.replace(now, addresses=tuple(sorted(addresses.items())))
