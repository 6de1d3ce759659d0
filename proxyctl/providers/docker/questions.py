"""The questions of `source` to Docker beside the event stream: each in a thread, all with one client."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from proxyctl.core import layout
from proxyctl.providers.docker.answers import objects
from proxyctl.providers.docker.client import Client, translated


class Questions:
    """Asks Docker; every method raises DockerUnavailable or docker-py's NotFound."""

    def __init__(self, connect: Callable[[], Client]) -> None:
        """Take a function that returns a client; the first question calls it."""
        self._connect = connect
        self._client: Client | None = None

    def reconnect(self) -> None:
        """Use a new client from the next question on: the engine may come back with another API version."""
        self._client = None

    async def ping(self) -> None:
        """Return once Docker answers a ping."""
        await self._ask("ping", lambda c: c.ping())

    async def inspect(self, id_: str) -> Any:
        """Return Docker's JSON of a container."""
        return await self._ask("inspecting", lambda c: c.inspect_container(id_))

    async def listing(self, network: str, label: str) -> tuple[list[Any], list[Any]]:
        """Return the list entries of all containers that run on a network or have a label, and of all gateways."""

        def both(client: Client) -> tuple[list[Any], list[Any]]:
            labelled = objects(client.containers(all=True, filters={"label": [label]}))
            attached = objects(client.containers(all=False, filters={"network": [network]}))
            gateways = objects(client.containers(all=True, filters={"label": [layout.GATEWAY_LABEL]}))
            return [*attached, *labelled], gateways

        entries: tuple[list[Any], list[Any]] = await self._ask("listing containers", both)
        return entries

    async def _ask(self, doing: str, question: Callable[[Client], Any]) -> Any:
        def ask() -> Any:
            with translated(doing):
                if self._client is None:
                    self._client = self._connect()
                return question(self._client)

        return await asyncio.to_thread(ask)
