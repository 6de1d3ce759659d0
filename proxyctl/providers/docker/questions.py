"""The questions of `source` to Docker beside the event stream: each in a thread, all with one client.

Nothing here gives up early: `client` has the patience. What takes long is told, once, while it is waited for.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal

import structlog

from proxyctl.core import layout
from proxyctl.errors import DockerRefuses, DockerUnavailable
from proxyctl.providers.docker.answers import objects
from proxyctl.providers.docker.client import Client, attempted, translated
from proxyctl.providers.docker.threads import in_thread

log = structlog.get_logger()

Kind = Literal["listing containers", "inspecting", "ping"]

TOLD_AFTER = 5.0
"""Seconds until the log says that an answer takes long."""
LATE_AFTER = 10.0
"""Seconds until a ping or an inspect without an answer means that what is known may be out of date."""
AT_A_TIME = 16
"""Inspects at the same time: more than containers that hang, so that those do not hold up the others."""
_WORDS: dict[Kind, str] = {
    "listing containers": "docker takes long to list its containers, the gateway serves on meanwhile",
    "inspecting": "docker takes long to describe a container, the others go on",
    "ping": "docker takes long to answer a ping",
}


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """A question that is being asked since that time of the loop."""

    kind: Kind
    since: float


class Questions:
    """Asks Docker; every method raises DockerUnavailable, and `inspect` docker-py's NotFound."""

    def __init__(self, connect: Callable[[], Client]) -> None:
        """Take a function that returns a client; the first question calls it."""
        self._connect = connect
        self._client: Client | None = None
        self._connecting = asyncio.Lock()
        self._inspects = asyncio.Semaphore(AT_A_TIME)
        self._asked: list[_Asked] = []
        self._told: set[Kind] = set()
        self.answered = 0
        """How many answers came."""

    def reconnect(self) -> None:
        """Use a new client from the next question on: the engine may come back with another API version."""
        self._client, self._connecting = None, asyncio.Lock()
        self._inspects = asyncio.Semaphore(AT_A_TIME)

    @property
    def late(self) -> str:
        """Which ping or inspect has no answer for so long that the snapshot may be out of date; empty for none."""
        now = asyncio.get_running_loop().time()
        found = [a for a in self._asked if a.kind != "listing containers" and now - a.since > LATE_AFTER]
        return f"{found[0].kind}: Docker has not answered for {now - found[0].since:.0f} s" if found else ""

    async def ping(self) -> None:
        """Return once Docker answers a ping; a proxy that refuses pings is an answer too."""
        with contextlib.suppress(DockerRefuses):
            await self._ask("ping", lambda c: c.ping())

    async def inspect(self, id_: str) -> Any:
        """Return Docker's JSON of a container."""
        async with self._inspects:
            return await self._ask("inspecting", lambda c: c.inspect_container(id_))

    async def listing(self, networks: Sequence[str], label: str) -> tuple[list[Any], list[Any]]:
        """Return the list entries of all containers that run on a network or have a label, and of all gateways.

        All three at the same time: each may take long. A gateway is known by its label in every one of them.
        """
        filters = [(True, "label", [label]), (False, "network", [*networks]), (True, "label", [layout.GATEWAY_LABEL])]

        def one(all_: bool, key: str, values: list[str]) -> Callable[[Client], list[Any]]:  # noqa: FBT001 - Docker's word
            return lambda client: objects(client.containers(all=all_, filters={key: values}))

        with self._waited_for("listing containers"):
            await self._connected("listing containers")
            asked = [asyncio.ensure_future(self._answer("listing containers", one(*each))) for each in filters]
            try:
                labelled, attached, gateways = await asyncio.gather(*asked)
            finally:
                for each in asked:
                    each.cancel()
        return [*attached, *labelled], gateways

    async def _ask(self, kind: Kind, question: Callable[[Client], Any]) -> Any:
        with self._waited_for(kind):
            return await self._answer(kind, question)

    async def _answer(self, kind: Kind, question: Callable[[Client], Any]) -> Any:
        client = await self._connected(kind)

        def ask() -> Any:
            with translated(kind) if kind == "inspecting" else attempted(kind, failure=DockerUnavailable):
                return question(client)

        answer = await in_thread(ask)
        self.answered += 1
        return answer

    async def _connected(self, kind: Kind) -> Client:
        """Return the client; the first question of many at the same time connects."""

        def connect() -> Client:
            with attempted(kind, failure=DockerUnavailable):
                return self._connect()

        async with self._connecting:
            if self._client is None:
                self._client = await in_thread(connect)
            return self._client

    @contextlib.contextmanager
    def _waited_for(self, kind: Kind) -> Iterator[None]:
        """Note a question while it is asked, and tell once that this kind of question takes long."""
        loop = asyncio.get_running_loop()
        asked = _Asked(kind, loop.time())
        telling = loop.call_later(TOLD_AFTER, self._tell, kind)
        self._asked.append(asked)
        try:
            yield
            if loop.time() - asked.since < TOLD_AFTER:
                self._told.discard(kind)
        finally:
            telling.cancel()
            self._asked.remove(asked)

    def _tell(self, kind: Kind) -> None:
        if kind not in self._told:
            self._told.add(kind)
            log.warning(_WORDS[kind], seconds=TOLD_AFTER)
