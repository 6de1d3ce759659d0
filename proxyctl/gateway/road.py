"""Asks the gateway's published ports as a client of this host does, and whether this very gateway answers there.

Only HTTP ports: on a tcp port every connection is a client's to the servers. A port that the gateway does not answer on
its own network either has no problem here, and neither has one whose templates, an operator's, lack the answer. From
inside a container nothing is said: its loopback is not the host's. Next: `reconcile.checkup` asks again and again.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from proxyctl.core import codes, layout, road
from proxyctl.core.model import Problem
from proxyctl.gateway.access import DockerAccess
from proxyctl.providers.port import NetworkView

ANSWER = 2.0
"""Seconds for one answer; on loopback it takes a millisecond."""
_AGAIN = 1.0  # seconds until a port that failed is asked once more: a proxy that reloads or restarts is no problem
_LONGEST = 4096
_LOOPBACK = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - as Docker says it
_NO_IPV6 = {errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL}


class PublishedRoad:
    """Implements `port.Road` for a `watch` on the host."""

    def __init__(self, access: DockerAccess, view: NetworkView, secret: str) -> None:
        """Take the gateway, its network's view, and the secret of `check`."""
        self._access, self._view, self._secret = access, view, secret

    async def look(self, listens: Collection[int]) -> tuple[Problem, ...]:
        """Return a problem for each published port that does not lead to this gateway; `listens`: its HTTP ports."""
        entry = self._access.entry
        asked = [(ip, host, port) for ip, host, port in published(entry) if port in listens]
        found = await asyncio.gather(*(self._problem(*address) for address in asked))
        return tuple(problem for problem in found if problem)

    async def _problem(self, ip: str, host_port: int, port: int) -> Problem | None:
        said = await self._ask(ip, host_port)
        if said == road.answer(self._secret) or not await self._knows_itself(port):
            return None
        await asyncio.sleep(_AGAIN)
        said = await self._ask(ip, host_port)
        if said == road.answer(self._secret):
            return None
        name, where = self._access.name, f"[{ip}]:{host_port}" if ":" in ip else f"{ip}:{host_port}"
        if isinstance(said, OSError):
            if said.errno in _NO_IPV6:
                return None  # this host has no such address
            told = f"port {port} of {name} is published at {where}, and nothing answers there: {_words(said)}; "
            return Problem("", "", f"{told}`docker restart {name}` has Docker publish it again", code=codes.NO_ROAD)
        told = f"port {port} of {name} is published at {where}, and something else answers there; "
        return Problem("", "", f"{told}`ss -ltnp 'sport = :{host_port}'` shows who listens", code=codes.STRANGER)

    async def _ask(self, ip: str, port: int) -> str | OSError:
        """Return what a published port answers, or why it does not."""
        family = socket.AF_INET6 if ":" in ip else socket.AF_INET
        try:
            with socket.socket(family, socket.SOCK_STREAM) as sock:
                sock.setblocking(False)  # noqa: FBT003 - the library's own signature
                return await self._exchange(sock, (ip, port))
        except TimeoutError:
            return OSError(f"no answer within {ANSWER:g} s")
        except OSError as exc:
            return exc

    async def _knows_itself(self, port: int) -> bool:
        """Return whether the gateway gives its answer on its own network."""
        try:
            if self._view.direct:
                with self._view.open(socket.AF_INET, socket.SOCK_STREAM) as sock:
                    said = await self._exchange(sock, ("127.0.0.1", port))
            else:
                found = await asyncio.gather(*(self._ask(ip, port) for ip in addresses(self._access.entry)))
                said = next((s for s in found if isinstance(s, str)), "")
        except OSError:
            return False
        return said == road.answer(self._secret)

    async def _exchange(self, sock: socket.socket, address: tuple[str, int]) -> str:
        """Connect, ask, and return the body of the answer; raise OSError or TimeoutError."""
        async with asyncio.timeout(ANSWER):
            await asyncio.get_running_loop().sock_connect(sock, address)
            reader, writer = await asyncio.open_connection(sock=sock.dup(), limit=_LONGEST)
            question = (
                f"GET / HTTP/1.0\r\nHost: {road.HOST}\r\n{layout.ROAD_HEADER}: {road.question(self._secret)}\r\n\r\n"
            )
            try:
                writer.write(question.encode())
                answer = await reader.read(_LONGEST)
                while not reader.at_eof() and len(answer) < _LONGEST:
                    answer += await reader.read(_LONGEST)
            finally:
                writer.transport.abort()
        if not answer:
            raise ConnectionResetError(errno.ECONNRESET, "closed without an answer")
        return answer.decode(errors="replace").partition("\r\n\r\n")[2].strip()


def published(entry: Mapping[str, Any]) -> Iterator[tuple[str, int, int]]:
    """Yield (address of this host, host port, gateway port) of each TCP port that Docker says it publishes.

    Docker lists `::` beside 0.0.0.0 whether or not the host forwards IPv6: it counts where it stands alone.
    """
    for key, bindings in ((entry.get("NetworkSettings") or {}).get("Ports") or {}).items():
        port, _, protocol = key.partition("/")
        found = [(str(b.get("HostIp") or ""), int(b["HostPort"])) for b in bindings or () if b.get("HostPort")]
        everywhere = {host_port for ip, host_port in found if ip in {"", "0.0.0.0"}}  # noqa: S104 - as Docker says it
        if protocol in {"", "tcp"}:
            for ip, host_port in found:
                if not (ip == "::" and host_port in everywhere):
                    yield _LOOPBACK.get(ip, ip), host_port, int(port)


def addresses(entry: Mapping[str, Any]) -> list[str]:
    """Return the gateway's own IPv4 addresses."""
    networks = (entry.get("NetworkSettings") or {}).get("Networks") or {}
    return [str(n["IPAddress"]) for n in networks.values() if n.get("IPAddress")]


def _words(exc: OSError) -> str:
    return os.strerror(exc.errno).lower() if exc.errno else str(exc)


class NoRoad:
    """Implements `port.Road` for a `watch` in a container, which cannot ask: it says nothing."""

    async def look(self, listens: Collection[int]) -> tuple[Problem, ...]:  # noqa: ARG002 - part of the protocol
        """Return nothing."""
        return ()
