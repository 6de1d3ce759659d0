"""Docker's images: whether one is on this machine."""

from __future__ import annotations

import docker.errors

from proxyctl.providers.docker.client import Client, translated


def id_of(client: Client, image: str) -> str:
    """Return the id of an image, empty when it is not on this machine; raise DockerUnavailable."""
    try:
        with translated(f"image {image}"):
            return str(client.inspect_image(image)["Id"])  # type: ignore[no-untyped-call]
    except docker.errors.NotFound:
        return ""
