"""What is done with a gateway's container that exists: commands, signals, logs, its pid, its published ports.

Where proxyctl is root on the host, commands run by `nsenter` and signals by pid (a few milliseconds, and no signal
through the API, which would cancel the restart policy); elsewhere by exec. Whether the container should be there, and
how it should be, is for `lifecycle`. Next: the engines, which talk to the proxy itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import docker.errors

from proxyctl.core import layout
from proxyctl.errors import DockerRefuses, DockerUnavailable, GatewayError
from proxyctl.providers.docker.client import Client, explain, translated
from proxyctl.providers.docker.own import has_own_network
from proxyctl.providers.port import Ran

ENGINE_LABEL = "proxyctl.gateway-engine"
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_EVERYWHERE = {"0.0.0.0", "::", ""}  # noqa: S104 - as Docker says it

_NEEDS_EXEC = (
    "by exec the proxy checks and reloads each configuration: without it nothing can change, and a gateway that runs "
    "serves on as it is. Allow POST and EXEC there, or run proxyctl as root on the host, which needs neither"
)


def addresses(client: Client) -> set[str]:
    """Return the addresses of all gateways that run here, on all their networks; raise DockerUnavailable."""
    with translated("listing gateways"):
        entries = client.containers(filters={"label": layout.GATEWAY_LABEL})
        return {n["IPAddress"] for e in entries for n in e["NetworkSettings"]["Networks"].values()}


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class Found:
    """A gateway on this machine: its network, its state folder (empty: in a volume), and whether it runs."""

    network: str
    folder: str
    running: bool


def gateways(client: Client) -> list[Found]:
    """Return the gateways that are here, also stopped ones; raise DockerUnavailable."""
    with translated("listing gateways"):
        entries = client.containers(all=True, filters={"label": layout.GATEWAY_LABEL})
    found = []
    for entry in entries:
        mounts = [m for m in entry.get("Mounts") or () if m.get("Destination") == layout.MOUNT]
        source = str(mounts[0].get("Source") or "") if mounts and not mounts[0].get("Name") else ""
        folder = source.removesuffix("/proxy") if source.endswith("/proxy") else ""
        found.append(Found(entry["Labels"][layout.GATEWAY_LABEL], folder, entry.get("State") == "running"))
    return sorted(found)


class DockerAccess:
    """The gateway's container of one network, as Docker last described it; implements `port.Access`."""

    def __init__(self, client: Client, network: str) -> None:
        """Take the network that the gateway serves; nothing is asked before `inspect`."""
        self._client = client
        self._network = network
        self._name = layout.gateway_name(network)
        self.entry: Mapping[str, Any] = {}
        """Docker's JSON of the container; empty while there is none."""
        self._followed = False

    # ------------------------------------------------------------------ what Docker says of it

    def inspect(self) -> bool:
        """Ask Docker for the container; return whether there is one. Raise DockerUnavailable."""
        try:
            with translated("inspecting the gateway"):
                self.entry = self._client.inspect_container(self._name)
        except docker.errors.NotFound:
            self.entry = {}
        return bool(self.entry)

    def follow(self) -> None:
        """Ask Docker for the container; from now on `ended` tells when its process ends."""
        self.inspect()
        self._followed = self.pid is not None

    async def find(self) -> bool:
        """Ask Docker for the container; return whether it is running. Raise DockerUnavailable."""
        return await asyncio.to_thread(self.inspect) and bool(self.state["Running"])

    @property
    def name(self) -> str:
        """The container's name."""
        return self._name

    @property
    def short_id(self) -> str:
        """The start of its id, which Docker's DNS knows on every network of it; empty while there is no container."""
        return str(self.entry.get("Id") or "")[: layout.SHORT_ID]

    @property
    def state(self) -> Mapping[str, Any]:
        """The `State` of Docker's JSON; raise GatewayError while there is no container."""
        if not self.entry:
            raise self._gone()
        state: Mapping[str, Any] = self.entry["State"]
        return state

    @property
    def pid(self) -> int | None:
        """The proxy's pid as the host sees it; None where this process cannot reach it there."""
        pid = (self.entry.get("State") or {}).get("Pid") or 0
        return pid if pid and self._is_ours(pid) else None

    @property
    def ended(self) -> bool:
        """Whether its process is known to have ended since `follow`; False where that cannot be seen."""
        return self._followed and self.pid is None

    @property
    def engine(self) -> str | None:
        """The engine that the container was made to run, by its label; None while there is no gateway of ours."""
        labels = (self.entry.get("Config") or {}).get("Labels") or {}
        return labels.get(ENGINE_LABEL) if labels.get(layout.GATEWAY_LABEL) == self._network else None

    @property
    def published(self) -> dict[int, int]:
        """Host port → gateway port, as Docker publishes them now."""
        return {host_port: port for _, host_port, port in self._bindings()}

    @property
    def bindings(self) -> frozenset[tuple[str, int]]:
        """Host ip and host port of each published port."""
        return frozenset((ip, host_port) for ip, host_port, _ in self._bindings())

    @property
    def own_address(self) -> str:
        """Its address on the network that it serves; empty while it has none."""
        networks = (self.entry.get("NetworkSettings") or {}).get("Networks") or {}
        return str((networks.get(self._network) or {}).get("IPAddress") or "")

    def authority(self, port: int) -> str:
        """Return `host:port` where this process reaches a port of the gateway: published, else at its own address.

        A published port is the host's, so a container beside the gateway has the address. Raise GatewayError while
        there is no container.
        """
        published = [(ip, host_port) for ip, host_port, inside in self._bindings() if inside == port]
        if published and not has_own_network(self._client):
            ip, host_port = published[0]
            return f"{'127.0.0.1' if ip in _EVERYWHERE else ip}:{host_port}"
        if not self.entry:
            raise self._gone()
        return f"{self.entry['NetworkSettings']['Networks'][self._network]['IPAddress']}:{port}"

    def _bindings(self) -> list[tuple[str, int, int]]:
        """Return (host ip, host port, gateway port) of each published port, in Docker's order."""
        ports = ((self.entry.get("NetworkSettings") or {}).get("Ports")) or {}
        return [
            (str(b["HostIp"]), int(b["HostPort"]), int(port.split("/")[0]))
            for port, bindings in ports.items()
            for b in bindings or ()
        ]

    def _gone(self) -> GatewayError:
        return GatewayError(f"{self._name} was removed a moment ago")

    def _is_ours(self, pid: int) -> bool:
        """Return whether `pid` is the gateway's own process in this pid namespace, and may be entered."""
        id_ = str(self.entry.get("Id", "-"))
        try:
            return os.geteuid() == 0 and id_ in Path(f"/proc/{pid}/cgroup").read_text()
        except OSError:
            return False

    # ------------------------------------------------------------------ what is done in it

    async def run(self, argv: Sequence[str]) -> Ran:
        """Run a command in the gateway's mount and network namespaces, or by exec where that is not possible.

        Not by uvloop, which forks: with this process's memory that takes 6 ms longer than Popen's vfork.
        """
        pid = self.pid
        if pid is None or shutil.which("nsenter") is None:
            return await asyncio.to_thread(self.run_by_exec, argv)
        try:
            process = subprocess.Popen(  # noqa: ASYNC220 - returns once the child is off: 1 ms
                ("nsenter", f"--target={pid}", "--mount", "--net", "--", *argv),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env={"PATH": _PATH},
                cwd="/",
                process_group=0,  # Ctrl-C is for proxyctl: a check that it ended would look like a refusal
            )
        except OSError as exc:  # no process or file is left on this machine
            raise GatewayError(f"{argv[0]} cannot be started in {self._name}: {exc.strerror or exc}") from exc
        reading = asyncio.ensure_future(asyncio.to_thread(process.communicate))
        try:
            output, _ = await asyncio.shield(reading)
        except asyncio.CancelledError:
            process.kill()
            await asyncio.wait([reading])
            raise
        if process.returncode != 0 and self.pid != pid:
            message = f"the gateway ended while {argv[0]} ran in it"
            raise GatewayError(message)
        return Ran(process.returncode, output.decode(errors="replace"))

    def run_by_exec(self, argv: Sequence[str]) -> Ran:
        """Run a command by `docker exec`, and wait for its end; raise GatewayError."""
        try:
            with translated(f"running {argv[0]} in the gateway"):
                exec_id = self._client.exec_create(self._name, list(argv))["Id"]
                output = self._client.exec_start(exec_id)
                code = self._client.exec_inspect(exec_id)["ExitCode"]
        except DockerRefuses as exc:
            raise GatewayError(f"{exc}; {_NEEDS_EXEC}") from exc
        except (DockerUnavailable, docker.errors.NotFound) as exc:
            raise GatewayError(str(exc)) from exc
        return Ran(127 if code is None else code, output.decode(errors="replace"))

    def sees(self, path: str) -> bool:
        """Return whether there is a file in the gateway; by its process, else by exec. Raise GatewayError."""
        if (pid := self.pid) is not None:
            with contextlib.suppress(OSError):
                return Path(f"/proc/{pid}/root{path}").exists()
        return self.run_by_exec(["test", "-e", path]).code == 0

    async def signal(self, name: str) -> None:
        """Signal pid 1 by its host pid, else by an exec of `kill`: never through the API. Raise GatewayError."""
        if (pid := self.pid) is not None:
            try:
                os.kill(pid, signal.Signals[f"SIG{name}"])
            except ProcessLookupError as exc:
                message = f"{self._name} ended before it could be signalled"
                raise GatewayError(message) from exc
            return
        # the shell's own `kill`: Debian's slim images, which the official ones are made from, have no such program
        ran = await asyncio.to_thread(self.run_by_exec, ("sh", "-c", f"kill -{name} 1"))
        if ran.code != 0:
            raise GatewayError(f"could not signal the proxy: {ran.output.strip()}")

    async def logs(self, lines: int) -> str:
        """Return the last lines that the proxy wrote, oldest first; where Docker gives none, the reason."""

        def read() -> str:
            try:
                with translated("reading the gateway's log"):
                    return str(self._client.logs(self._name, tail=lines).decode(errors="replace"))
            except (DockerUnavailable, docker.errors.NotFound) as exc:
                return explain(exc)

        return await asyncio.to_thread(read)
