"""The container that this process itself runs in, if it does."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import docker.errors

from proxyctl.providers.docker.client import Client, translated

_MOUNTED = re.compile(r"/containers/([0-9a-f]{64})/(?:hostname|hosts|resolv\.conf)")


def own_container(client: Client) -> Mapping[str, Any] | None:
    """Return Docker's JSON of the own container; None on a host, or when this engine does not know it.

    The id comes from the path of three files that Docker mounts into each container; the host name is only a
    fallback, because users may set it.
    """
    if not Path("/.dockerenv").exists():
        return None
    match = _MOUNTED.search(Path("/proc/self/mountinfo").read_text())
    try:
        with translated("inspecting proxyctl's own container"):
            entry: Mapping[str, Any] = client.inspect_container(match[1] if match else os.uname().nodename)
    except docker.errors.NotFound:
        return None
    return entry


def has_own_network(client: Client) -> bool:
    """Return whether this process is in a container with a network of its own, whose 127.0.0.1 is not the host's."""
    own = own_container(client)
    return own is not None and own["HostConfig"].get("NetworkMode") != "host"
