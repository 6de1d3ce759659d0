"""Docker's embedded DNS, asked as the network's containers ask it: UDP to 127.0.0.11 in their view.

Where no socket can be opened in that view, a command inside the gateway asks instead (60 ms in place of 0.2). Says
nothing about what an answer means for a container: `reconcile.dns_names` does.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

from proxyctl.errors import GatewayError, ResolveError
from proxyctl.providers.port import NetworkView, Shell

SERVER = ("127.0.0.11", 53)
DEADLINE = 0.5
"""Seconds for one answer. Known names take 0.07 ms; unknown ones go upstream, which may be unreachable."""
_ATTEMPTS = 2
_PAYLOAD = 4096
"""Largest UDP answer that we take (EDNS): an alias of 250 containers; without it the limit is 28."""

_NOT_THERE = (126, 127)
_UNKNOWN_NAME = 2
"""getent(1); another code is of a getent that knows no `ahostsv4`, as musl's."""


class EmbeddedDns:
    """Resolver through the embedded DNS of the network that `view` sees."""

    def __init__(self, view: NetworkView, gateway: Shell) -> None:
        self._view = view
        self._gateway = gateway
        self._has_getent = True

    async def resolve(self, name: str) -> tuple[str, ...]:
        """Return the IPv4 addresses of `name`, sorted; raise ResolveError with the reason."""
        addresses = await (self._ask(name) if self._view.direct else self._run(name))
        if not addresses:
            raise ResolveError(f"the embedded DNS gives no IPv4 address for {name}")
        return tuple(sorted(addresses, key=ipaddress.IPv4Address))

    async def _ask(self, name: str) -> set[str]:
        try:
            question = dns.name.from_text(name.rstrip(".") + ".")
        except dns.exception.DNSException as exc:
            raise ResolveError(f"{name} cannot be a DNS name: {exc}") from exc
        query = dns.message.make_query(question, dns.rdatatype.A, use_edns=0, payload=_PAYLOAD)
        response = await self._exchange(query, name)
        code = response.rcode()
        if code == dns.rcode.NXDOMAIN:
            raise ResolveError(f"the embedded DNS knows no {name} on this network (NXDOMAIN)")
        if code != dns.rcode.NOERROR:
            raise ResolveError(f"the embedded DNS failed on {name} ({dns.rcode.to_text(code)})")
        return {r.address for rrset in response.answer for r in rrset if r.rdtype == dns.rdatatype.A}

    async def _exchange(self, query: dns.message.Message, name: str) -> dns.message.Message:
        """Return the answer to a query, which is sent again after a deadline; foreign packets are ignored."""
        try:
            with self._view.open(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                sock.connect(SERVER)  # UDP: sends nothing, and only this server's packets come back
                for _ in range(_ATTEMPTS):
                    try:
                        async with asyncio.timeout(DEADLINE):
                            return await _exchange_once(sock, query)
                    except TimeoutError:
                        continue
        except OSError as exc:
            raise ResolveError(f"the embedded DNS cannot be asked for {name}: {exc}") from exc
        raise ResolveError(f"the embedded DNS did not answer for {name} within {DEADLINE} s, {_ATTEMPTS} times")

    async def _run(self, name: str) -> set[str]:
        """Return the addresses by a command that the image has: getent of the C library, or busybox's nslookup."""
        try:
            if self._has_getent:
                ran = await self._gateway.run(("getent", "ahostsv4", f"{name}."))
                if ran.code == 0:
                    return set(re.findall(r"^(\d+\.\d+\.\d+\.\d+)\s", ran.output, re.MULTILINE))
                if ran.code == _UNKNOWN_NAME:
                    raise ResolveError(f"the embedded DNS knows no {name} on this network (getent: {ran.code})")
                self._has_getent = False
            ran = await self._gateway.run(("nslookup", f"{name}.", SERVER[0]))
        except GatewayError as exc:
            raise ResolveError(f"the embedded DNS cannot be asked for {name}: {exc}") from exc
        if ran.code in _NOT_THERE:
            raise ResolveError("names cannot be resolved: the gateway's image has neither getent nor nslookup")
        answer = ran.output.partition("Name:")[2]
        found = set(re.findall(r"Address(?: \d+)?:\s*(\d+\.\d+\.\d+\.\d+)\b", answer))
        if not found:
            why = re.search(r"NXDOMAIN|SERVFAIL|timed out|REFUSED", ran.output)
            raise ResolveError(f"the embedded DNS has no answer for {name} ({why[0] if why else 'nslookup'})")
        return found


async def _exchange_once(sock: socket.socket, query: dns.message.Message) -> dns.message.Message:
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(sock, query.to_wire())
    while True:
        packet = await loop.sock_recv(sock, _PAYLOAD)
        try:
            response = dns.message.from_wire(packet)
        except dns.exception.DNSException:
            continue
        if query.is_response(response):
            return response
