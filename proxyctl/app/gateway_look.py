"""What `doctor` finds wrong with a gateway by its own questions, the ones that `watch` asks again and again."""

from __future__ import annotations

from proxyctl.app.parts import build
from proxyctl.core import codes
from proxyctl.core.model import Problem
from proxyctl.errors import ResolveError
from proxyctl.gateway.spec import on_network, unpublished
from proxyctl.providers.docker.client import Client
from proxyctl.providers.docker.resolve import EmbeddedDns
from proxyctl.reconcile.dns_pulse import silence
from proxyctl.settings import Settings
from proxyctl.state import overrides as state_files

ASKED = frozenset({codes.OFF_NETWORK, codes.NOT_PUBLISHED, codes.NO_ROAD, codes.STRANGER, codes.NO_DNS})
"""The kinds of problem that `look` finds."""


async def look(settings: Settings, client: Client) -> tuple[Problem, ...] | None:
    """Return the problems of a gateway that runs; None while none does. Raise DockerUnavailable."""
    parts = build(settings, client)
    access, spec = parts.access, parts.lifecycle.spec
    if not await access.find():
        return None
    found = []
    if not on_network(spec, access.entry):
        told = f"{access.name} is not on network {settings.network}, so nobody can be reached: "
        told += f"a running `watch` connects it, or `docker network connect {settings.network} {access.name}`"
        found.append(Problem("", "", told, code=codes.OFF_NETWORK))
    if why := unpublished(spec, access.entry):
        found.append(Problem("", "", why, code=codes.NOT_PUBLISHED))
    current, secret = parts.generations.current(), state_files.known_token(settings.state)
    if current and secret:
        listens = {x.port for x in current.desired.listeners if x.protocol == "http"}
        found += await parts.road(secret).look(listens)
    try:
        await EmbeddedDns(parts.view, access).resolve(access.short_id)
    except ResolveError as exc:
        found.append(silence(access.name, str(exc)))
    return tuple(found)
