"""Single containers, as rollouts and scenarios need them: read, made like others, paused, stopped, removed.

`successor` says what to make, `proxyctl.operate.rollout` when.
"""

from __future__ import annotations

import contextlib
import http

import docker.errors

from proxyctl.errors import ContainerGone, ProxyctlError
from proxyctl.providers.docker import compose, images
from proxyctl.providers.docker.client import Client, attempted, explain, required, translated
from proxyctl.providers.docker.successor import COMPOSE, Network, Old, Others, Successor


class Containers:
    """Docker's containers by id; every failure is a ProxyctlError with one line."""

    def __init__(self, client: Client) -> None:
        """Take a client; only one thread may use it."""
        self._client = client

    def old(self, id_: str) -> Old:
        """Return a container with its image's defaults; raise ContainerGone where it is not there any more."""
        with required(f"container {id_[:12]}", missing=ContainerGone):
            entry = self._client.inspect_container(id_)
        name = entry["Name"].lstrip("/")
        with required(f"the image of {name}, which tells its own settings from the image's,"):
            image = self._client.inspect_image(entry["Image"])  # type: ignore[no-untyped-call]
        return Old(entry, image.get("Config") or {})

    def image_id(self, image: str) -> str:
        """Return the id of an image; raise when it is not here."""
        if not (id_ := images.id_of(self._client, image)):
            raise ProxyctlError(f"image {image} is not here: pull or build it first")
        return id_

    def others(self) -> Others:
        """Return what a rollout has to know of all containers, from one listing."""
        names: set[str] = set()
        numbers: dict[tuple[str, str], int] = {}
        lodgers: dict[str, str] = {}
        with required("listing containers"):
            entries = self._client.containers(all=True)
        for entry in entries:
            names |= {n.lstrip("/") for n in entry.get("Names") or ()}
            labels = entry.get("Labels") or {}
            service = labels.get(f"{COMPOSE}project", ""), labels.get(f"{COMPOSE}service", "")
            number = labels.get(f"{COMPOSE}container-number", "")
            if number.isdecimal():
                numbers[service] = max(int(number), numbers.get(service, 0))
            mode, _, host = (entry.get("HostConfig") or {}).get("NetworkMode", "").partition(":")
            if mode == "container":
                lodgers[host] = next((n.lstrip("/") for n in entry.get("Names") or ()), entry["Id"][:12])
        return Others(frozenset(names), numbers, lodgers)

    def config_hash(self, old: Old, image: str) -> str:
        """Return compose's hash of a container's service with another image; empty where it cannot be told."""
        return compose.config_hash(old, image)

    def make(self, successor: Successor) -> str:
        """Create a container and connect it, not started yet; return its id.

        Raise DockerUnavailable where no answer says whether it is there, another ProxyctlError where it is not.
        """
        first, *others = successor.networks
        body = {**successor.body, "NetworkingConfig": {"EndpointsConfig": {first.name: _endpoint(first)}}}
        with required(f"making {successor.name}"):
            try:
                made = self._client.create_container_from_config(body, successor.name)  # type: ignore[no-untyped-call]
            except docker.errors.APIError as exc:
                if exc.is_client_error():
                    raise ProxyctlError(f"making {successor.name}: {explain(exc)}") from exc
                raise
        id_ = str(made["Id"])
        try:
            with required(f"connecting {successor.name}"):
                for network in others:
                    self._client.connect_container_to_network(
                        id_,
                        network.name,
                        aliases=list(network.aliases),
                        links=list(network.links),
                        driver_opt=dict(network.options),
                    )
        except ProxyctlError:
            self.remove(id_, volumes=True)
            raise
        return id_

    def start(self, id_: str, name: str) -> None:
        """Start a container."""
        with required(f"starting {name}"):
            self._client.start(id_)

    def end(self, id_: str) -> str:
        """Return how a container ended, with the last line of its log; empty while it runs.

        A container that its restart policy started again counts as ended: its next start will most likely fail as well.
        """
        try:
            with translated("inspecting"):
                entry = self._client.inspect_container(id_)
                state = entry["State"]
                if state["Running"] and not state.get("Restarting") and not entry.get("RestartCount"):
                    return ""
        except docker.errors.NotFound:
            return "it is gone"
        lines = []
        with contextlib.suppress(ProxyctlError, docker.errors.NotFound), translated("its log"):
            lines = self._client.logs(id_, tail=20).decode(errors="replace").split("\n")
        last = next((line.strip() for line in reversed(lines) if line.strip()), "")
        how = "ended and was started again" if state["Running"] else f"ended with exit code {state['ExitCode']}"
        return f"it {how}" + (f": {last[:200]}" if last else "")

    def stop(self, id_: str, seconds: int) -> None:
        """Stop a container within that many seconds, or within its own stop time-out if that is longer."""
        with contextlib.suppress(docker.errors.NotFound), translated(f"stopping {id_[:12]}"):
            own = self._client.inspect_container(id_)["Config"].get("StopTimeout") or 10
            self._client.stop(id_, timeout=max(seconds, own))

    def kill(self, id_: str, name: str) -> None:
        """Kill a container without a warning."""
        with attempted(f"killing {name}"):
            self._client.kill(id_)

    def pause(self, id_: str, name: str) -> bool:
        """Pause a container; return False where Docker gave up on it and let it run on, which is worth another try.

        On cgroup v1 runc asks the kernel 1,000 times to freeze all processes of a container. On a busy machine that
        is not always enough.
        """
        with attempted(f"pausing {name}"):
            try:
                self._client.pause(id_)
            except docker.errors.APIError as exc:
                if "unable to freeze" not in str(exc.explanation):
                    raise
                return False
        return True

    def unpause(self, id_: str, name: str) -> None:
        """Let a container go on; a container that is not paused is left alone."""
        with attempted(f"unpausing {name}"):
            if self._client.inspect_container(id_)["State"]["Paused"]:
                self._client.unpause(id_)

    def remove(self, id_: str, *, volumes: bool) -> None:
        """Remove a container, with its anonymous volumes if wanted; a container that is gone already is no error."""
        with contextlib.suppress(docker.errors.NotFound), translated(f"removing {id_[:12]}"):
            try:
                self._client.remove_container(id_, force=True, v=volumes)
            except docker.errors.APIError as exc:
                if exc.status_code != http.HTTPStatus.CONFLICT or "in progress" not in str(exc.explanation):
                    raise


def _endpoint(network: Network) -> dict[str, object]:
    return {
        "Aliases": list(network.aliases),
        "Links": [":".join(link) for link in network.links],
        "DriverOpts": dict(network.options),
    }
