"""Docker's images: whether one is on this machine, which of several is, and what is said where none is."""

from __future__ import annotations

from collections.abc import Sequence

import docker.errors

from proxyctl.providers.docker.client import Client, translated


def id_of(client: Client, image: str) -> str:
    """Return the id of an image, empty when it is not on this machine; raise DockerUnavailable."""
    try:
        with translated(f"image {image}"):
            return str(client.inspect_image(image)["Id"])  # type: ignore[no-untyped-call]
    except docker.errors.NotFound:
        return ""


def first_here(client: Client, images: Sequence[str]) -> str:
    """Return the first of several images that is on this machine; empty when none is. Raise DockerUnavailable."""
    return next((image for image in images if id_of(client, image)), "")


def missing(image: str) -> str:
    """Return one line about an image that is not on this machine, where nothing is pulled."""
    return f"image {image} is not here: `docker pull {image}`, or name one that is with --image"
