"""Commands in a throw-away container of an image, for questions about a binary whose gateway does not run."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence

import docker.errors

from proxyctl.errors import DockerUnavailable, GatewayError
from proxyctl.providers.docker import images
from proxyctl.providers.docker.client import Client, explain, translated
from proxyctl.providers.port import Ran

LABEL = "proxyctl.throwaway"


class Throwaway:
    """Runs each command in a container of its own, without a network; implements `providers.port.Shell`."""

    def __init__(self, client: Client, wanted: Sequence[str]) -> None:
        """Take the images to ask: the first of them that is here; nothing is pulled."""
        self._client, self._wanted = client, wanted

    async def run(self, argv: Sequence[str]) -> Ran:
        """Run the command and return its output; raise GatewayError when the image is missing or cannot run it."""
        return await asyncio.to_thread(self._run, argv)

    def _run(self, argv: Sequence[str]) -> Ran:
        client, id_ = self._client, ""
        try:
            image = images.first_here(client, self._wanted)
            if not image:
                raise GatewayError(images.missing(self._wanted[-1]))
            with translated(f"image {image}"):
                host = client.create_host_config(network_mode="none")
                made = client.create_container(
                    image, entrypoint=list(argv), command=[], labels={LABEL: "1"}, host_config=host
                )
                id_ = made["Id"]
                client.start(id_)
                code = client.wait(id_, timeout=30)["StatusCode"]
                return Ran(code, client.logs(id_).decode(errors="replace"))
        except docker.errors.NotFound as exc:  # also of a program that the image does not have
            raise GatewayError(f"image {image}: {explain(exc)}") from exc
        except DockerUnavailable as exc:
            raise GatewayError(str(exc)) from exc
        finally:
            if id_:
                with contextlib.suppress(docker.errors.DockerException):
                    client.remove_container(id_, force=True)
