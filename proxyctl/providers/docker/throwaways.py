"""Throw-away containers: started from an image on a network, and removed by their label."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping

import docker.errors

from proxyctl.providers.docker.client import Client, attempted, translated


def start(client: Client, image: str, names: Iterable[str], *, network: str, labels: Mapping[str, str]) -> None:
    """Make and start a container of each name; raise ProxyctlError."""
    with attempted("making throw-away containers"):
        host = client.create_host_config(network_mode=network)
        for name in names:
            made = client.create_container(image, name=name, labels=dict(labels), host_config=host)
            client.start(made["Id"])


def remove(client: Client, label: str) -> None:
    """Remove every container with a label (`KEY=VALUE`), and its anonymous volumes; raise DockerUnavailable."""
    with translated("removing throw-away containers"):
        for entry in client.containers(all=True, filters={"label": [label]}):
            with contextlib.suppress(docker.errors.NotFound):
                client.remove_container(entry["Id"], force=True, v=True)
