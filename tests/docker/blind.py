"""What a proxyctl has that may not enter the gateway: no sockets there, and commands that can be counted and hidden."""

from __future__ import annotations

import socket
from collections.abc import Sequence

from proxyctl.gateway.access import DockerAccess
from proxyctl.providers.port import Ran


class NoView:
    """The view of a process that may not enter the gateway."""

    direct = False

    def open(self, family: socket.AddressFamily, kind: socket.SocketKind, protocol: int = 0) -> socket.socket:
        """Fail: nobody asks for a socket where there is none."""
        raise AssertionError(family, kind)


class CountedGateway:
    """A gateway that notes which commands ran, and has some programs hidden; without a real one nothing may run."""

    def __init__(self, gateway: DockerAccess | None = None, hidden: tuple[str, ...] = ()) -> None:
        self.gateway, self.hidden = gateway, hidden
        self.ran: list[str] = []

    async def run(self, argv: Sequence[str]) -> Ran:
        """Run a command unless it is hidden."""
        self.ran.append(argv[0])
        assert self.gateway is not None
        return Ran(127, "") if argv[0] in self.hidden else await self.gateway.run(argv)
