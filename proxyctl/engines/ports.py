"""Ports that somebody else in the gateway's network namespace listens on: neither proxy's own check sees them."""

from __future__ import annotations

from proxyctl.errors import ConfigRefused
from proxyctl.providers.port import Shell

_LISTENS = "0A"  # the state of a listening socket in /proc/net/tcp


async def refuse_taken(gateway: Shell, new: set[int]) -> None:
    """Raise ConfigRefused when one of these ports cannot be bound, as where Docker's DNS has it."""
    if not new:
        return
    # of pid 1, for the command itself may have no pid in the gateway's /proc
    ran = await gateway.run(("cat", "/proc/1/net/tcp", "/proc/1/net/tcp6"))
    sockets = [line.split() for line in ran.output.splitlines()]
    taken = {int(s[1].rpartition(":")[2], 16) for s in sockets if s[3:4] == [_LISTENS]}
    if clash := sorted(new & taken):
        raise ConfigRefused(f"port {clash[0]} cannot be bound in the gateway: something else listens there")
