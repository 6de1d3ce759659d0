"""The proxy container: made or adopted, started again when it is gone, entered for checks and signals.

Knows no engine: command line, stop signal and image come from outside. Where proxyctl is root on the host, commands
run by `nsenter` and signals by pid (a few milliseconds, and no signal through the API, which would cancel the restart
policy); elsewhere by exec. Next: the engines, which talk to the proxy itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
import re
import secrets
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import docker
import docker.errors
import docker.types

from proxyctl.core import layout
from proxyctl.errors import DockerUnavailable, GatewayError
from proxyctl.providers.docker.client import explain, translated
from proxyctl.providers.docker.own import own_container
from proxyctl.providers.port import Ran

ENGINE_LABEL = "proxyctl.gateway-engine"


@dataclasses.dataclass(frozen=True)
class Spec:
    """What the gateway should be. `publish` maps are (host ip, host port, gateway port).

    `image_chosen`: somebody named the image; it is no default.
    """

    network: str
    engine: str
    image: str
    publish: tuple[tuple[str, int, int], ...]
    command: tuple[str, ...]
    stop_signal: str
    folder: Path
    image_chosen: bool = False


class DockerGateway:
    """Implements `ports.Gateway` for one network."""

    def __init__(self, client: docker.APIClient, spec: Spec) -> None:
        """Take the container's description; nothing is asked or made before `ensure`."""
        self._client = client
        self._spec = spec
        self._name = layout.gateway_name(spec.network)
        self._entry: Mapping[str, Any] = {}
        self._checked = ""
        self.made = False
        """Whether this process made the container; one that it adopted is not its own to remove."""
        self.notice = ""
        """What its operator should know of it; empty when it is as it was asked for."""
        self._seen = False

    @property
    def pid(self) -> int | None:
        """The proxy's pid as the host sees it, when this process can reach it there."""
        pid = (self._entry.get("State") or {}).get("Pid") or 0
        return pid if pid and self._is_ours(pid) else None

    @property
    def ended(self) -> bool:
        """Whether its process is known to have ended since `ensure`; never where that cannot be seen."""
        return self._seen and self.pid is None

    @property
    def published(self) -> dict[int, int]:
        """Host port → gateway port, as Docker publishes them now."""
        ports = ((self._entry.get("NetworkSettings") or {}).get("Ports")) or {}
        return {int(b["HostPort"]): int(port.split("/")[0]) for port, bindings in ports.items() for b in bindings or ()}

    @property
    def bindings(self) -> frozenset[tuple[str, int]]:
        """Host ip and host port of each published port."""
        ports = ((self._entry.get("NetworkSettings") or {}).get("Ports")) or {}
        return frozenset((str(b["HostIp"]), int(b["HostPort"])) for bindings in ports.values() for b in bindings or ())

    @property
    def engine(self) -> str | None:
        """What it was made to run, by its label; None while there is no gateway, or none of ours."""
        labels = (self._entry.get("Config") or {}).get("Labels") or {}
        return labels.get(ENGINE_LABEL) if labels.get(layout.GATEWAY_LABEL) == self._spec.network else None

    async def ensure(self) -> bool:
        """Make, start or adopt the container; True when it was made or started just now."""
        return await asyncio.to_thread(self._ensure)

    async def find(self) -> bool:
        """Look for the container without touching it; True when it is running."""
        return await asyncio.to_thread(self._inspect) and bool(self._entry["State"]["Running"])

    def _inspect(self) -> bool:
        try:
            with translated("inspecting the gateway"):
                self._entry = self._client.inspect_container(self._name)
        except docker.errors.NotFound:
            self._entry = {}
        return bool(self._entry)

    def _ensure(self) -> bool:
        started = False
        if not self._inspect():
            self._create()
            started = True
        else:
            self._adopt()
        if not self._state["Running"]:
            self._start()
            started = True
        elif self._state.get("Paused"):
            with translated(f"unpausing {self._name}"):
                self._client.unpause(self._name)
        self._inspect()
        if started or self._checked != self._entry.get("Id"):
            self._same_folder()
            self.notice = self._other_image()
            self._checked = str(self._entry.get("Id"))
        self._seen = self.pid is not None
        return started

    @property
    def _state(self) -> Mapping[str, Any]:
        if not self._entry:
            message = f"{self._name} was removed a moment ago"
            raise GatewayError(message)
        state: Mapping[str, Any] = self._entry["State"]
        return state

    def _create(self) -> None:
        spec, client = self._spec, self._client
        try:
            with translated(f"image {spec.image}"):
                client.inspect_image(spec.image)  # type: ignore[no-untyped-call]
        except docker.errors.NotFound as exc:
            message = f"image {spec.image} is not here: pull it, build it with `make setup`, or name one with --image"
            raise GatewayError(message) from exc
        host = client.create_host_config(
            mounts=[self._mount()],
            port_bindings={
                f"{port}/tcp": [(ip, host_port) for ip, host_port, p in spec.publish if p == port]
                for _, _, port in spec.publish
            },
            restart_policy={"Name": "always"},
            network_mode=spec.network,
            log_config=docker.types.LogConfig(type="json-file", config={"max-size": "10m", "max-file": "2"}),
        )
        try:
            with translated(f"making the gateway {self._name}"):
                client.create_container(
                    image=spec.image,
                    name=self._name,
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
        self._inspect()

    def _mount(self) -> docker.types.Mount:
        """Mount the state folder's proxy part, by the name that Docker knows it by.

        Inside a container the path means nothing to Docker: the volume or folder that is mounted there does.
        """
        folder = str(self._spec.folder)
        own = own_container(self._client)
        for mount in own["Mounts"] if own else ():
            destination = mount["Destination"].rstrip("/")
            rest = folder.removeprefix(destination)
            if not folder.startswith(destination) or (rest and not rest.startswith("/")):
                continue
            if mount["Type"] == "volume" and not rest:
                return docker.types.Mount(layout.MOUNT, mount["Name"], type="volume")
            if mount["Type"] == "bind":
                return docker.types.Mount(layout.MOUNT, mount["Source"] + rest, type="bind")
        if own:
            message = (
                f"{folder} is not a mount of this container: mount a volume there, so that the gateway can share it"
            )
            raise GatewayError(message)
        return docker.types.Mount(layout.MOUNT, folder, type="bind")

    def _adopt(self) -> None:
        spec, labels = self._spec, self._entry["Config"].get("Labels") or {}
        again = f"run `proxyctl down --network {spec.network}` first"
        if labels.get(layout.GATEWAY_LABEL) != spec.network:
            message = f"a container named {self._name} exists and is no gateway of proxyctl: rename or remove it"
            raise GatewayError(message)
        engine = labels.get(ENGINE_LABEL, spec.engine)
        if engine != spec.engine:
            message = f"{self._name} runs {engine}, and {spec.engine} was asked for: {again}"
            raise GatewayError(message)
        bindings = self._entry["HostConfig"].get("PortBindings") or {}
        have = {
            (b.get("HostIp") or "0.0.0.0", int(b["HostPort"] or 0), int(port.split("/")[0]))  # noqa: S104
            for port, bs in bindings.items()
            for b in bs or ()
        }
        if spec.publish and have != set(spec.publish):
            shown = ", ".join(f"{ip}:{host}:{port}" for ip, host, port in sorted(have)) or "nothing"
            raise GatewayError(f"{self._name} publishes {shown}, and something else was asked for: {again}")

    def _other_image(self) -> str:
        """Return what is wrong with the image that an adopted gateway runs: it serves on, for it may be 3 at night."""
        spec, made_from = self._spec, str(self._entry["Config"]["Image"])
        if made_from != spec.image and not spec.image_chosen:
            return ""  # somebody else's choice, as in a compose file
        try:
            with translated(f"image {spec.image}"):
                id_ = self._client.inspect_image(spec.image)["Id"]  # type: ignore[no-untyped-call]
        except docker.errors.NotFound:
            id_ = ""
        if id_ == self._entry["Image"] or (made_from == spec.image and not id_):
            return ""
        runs = f"an earlier {made_from}" if made_from == spec.image else made_from
        again = f"`proxyctl down --network {spec.network}` and another `watch` bring it"
        return f"{self._name} runs {runs}, and {spec.image} was asked for: {again}"

    def _start(self) -> None:
        made_here = not (self._state.get("StartedAt") or "0001").startswith(("1", "2"))
        try:
            with translated(f"starting the gateway {self._name}"):
                self._client.start(self._name)
        except (DockerUnavailable, docker.errors.NotFound) as exc:
            if made_here:
                with contextlib.suppress(docker.errors.NotFound), translated("removing the gateway"):
                    self._client.remove_container(self._name, force=True)
            text = str(exc)
            if "port is already allocated" in text or "address already in use" in text:
                where = re.search(r"[\d.]+:\d+", text)
                text = f"{where[0] if where else 'a published port'} is already taken: choose another --publish"
            raise GatewayError(text) from exc
        self._inspect()

    def _same_folder(self) -> None:
        """Prove that the gateway sees this state folder: an adopted one may have been made with another."""
        probe = self._spec.folder / "run" / f".proof-{secrets.token_hex(8)}"
        probe.touch()
        try:
            code = self._exec(["test", "-e", f"{layout.RUN}/{probe.name}"]).code
        finally:
            probe.unlink(missing_ok=True)
        if code != 0:
            message = (
                f"{self._name} does not see the state folder {self._spec.folder}: give the --state it was made with, "
                f"or run `proxyctl down --network {self._spec.network}` first"
            )
            raise GatewayError(message)

    async def run(self, argv: Sequence[str]) -> Ran:
        """Run a command in the gateway's mount and network namespaces, or by exec where that is not possible.

        Not by uvloop, which forks: with this process's memory that takes 6 ms longer than Popen's vfork.
        """
        pid = self.pid
        if pid is None or shutil.which("nsenter") is None:
            return await asyncio.to_thread(self._exec, argv)
        process = subprocess.Popen(  # noqa: ASYNC220 - returns once the child is off: 1 ms
            ("nsenter", f"--target={pid}", "--mount", "--net", "--", *argv),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
            cwd="/",
            process_group=0,  # Ctrl-C is for proxyctl: a check that it ended would look like a refusal
        )
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

    def _exec(self, argv: Sequence[str]) -> Ran:
        try:
            with translated(f"running {argv[0]} in the gateway"):
                exec_id = self._client.exec_create(self._name, list(argv))["Id"]
                output = self._client.exec_start(exec_id)
                code = self._client.exec_inspect(exec_id)["ExitCode"]
        except (DockerUnavailable, docker.errors.NotFound) as exc:
            raise GatewayError(str(exc)) from exc
        return Ran(127 if code is None else code, output.decode(errors="replace"))

    async def signal(self, name: str) -> None:
        """Signal pid 1 by its host pid, else by an exec of `kill`: never through the API."""
        if (pid := self.pid) is not None:
            try:
                os.kill(pid, signal.Signals[f"SIG{name}"])
            except ProcessLookupError as exc:
                message = f"{self._name} ended before it could be signalled"
                raise GatewayError(message) from exc
            return
        ran = await asyncio.to_thread(self._exec, ["kill", f"-{name}", "1"])
        if ran.code != 0:
            raise GatewayError(f"could not signal the proxy: {ran.output.strip()}")

    async def logs(self, lines: int) -> str:
        """Return the last lines that the proxy wrote, oldest first."""

        def read() -> str:
            try:
                with translated("reading the gateway's log"):
                    return str(self._client.logs(self._name, tail=lines).decode(errors="replace"))
            except (DockerUnavailable, docker.errors.NotFound) as exc:
                return explain(exc)

        return await asyncio.to_thread(read)

    async def remove(self) -> bool:
        """Stop the gateway gracefully and remove it; False when there is none."""

        def do() -> bool:
            if not self._inspect():
                return False
            self._removable_or_raise()
            with translated("removing the gateway"):
                self._client.stop(self._name, timeout=5)
                self._client.remove_container(self._name, force=True, v=True)
            return True

        return await asyncio.to_thread(do)

    def _removable_or_raise(self) -> None:
        labels = self._entry["Config"].get("Labels") or {}
        if labels.get(layout.GATEWAY_LABEL) != self._spec.network:
            raise GatewayError(f"{self._name} is no gateway of proxyctl: it is left alone")
        mounts = [m for m in self._entry.get("Mounts") or () if m["Destination"] == layout.MOUNT]
        ours = self._mount()
        if any(ours["Source"] not in {m.get("Name"), m["Source"]} for m in mounts):
            kept = ", ".join(m.get("Name") or m["Source"] for m in mounts)
            message = (
                f"{self._name} has its state in {kept}, and not in {ours['Source']}: another proxyctl made it; "
                "give the --state it was made with, or end it where it was started (`docker compose down`)"
            )
            raise GatewayError(message)

    def _is_ours(self, pid: int) -> bool:
        """Whether `pid` is the gateway's own process in this pid namespace, and may be entered."""
        id_ = str(self._entry.get("Id", "-"))
        try:
            return os.geteuid() == 0 and id_ in Path(f"/proc/{pid}/cgroup").read_text()
        except OSError:
            return False
