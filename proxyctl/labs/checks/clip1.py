"""Checks of clip 1."""

from __future__ import annotations

import ipaddress
from pathlib import Path

from proxyctl.labs.at import At
from proxyctl.labs.texts import Text

NET = Path("/sys/class/net")


def containers(at: At) -> None:
    """Expect both on the default bridge."""
    for key in ("box", "web"):
        entry = at.container(key)
        at.equal(f"{at[key]}: networks", list(entry["NetworkSettings"]["Networks"]), ["bridge"])
        at.note(f"{at[key]}  {entry['NetworkSettings']['Networks']['bridge']['IPAddress']}")


def docker0(at: At) -> None:
    """Expect the interface's address to be the containers' gateway, in the subnet that Docker names."""
    subnet, line = at.out
    address = ipaddress.ip_interface(line.split()[3])
    at.equal("docker0", str(address.network), subnet)
    at.equal("gateway", at.container("box")["NetworkSettings"]["Networks"]["bridge"]["Gateway"], str(address.ip))
    at.note(f"docker0 {address}, bridge {subnet}")


def find_veth(at: At) -> None:
    """Find the host's interface whose ifindex is the container's iflink."""
    wanted = at.quiet("docker exec {box} cat /sys/class/net/eth0/iflink").out
    found = [path.parent.name for path in NET.glob("*/ifindex") if path.read_text().strip() == wanted]
    at.expect(found, Text(ko=f"ifindex가 {wanted}인 호스트 인터페이스가 없습니다", en=f"no host interface {wanted}"))
    at.found(veth=found[0])


def veth_pair(at: At) -> None:
    """Expect each end's iflink to be the other's ifindex, and the host's end to be a port of docker0."""
    inside_link, outside_index, inside_index, outside_link, bridge = at.out
    at.equal("iflink", inside_link, outside_index)
    at.equal("iflink", outside_link, inside_index)
    at.equal("master", bridge, "docker0")
    at.note(
        f"eth0   ifindex {inside_index:>5}  iflink {inside_link:>5}",
        f"{at['veth']}  ifindex {outside_index:>5}  iflink {outside_link:>5}  master {bridge}",
    )
