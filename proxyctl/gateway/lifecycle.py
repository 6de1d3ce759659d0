"""The life of the gateway's container: made or adopted, started again when it is gone, removed.

Knows no engine: command line, stop signal and image come with the `Spec`. What is done with a container that exists
is for `access`.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import secrets
from collections.abc import Collection

import docker.errors
import docker.types

from proxyctl.core import codes, layout
from proxyctl.core.model import Problem
from proxyctl.errors import DockerRefuses, DockerUnavailable, GatewayError
from proxyctl.gateway import joining
from proxyctl.gateway.access import ENGINE_LABEL, DockerAccess
from proxyctl.gateway.port import Ensured
from proxyctl.gateway.spec import (
    Mount,
    Spec,
    adoption_refusal,
    image_due,
    image_notice,
    is_gateway,
    on_network,
    removal_refusal,
    state_mount,
    unpublished,
    unseen_folder,
)
from proxyctl.providers.docker import commands, images, networks
from proxyctl.providers.docker.client import Client, explain, translated
from proxyctl.providers.docker.own import own_container


class DockerLifecycle:
    """The life of one network's gateway; implements `port.Lifecycle`."""

    def __init__(self, client: Client, spec: Spec, access: DockerAccess) -> None:
        """Take what the gateway should be, and the access to it; nothing is asked or made before `ensure`."""
        self._client = client
        self.spec = spec
        self._access = access
        self._checked = ""
        self.made = False
        """Whether this process made the container; an adopted one is not this process's to remove."""
        self._image: tuple[Problem, ...] = ()
        self.problems: tuple[Problem, ...] = ()

    async def ensure(self, serving: Collection[str] | None = None) -> Ensured:
        """Make, start, connect or adopt the container; return what had to be done. Raise GatewayError.

        `serving` are the addresses of its servers: a network that has none of them and was joined for nobody any more
        is left. None where they are not known.
        """
        return await asyncio.to_thread(self._ensure, serving)

    @property
    def moves(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The networks that `ensure` would join, and those that it would leave, as the access last saw the gateway."""
        return joining.lacking(self.spec, self._access.entry), joining.unasked(self.spec, self._access.entry)

    async def image_to_pull(self) -> str:
        """Return the image that has to be pulled before `ensure` can make the gateway; empty where none has to be."""
        return await asyncio.to_thread(self._image_to_pull)

    async def remove(self) -> bool:
        """Stop the gateway gracefully and remove it; return False when there is none. Raise GatewayError."""
        return await asyncio.to_thread(self._remove)

    def _ensure(self, serving: Collection[str] | None) -> Ensured:
        spec, access, started = self.spec, self._access, False
        if not access.inspect():
            self._create()
            started = True
        elif why := adoption_refusal(spec, access.entry):
            raise GatewayError(why)
        self._bring_script()
        running = access.state["Running"]
        if not running:
            joining.forget_removed(self._client, spec, access.entry)
            access.inspect()
        apart = tuple(joining.join(self._client, spec, access.entry))  # before the start: see decision 0039
        if not running:
            self._start()
            access.inspect()  # Docker may have put it back on its network
            started = True
        elif access.state.get("Paused"):
            self._unpause()
        off = not on_network(spec, access.entry)
        cut = self._connect() if off else ""
        if serving is not None:
            joining.leave(self._client, spec, access.entry, serving)
        access.follow()
        if started or self._checked != access.entry.get("Id"):
            self._same_folder()
            self._image = self._another_image()
            self._checked = str(access.entry.get("Id"))
        elif any(p.code == codes.REFUSED_BY_SOCKET for p in self._image):
            self._image = self._another_image()
        told = ((codes.OFF_NETWORK, cut), (codes.NOT_PUBLISHED, unpublished(spec, access.entry)))
        self.problems = (*self._image, *apart, *(Problem("", "", reason, code=code) for code, reason in told if reason))
        return "started" if started else "connected" if off and not cut else ""

    def _another_image(self) -> tuple[Problem, ...]:
        spec, entry = self.spec, self._access.entry
        due = image_due(spec, entry)
        if not due:
            return ()
        try:
            notice = image_notice(spec, entry, due, images.id_of(self._client, due))
        except DockerRefuses as exc:
            unknown = f"whether {spec.name} runs the image that was asked for is not known: {exc}"
            return (Problem("", "", unknown, "warning", code=codes.REFUSED_BY_SOCKET),)
        return (Problem("", "", notice, "warning", code=codes.OTHER_IMAGE),) if notice else ()

    def _bring_script(self) -> None:
        """Write the gateway's first process: one that is made waits for it, another one has it at its next start."""
        path = self.spec.folder / layout.BOOT.rpartition("/")[2]
        if self.spec.boot and not (path.exists() and path.read_text("utf-8") == self.spec.boot):
            new = path.with_name(f".{path.name}-new")
            with new.open("w", encoding="utf-8") as file:
                file.write(self.spec.boot)
                file.flush()
                os.fsync(file.fileno())  # an empty one after a power cut would leave no gateway
            new.rename(path)

    def _connect(self) -> str:
        """Connect the container to its network again; return why that was not possible."""
        name, network = self.spec.name, self.spec.network
        try:
            with translated("connecting it"):
                self._client.connect_container_to_network(name, network)
        except (DockerUnavailable, docker.errors.NotFound) as exc:
            why = explain(exc) if isinstance(exc, docker.errors.NotFound) else str(exc)
            command = commands.COMMANDS.attach.format(network=network, container=name)
            return f"{name} is not on network {network}, so nobody can be reached: {why}; {command}"
        return ""

    def _image_to_pull(self) -> str:
        if self._access.inspect():
            return ""
        self._refuse_internal()
        wanted = self.spec.images
        return "" if images.first_here(self._client, wanted) else wanted[-1]

    def _refuse_internal(self) -> None:
        spec = self.spec
        if spec.publish and networks.internal(self._client, spec.network):
            message = (
                f"network {spec.network} is internal, so Docker publishes nothing on it: leave out --publish, or make "
                "the network without --internal"
            )
            raise GatewayError(message)

    def _create(self) -> None:
        spec, client = self.spec, self._client
        self._refuse_internal()
        image = images.first_here(client, spec.images)
        if not image:
            raise GatewayError(images.missing(spec.images[-1]))
        mount = self._mount()
        host = client.create_host_config(
            mounts=[docker.types.Mount(layout.MOUNT, mount.source, type=mount.kind)],
            port_bindings={
                f"{port}/tcp": [(ip, host_port) for ip, host_port, p in spec.publish if p == port]
                for _, _, port in spec.publish
            },
            restart_policy={"Name": "always"},
            network_mode=spec.network,
            log_config=docker.types.LogConfig(type="json-file", config={"max-size": "10m", "max-file": "2"}),
        )
        try:
            with translated(f"making the gateway {spec.name}"):
                client.create_container(
                    image=image,
                    name=spec.name,
                    entrypoint=list(spec.command),
                    command=[],
                    user=f"{os.geteuid()}:{os.getegid()}",
                    labels={layout.GATEWAY_LABEL: spec.network, ENGINE_LABEL: spec.engine},
                    ports=[(port, "tcp") for _, _, port in spec.publish],
                    stop_signal=spec.stop_signal,
                    host_config=host,
                )
        except (DockerUnavailable, docker.errors.NotFound) as exc:
            raise GatewayError(str(exc)) from exc
        self.made = True
        self._access.inspect()

    def _start(self) -> None:
        name = self.spec.name
        made_here = not (self._access.state.get("StartedAt") or "0001").startswith(("1", "2"))
        try:
            with translated(f"starting the gateway {name}"):
                self._client.start(name)
        except (DockerUnavailable, docker.errors.NotFound) as exc:
            if made_here:
                with contextlib.suppress(docker.errors.NotFound), translated("removing the gateway"):
                    self._client.remove_container(name, force=True)
            text = str(exc)
            if "port is already allocated" in text or "address already in use" in text:
                where = re.search(r"[\d.]+:\d+", text)
                text = f"{where[0] if where else 'a published port'} is already taken: choose another --publish"
            raise GatewayError(text) from exc

    def _unpause(self) -> None:
        try:
            with translated(f"unpausing {self.spec.name}"):
                self._client.unpause(self.spec.name)
        except docker.errors.NotFound as exc:
            raise GatewayError(str(exc)) from exc

    def _remove(self) -> bool:
        spec, access = self.spec, self._access
        if not access.inspect():
            return False
        if not is_gateway(spec, access.entry):
            raise GatewayError(f"{spec.name} is no gateway of proxyctl: it is left alone")
        if why := removal_refusal(spec, access.entry, self._mount()):
            raise GatewayError(why)
        with contextlib.suppress(docker.errors.NotFound), translated("removing the gateway"):
            self._client.stop(spec.name, timeout=5)
            self._client.remove_container(spec.name, force=True, v=True)
        return True

    def _mount(self) -> Mount:
        return state_mount(self.spec.folder, own_container(self._client))

    def _same_folder(self) -> None:
        """Prove that the gateway sees this state folder: an adopted one may have been made with another."""
        probe = self.spec.folder / "run" / f".proof-{secrets.token_hex(8)}"
        probe.touch()
        try:
            seen = self._access.sees(f"{layout.RUN}/{probe.name}")
        finally:
            probe.unlink(missing_ok=True)
        if not seen:
            raise GatewayError(unseen_folder(self.spec, self._access.entry, self._mount()))
