"""Small states of a proxy: two servers in a pool behind port 80, and the same with other servers or settings."""

from __future__ import annotations

import dataclasses

from proxyctl.core.model import Desired, Listener, Pool, Route, Server

A, B = Server("a", "id-a", "10.0.0.1", 80), Server("b", "id-b", "10.0.0.2", 80)
WEB = Pool("web", servers=(A, B))
PORT = Listener(80, routes=(Route("", "/", "web"),))
OTHER_PORT = Listener(80, routes=(Route("", "/x", "web"),))
STATE = Desired((PORT,), (WEB,))


def drained(server: Server) -> Server:
    """Return the server as it drains."""
    return dataclasses.replace(server, draining=True)


def having(*servers: Server, **settings: object) -> Desired:
    """Return the state with other servers or settings."""
    return Desired((PORT,), (dataclasses.replace(WEB, servers=servers, **settings),))  # type: ignore[arg-type]
