"""Where Docker is asked: DOCKER_HOST, else Docker's context, else its usual socket; and the wait for its return.

The same order as in Docker's own command line. Next: `client`, which asks there.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import http
import os
import urllib.parse
from collections.abc import Callable, Mapping
from typing import Any, Literal

import docker
import docker.errors
import docker.utils
from docker.context import ContextAPI

from proxyctl.errors import DockerUnavailable

BEHIND = (http.HTTPStatus.BAD_GATEWAY, http.HTTPStatus.SERVICE_UNAVAILABLE, http.HTTPStatus.GATEWAY_TIMEOUT)
"""With these statuses a proxy in front of the socket says that nobody is behind it."""
LOOK_EVERY, ASK_EVERY = 0.25, 1.0
"""Seconds between two attempts to reach an endpoint: where nobody listens, and where only a proxy answers."""
REACHED_WITHIN = 2.0
"""Seconds for a connection; a packet filter may drop attempts without a word."""

Reached = Literal["no", "proxy", "yes"]


@dataclasses.dataclass(frozen=True, slots=True)
class Endpoint:
    """An engine's address for docker-py; `origin` says what chose it, such as `DOCKER_HOST=tcp://…`, empty: nobody."""

    url: str
    tls: Any = None
    origin: str = ""

    @property
    def arguments(self) -> dict[str, Any]:
        """What docker-py's client takes."""
        return {"base_url": self.url} | ({"tls": self.tls} if self.tls else {})


def endpoint(environment: Mapping[str, str] = os.environ) -> Endpoint:
    """Return where to ask Docker; raise DockerUnavailable where that cannot be meant or is not supported."""
    host, name = environment.get("DOCKER_HOST"), environment.get("DOCKER_CONTEXT")
    try:
        context = None if host else ContextAPI.get_context(name)
        if name and not host and context is None:
            message = f"DOCKER_CONTEXT={name}: there is no such context; `docker context ls` shows all of them"
            raise DockerUnavailable(message)
        if context is not None and context.Name != "default":
            origin = f"DOCKER_CONTEXT={name}" if name else f"the context {context.Name}"
            found = Endpoint(str(context.Host), context.TLSConfig, f"{origin} ({context.Host})")
        else:
            told = docker.utils.kwargs_from_env(dict(environment))
            found = Endpoint(told.get("base_url", ""), told.get("tls"), f"DOCKER_HOST={host}" if host else "")
        return dataclasses.replace(found, url=_supported(found))
    except (docker.errors.DockerException, OSError, ValueError, KeyError) as exc:
        raise DockerUnavailable(f"Docker: {exc}") from exc


def _supported(found: Endpoint) -> str:
    """Return the address as docker-py writes it; raise DockerUnavailable."""
    if found.url.startswith("ssh://"):
        message = (
            f"Docker: {found.origin} is not supported, because the gateway's ports and files are on that machine: run "
            "proxyctl there"
        )
        raise DockerUnavailable(message)
    try:
        return str(docker.utils.parse_host(found.url or None, tls=bool(found.tls)))
    except (docker.errors.DockerException, ValueError) as exc:
        message = f"Docker: {found.origin} cannot be meant: give unix:///PATH or tcp://HOST:PORT, or unset it"
        raise DockerUnavailable(message) from exc


async def reachable(found: Callable[[], Endpoint]) -> None:
    """Return as soon as an endpoint answers a ping. It is asked all the time, so only for one that is not there."""
    while True:
        try:
            reached = await _reached(found().url)
        except DockerUnavailable:
            reached = "no"
        if reached == "yes":
            return
        await asyncio.sleep(LOOK_EVERY if reached == "no" else ASK_EVERY)


async def _reached(url: str) -> Reached:
    """Return whether an engine is at an address. A socket that systemd holds for Docker answers once Docker does."""
    parts = urllib.parse.urlsplit(url)
    try:
        async with asyncio.timeout(REACHED_WITHIN):
            if parts.scheme == "http+unix":
                reader, writer = await asyncio.open_unix_connection(urllib.parse.unquote(url.partition("://")[2]))
            else:
                reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    except (OSError, ValueError):
        return "no"
    try:
        if parts.scheme == "https":  # the rest is for docker-py, which has the certificates
            return "yes"
        writer.write(b"GET /_ping HTTP/1.0\r\nHost: docker\r\n\r\n")
        status = (await reader.readline()).split()[1:2]
        if not status:
            return "no"
        return "proxy" if status[0].isdigit() and int(status[0]) in BEHIND else "yes"
    except OSError:
        return "no"
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
