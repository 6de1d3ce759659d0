"""Ends the gateway's connections to addresses whose container is gone; implements `port.Severing`.

A container that is cut off the network sends neither FIN nor RST, so the proxy would wait for its answer until
`timeout.server`. The kernel can abort such connections (sock_diag(7), SOCK_DESTROY, CAP_NET_ADMIN): then the
proxy sees an error at once, and tries an idempotent request on another server.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import struct
from collections.abc import Collection, Iterator

import structlog

from proxyctl.providers.port import NetworkView

log = structlog.get_logger()

_SOCK_DIAG = 4  # the netlink family of sock_diag
_BY_FAMILY, _DESTROY = 20, 21
_ERROR, _DONE = 2, 3
_REQUEST, _ACK, _DUMP = 1, 4, 0x300
_ALL_STATES = 0xFFFFFFFF
_HEADER = struct.Struct("=IHHII")  # struct nlmsghdr: length, type, flags, sequence, port
_QUESTION = struct.Struct("=BBBxI48s")  # struct inet_diag_req_v2: family, protocol, extensions, states, id
_ID = slice(4, 52)  # in struct inet_diag_msg: struct inet_diag_sockid
_REMOTE = slice(20, 24)  # in struct inet_diag_sockid, after two ports and room for 16 bytes of local address
_TIMEOUT = 1.0
_BUFFER = 1 << 16


class Severing:
    """Works where sockets can be opened in the gateway's network namespace; does nothing elsewhere."""

    def __init__(self, view: NetworkView) -> None:
        self._view = view

    async def sever(self, addresses: Collection[str]) -> None:
        """Abort every TCP connection to these IPv4 addresses."""
        if addresses and self._view.direct:
            try:
                ended = await asyncio.to_thread(self._sever, {socket.inet_aton(a) for a in addresses})
            except OSError as exc:  # no SOCK_DESTROY, or not the right: requests run into timeout.server
                log.debug("connections could not be severed", reason=str(exc))
            else:
                log.debug("severed", addresses=" ".join(sorted(addresses)), connections=ended)

    def _sever(self, remotes: set[bytes]) -> int:
        with self._view.open(socket.AF_NETLINK, socket.SOCK_RAW, _SOCK_DIAG) as netlink:
            netlink.settimeout(_TIMEOUT)
            found = [id_ for id_ in _connections(netlink) if id_[_REMOTE] in remotes]
            for id_ in found:
                _ask(netlink, _DESTROY, _ACK, id_)
                next(_answers(netlink), None)
        return len(found)


def _connections(netlink: socket.socket) -> list[bytes]:
    """Return the kernel's id of every TCP socket over IPv4."""
    _ask(netlink, _BY_FAMILY, _DUMP, bytes(48))
    return [message[_ID] for message in _answers(netlink)]


def _ask(netlink: socket.socket, kind: int, flags: int, id_: bytes) -> None:
    question = _QUESTION.pack(socket.AF_INET, socket.IPPROTO_TCP, 0, _ALL_STATES, id_)
    netlink.send(_HEADER.pack(_HEADER.size + len(question), kind, _REQUEST | flags, 0, 0) + question)


def _answers(netlink: socket.socket) -> Iterator[bytes]:
    """Yield the messages of one answer; raise OSError where the kernel refuses, but not for a socket that is gone."""
    while True:
        block = netlink.recv(_BUFFER)
        while block:
            length, kind, _, _, _ = _HEADER.unpack_from(block)
            message, block = block[_HEADER.size : length], block[(length + 3) & ~3 :]
            if kind == _DONE:
                return
            if kind == _ERROR:
                (code,) = struct.unpack_from("=i", message)
                if code not in {0, -errno.ENOENT}:
                    raise OSError(-code, "sock_diag")
                return
            yield message
