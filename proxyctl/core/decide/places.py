"""Where a container is reached: on which of the gateway's networks, and what it lacks where it is on none. Pure.

The one place that chooses a network: the label's, else the gateway's own one, else the first joined one. Next:
`members`.
"""

from __future__ import annotations

from proxyctl.core import layout
from proxyctl.core.model import PREDEFINED, Container, Snapshot

_NO_NETWORK = (
    "no gateway serves network {network}: run proxyctl watch --network {network}, or give this gateway's watch --join "
    "{network}"
)
_LACKS = "has no address on network"
_LOST = {
    "ended": "shares the network of {owner}, which has ended",
    "restarted": "shares the network that {owner} had before it was started anew",
    "gone": "shares the network of {owner}, which is gone",
}


def chosen(container: Container, wanted: str, snapshot: Snapshot) -> str:
    """Return the network to reach a container on, empty where there is none; `wanted` is what its label says."""
    own = {a.network for a in container.attachments}
    return next((n for n in snapshot.networks if n in own and wanted in {"", n}), "")


def known_as(container: Container, network: str, snapshot: Snapshot) -> tuple[str, ...]:
    """Return the names by which Docker's DNS knows a container's address, where they are not its own name and id alone.

    A container that shares a network namespace is found by the names of its owner. On several of the gateway's networks
    a plain name leads to the address on one of them, and with a network's name behind it to the address on that one.
    """
    owner = container.owner
    several = sum(a.network in snapshot.networks for a in container.attachments) > 1
    if owner is None and not several:
        return ()
    names = (owner.name, owner.id) if owner else (container.name, container.id)
    plain = (names[0], names[1][: layout.SHORT_ID])
    return tuple(x for name in plain for x in (name, f"{name}.{network}")) if several else plain


def loss(container: Container, snapshot: Snapshot) -> str:
    """Return why a container has no living network namespace, and what gives it one; empty where it has one."""
    owner = container.owner
    if owner is None or not owner.lost:
        return ""
    return f"{_LOST[owner.lost].format(owner=owner.name)}: {snapshot.commands.reviving(container, owner)}"


def astray(container: Container, wanted: str, snapshot: Snapshot) -> str | None:
    """Return why the gateway reaches a container nowhere; None when it does, "" when it belongs to another gateway."""
    if wanted and wanted not in snapshot.networks:
        return "" if wanted in snapshot.gateways else _NO_NETWORK.format(network=wanted)
    if chosen(container, wanted, snapshot):
        return None
    if not wanted and any(a.network in snapshot.gateways for a in container.attachments):
        return ""
    network = wanted or snapshot.network
    return f"is not on network {network}: {snapshot.commands.attaching(container, network)}"


def described(container: Container, wanted: str, snapshot: Snapshot) -> tuple[bool, str]:
    """Return whether the gateway reaches a container, and where, or what it lacks, for a person."""
    if lost := loss(container, snapshot):
        return False, lost
    if wanted and wanted not in snapshot.networks:
        return False, f"is meant for network {wanted}, which this gateway is not on"
    if network := chosen(container, wanted, snapshot):
        address = container.address_on(network)
        through = f" through {container.owner.name}" if container.owner else ""
        return bool(address), f"is on network {network} as {address}{through}" if address else f"{_LACKS} {network}"
    network = wanted or snapshot.network
    return False, f"{_LACKS} {network}: {snapshot.commands.attaching(container, network)}"


def could_be_meant(container: Container, wanted: str, snapshot: Snapshot) -> bool:
    """Return whether a container is this gateway's, or may have been meant to be.

    It may where it is on a network of the gateway, or names one, or is on no network of its own while this gateway is
    the only one. Nobody knows where it was once the owner of its network namespace is gone. Any other belongs to people
    who need no advice of every gateway on the machine.
    """
    attached = {a.network for a in container.attachments}
    if not attached.union({wanted}).isdisjoint(snapshot.networks):
        return True
    if container.owner and container.owner.lost == "gone":
        return not wanted
    return not wanted and attached <= PREDEFINED and set(snapshot.gateways) <= {snapshot.network}
