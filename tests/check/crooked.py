"""A proxy that is right, and the ways in which one can be crooked: what `check` is judged by.

It is a real proxy: an asyncio server that takes requests and chooses a server for each, by the algorithms of real
ones. The servers are parts of it, because what is judged is the choosing: each names itself and has a delay.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import hashlib
import random
import re
import time
from collections.abc import AsyncIterator, Mapping

from tests.backend.backends import Peer, RawServer, raw_server

STALL_SECONDS = 0.4  # more than a busy machine does
COOKIE = "crooked"


@dataclasses.dataclass
class Proxy:
    """How it chooses and where it is crooked; `weights` are what it really does.

    `fails` are servers that fail one request in so many, `stall_every` is seconds between two windows in which
    nobody is answered, `forgetful` is one cookie in so many that is not honoured. `processes` of it count alone.
    """

    weights: Mapping[str, int]
    balance: str = "roundrobin"
    delays: Mapping[str, float] = dataclasses.field(default_factory=dict)
    fails: Mapping[str, int] = dataclasses.field(default_factory=dict)
    stall_every: float = 0.0
    forgetful: int = 0
    processes: int = 1
    seed: int = 1

    def __post_init__(self) -> None:
        self._rng = random.Random(self.seed)
        self._credit = [dict.fromkeys(self.weights, 0) for _ in range(self.processes)]
        self._open = dict.fromkeys(self.weights, 0)
        self._served = dict.fromkeys(self.weights, 0)
        self._began = time.monotonic()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[RawServer]:
        """Listen on a free port."""
        self._began = time.monotonic()
        async with raw_server(self.behave) as server:
            yield server

    async def behave(self, peer: Peer) -> None:
        """Serve one connection."""
        process = self._rng.randrange(self.processes)  # as nginx: a connection stays with the process that took it
        while head := await peer.request():
            name, cookie = self._choose(head, process)
            self._open[name] += 1
            self._served[name] += 1
            try:
                await self._wait(self.delays.get(name, 0.0))
            finally:
                self._open[name] -= 1
            headers = [f"X-Served-By: {name}"]
            if cookie:
                headers.append(f"Set-Cookie: {COOKIE}={cookie}; path=/; HttpOnly")
            bad = name in self.fails and self._served[name] % self.fails[name] == 0
            await peer.answer("502 Bad Gateway" if bad else "200 OK", b"ok", *headers)

    async def _wait(self, delay: float) -> None:
        if delay:
            await asyncio.sleep(delay)
        if self.stall_every:
            now = time.monotonic() - self._began
            into = now % self.stall_every
            if now >= self.stall_every and into < STALL_SECONDS:
                await asyncio.sleep(STALL_SECONDS - into)

    def _choose(self, head: str, process: int) -> tuple[str, str | None]:
        """Return who serves a request, and the cookie that is set."""
        if self.balance != "cookie":
            return self._pick(head, process), None
        found = re.search(rf"\r\ncookie: .*?{COOKIE}=(\w+)", head, re.IGNORECASE)
        if found and found[1] in self.weights and not (self.forgetful and self._rng.randrange(self.forgetful) == 0):
            return found[1], None
        name = self._turn(process)
        return name, name

    def _pick(self, head: str, process: int) -> str:
        names = [name for name, weight in self.weights.items() if weight]
        match self.balance:
            case "roundrobin":
                return self._turn(process)
            case "random":
                return self._rng.choices(names, [self.weights[n] for n in names])[0]
            case "leastconn":
                return min(names, key=lambda n: (self._open[n] / self.weights[n], self._rng.random()))
            case "uri":
                path = head.split(" ")[1].encode()
                return max(names, key=lambda n: hashlib.md5(n.encode() + path).digest())  # rendezvous
            case _:
                raise NotImplementedError(self.balance)

    def _turn(self, process: int) -> str:
        """Choose by smooth weighted round robin, as nginx does."""
        credit = self._credit[process]
        for name, weight in self.weights.items():
            credit[name] += weight
        best = max(credit, key=credit.__getitem__)
        credit[best] -= sum(self.weights.values())
        return best
