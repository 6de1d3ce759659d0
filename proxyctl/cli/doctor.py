"""`proxyctl doctor`: what is missing here, and the command that mends it."""

from __future__ import annotations

import asyncio
import dataclasses
import errno
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator

import typer

from proxyctl.api import client as control
from proxyctl.app import gateway_look, parts
from proxyctl.cli import options
from proxyctl.errors import ProxyctlError
from proxyctl.gateway.access import DockerAccess
from proxyctl.gateway.throwaway import Throwaway
from proxyctl.providers.docker import images, networks
from proxyctl.providers.docker.client import Client, connect, docker_version
from proxyctl.providers.docker.own import own_container
from proxyctl.settings import OFFICIAL, Settings
from proxyctl.sources import NoNetwork

EVERYWHERE = "0.0.0.0"  # noqa: S104 - as Docker says it
NONE = "bridge"  # where no network is named; also when it is, for it is none that `watch` could follow


@dataclasses.dataclass(frozen=True)
class Finding:
    """One thing looked at: whether it is fine, what was seen, and the command that mends it."""

    name: str
    ok: bool
    seen: str
    mend: str = ""


def doctor(
    network: options.Network = None,
    join: options.Join = None,
    engine: options.Engine = None,
    publish: options.PublishOption = None,
    image: options.Image = None,
    config: options.Config = None,
    templates: options.Templates = None,
    state: options.State = None,
    as_json: options.JsonOption = False,
) -> int:
    """Look at this machine; exit 3 when something that `watch` needs is missing."""
    flags = {
        "network": network,
        "join": join or None,
        "engine": engine,
        "publish": publish or None,
        "image": image,
        "config": config,
        "templates": templates,
        "state": state,
    }
    try:
        settings = options.load(**flags)
    except NoNetwork:
        settings = options.load(**flags | {"network": NONE})
    found = list(_look(settings))
    if as_json:
        typer.echo(json.dumps([dataclasses.asdict(f) for f in found], indent=1))
    else:
        for finding in found:
            typer.echo(f"{'✔' if finding.ok else '✘'} {finding.name}: {finding.seen}")
            if finding.mend:
                typer.echo(f"    mend: {finding.mend}")
    return 0 if all(f.ok for f in found) else 3


def _look(settings: Settings) -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    yield Finding("python", sys.version_info >= (3, 11), version)
    try:
        client = connect()
    except ProxyctlError as exc:
        yield Finding("docker", ok=False, seen=str(exc), mend=_mend_docker(str(exc)))
        return
    yield Finding("docker", ok=True, seen=docker_version(client))
    settings = parts.with_gateways_engine(settings, client)  # as `watch` would take it over
    for look in (_network, _image, _ports, _state, _sight, _gateway, _watch, _compose):
        yield from look(settings, client)


def _mend_docker(reason: str) -> str:
    if "DOCKER_HOST=" in reason:
        return "unset DOCKER_HOST, or give it as unix:///PATH or tcp://HOST:PORT"
    if "context" in reason:
        return "docker context use default, and unset DOCKER_CONTEXT; or start the engine that the context names"
    if "refuses" in reason:
        return "allow what is named in the proxy in front of Docker's socket, or set DOCKER_HOST to the socket itself"
    if "permission" in reason:
        return "sudo usermod -aG docker $USER, then log in again"
    if shutil.which("dockerd"):
        return "sudo systemctl start docker"
    return "sudo apt-get install docker.io   (or make setup, in a checkout)"


def _network(settings: Settings, client: Client) -> Iterator[Finding]:
    if settings.network == NONE:
        yield Finding(
            "network", ok=False, seen="none chosen", mend="docker network create web; proxyctl doctor --network web"
        )
        return
    try:
        parts.check_network(settings, client)
        yield Finding("network", ok=True, seen=settings.network)
    except ProxyctlError as exc:
        yield Finding("network", ok=False, seen=str(exc), mend=f"docker network create {settings.network}")
    for name in settings.join:
        there = networks.exists(client, name)
        mend = "" if there else f"docker network create {name}"
        yield Finding(f"network {name}", there, "joined by --join" if there else "there is no such network", mend)


def _image(settings: Settings, client: Client) -> Iterator[Finding]:
    image = images.first_here(client, settings.gateway_images)
    if not image:
        image = settings.gateway_images[-1]
        seen = f"{image} is not here" + ("" if settings.no_pull else "; `watch` pulls it")
        yield Finding("image", ok=False, seen=seen, mend=f"docker pull {image}")
        return
    try:
        features = asyncio.run(parts.PROXIES[settings.engine].features(Throwaway(client, (image,))))
        yield Finding("image", ok=True, seen=f"{image} has {settings.engine} {features.version_text}")
    except ProxyctlError as exc:
        mend = f"another image of {settings.engine} with --image, such as {OFFICIAL[settings.engine]}"
        yield Finding("image", ok=False, seen=str(exc), mend=mend)


def _ports(settings: Settings, client: Client) -> Iterator[Finding]:
    if settings.publish and own_container(client) is not None:
        yield Finding("ports", ok=True, seen="not looked at: from inside a container the host's cannot be seen")
        return
    gateway = DockerAccess(client, settings.network)
    gateway.inspect()
    for publish in settings.publish:
        mine = {(publish.ip, publish.host_port), (EVERYWHERE, publish.host_port)} & gateway.bindings
        taken = "" if mine else _taken(publish.ip, publish.host_port)
        mend = (
            f"ss -ltnp 'sport = :{publish.host_port}'   shows who has it; or choose another --publish" if taken else ""
        )
        yield Finding(f"port {publish.ip}:{publish.host_port}", not taken, taken or "free or the gateway's own", mend)


def _taken(ip: str, port: int) -> str:
    """Return the system's words when somebody has the port; that this user may not have it is nothing to Docker."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ip, port))
        except OSError as exc:
            return os.strerror(exc.errno) if exc.errno == errno.EADDRINUSE else ""
    return ""


def _state(settings: Settings, _: Client) -> Iterator[Finding]:
    folder = settings.state
    while not folder.exists():
        folder = folder.parent
    ok = os.access(folder, os.W_OK)
    yield Finding("state", ok, str(settings.state), "" if ok else "give a folder of yours with --state")


def _sight(_: Settings, client: Client) -> Iterator[Finding]:
    if own_container(client) is not None:
        seen = "in a container: names are asked directly when it is on the network"
    elif os.geteuid() == 0 and shutil.which("nsenter"):
        seen = "root on the host: through the gateway's namespaces"
    else:
        seen = "by `docker exec` in the gateway (60 ms a question; root on the host is faster)"
    yield Finding("view", ok=True, seen=seen)


def _gateway(settings: Settings, client: Client) -> Iterator[Finding]:
    """Yield what is wrong with the gateway: by the word of its `watch`, and by the way that a client takes."""
    if settings.network == NONE:
        return
    status = control.status_if_running(settings.state)
    try:
        asked = asyncio.run(gateway_look.look(settings, client))
    except ProxyctlError as exc:
        yield Finding("gateway", ok=False, seen=str(exc))
        return
    told = [p for p in status.problems if asked is None or p.code not in gateway_look.ASKED] if status else []
    problems = (*(asked or ()), *told)
    for problem in problems:
        seen = " ".join(filter(None, (problem.container, problem.label, problem.reason)))
        yield Finding(f"problem {problem.code}", ok=False, seen=seen, mend=f"proxyctl explain {problem.code}")
    if not problems:
        yield Finding("gateway", ok=True, seen="runs, and has no problem" if asked is not None else "not running")


def _watch(settings: Settings, _: Client) -> Iterator[Finding]:
    running = control.is_running(settings.state)
    yield Finding("watch", ok=True, seen="running" if running else "not running")


def _compose(_: Settings, __: Client) -> Iterator[Finding]:
    answer = None
    if shutil.which("docker"):
        answer = subprocess.run(
            ["docker", "compose", "version", "--short"], capture_output=True, text=True, check=False
        )
    ok = answer is not None and answer.returncode == 0
    seen = answer.stdout.strip() if answer and ok else "not there (only compose/ needs it)"
    yield Finding("docker compose", ok=True, seen=seen)
