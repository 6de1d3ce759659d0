"""Containers that share the network namespace of another one: where they really are, by what Docker says of both.

Docker gives such a container (`--network container:X`, compose's `network_mode: service:X`) no network of its own. It
keeps the namespace that it started in, which ends with its owner, also where the owner starts again: then only start
times tell. Asks nothing: `source` hands in inspects.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from typing import Literal

from proxyctl.core.model import Attachment, Container, Owner
from proxyctl.providers.docker import view
from proxyctl.providers.docker.answers import Inspect

_UP = {"running", "paused"}


class Namespaces:
    """The start times of the containers that were inspected, by id, in Unix nanoseconds."""

    def __init__(self) -> None:
        self._started: dict[str, int] = {}

    def note(self, entry: Inspect) -> None:
        """Take a container's inspect."""
        self._started[entry.id] = view.started(entry)

    def forget(self, id_: str) -> None:
        """Forget a container, if it is known."""
        self._started.pop(id_, None)

    def forget_except(self, ids: Collection[str]) -> None:
        """Forget all containers but these."""
        for id_ in self._started.keys() - set(ids):
            del self._started[id_]

    def housed(self, containers: Mapping[str, Container]) -> tuple[Container, ...]:
        """Return the containers, by id, with those that share a namespace placed where its owner is."""
        names = {c.name: c for c in containers.values()}
        return tuple(self._housed(c, containers, names) if c.owner else c for c in containers.values())

    def _housed(
        self, container: Container, by_id: Mapping[str, Container], names: Mapping[str, Container]
    ) -> Container:
        owner, asked = container, {container.id}
        while owner.owner is not None:
            reference = owner.owner.id
            found = by_id.get(reference) or names.get(reference)
            if found is None or found.id in asked:
                gone = Owner(reference, owner.owner.name, "gone")
                return dataclasses.replace(container, owner=gone)
            asked.add(found.id)
            owner = found
        lost = self._lost(container, owner)
        here = owner.attachments
        if lost or container.state not in _UP:
            here = tuple(Attachment(a.network, "") for a in here)
        return dataclasses.replace(
            container,
            attachments=here,
            stopping=container.stopping or (owner.stopping and not lost),
            owner=Owner(owner.id, owner.name, lost),
        )

    def _lost(self, container: Container, owner: Container) -> Literal["", "ended", "restarted"]:
        if owner.state not in _UP:
            return "ended"
        since, began = self._started.get(owner.id), self._started.get(container.id)
        return "restarted" if since is not None and began is not None and since > began else ""
