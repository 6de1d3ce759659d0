"""The parts of one process, wired from the settings; the only place that knows which class is behind which Protocol."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Any

import docker
import docker.errors

from proxyctl.core.model import EngineKind
from proxyctl.engines import templates
from proxyctl.engines.haproxy import engine as haproxy
from proxyctl.engines.haproxy import paths as haproxy_paths
from proxyctl.engines.nginx import engine as nginx
from proxyctl.engines.port import Engine
from proxyctl.errors import ProxyctlError, UsageError
from proxyctl.gateway.lifecycle import DockerGateway, Spec
from proxyctl.gateway.netns import GatewayView, LocalView
from proxyctl.gateway.port import Gateway
from proxyctl.providers.docker.client import translated
from proxyctl.providers.docker.own import own_container
from proxyctl.providers.port import NetworkView
from proxyctl.settings import Settings
from proxyctl.state.generations import GenerationFolder
from proxyctl.state.port import Inputs


def make_engine(kind: EngineKind, gateway: Gateway, run_folder: Path) -> Engine:
    """Return the engine of that kind inside `gateway`."""
    if kind == "nginx":
        return nginx.Nginx(gateway, run_folder)
    return haproxy.HAProxy(gateway, run_folder)


MODULES: dict[str, Any] = {"nginx": nginx, "haproxy": haproxy}
LONGEST_SOCKET = 107  # bytes of a Unix socket's path: unix(7)
PREDEFINED = {"bridge", "host", "none"}


@dataclasses.dataclass
class Parts:
    """What one process works with."""

    settings: Settings
    client: docker.APIClient
    gateway: DockerGateway
    engine: Engine
    view: NetworkView
    generations: GenerationFolder


def build(settings: Settings, client: docker.APIClient) -> Parts:
    """Wire gateway, engine and view; asks nothing yet."""
    module = MODULES[settings.engine]
    proxy = settings.state / "proxy"
    gateway = DockerGateway(
        client,
        Spec(
            network=settings.network,
            engine=settings.engine,
            image=settings.gateway_image,
            publish=tuple((p.ip, p.host_port, p.port) for p in settings.publish),
            command=module.command(),
            stop_signal=module.STOP_SIGNAL,
            folder=proxy,
            image_chosen=settings.image != "",
        ),
    )
    view = _view(settings, client, gateway)
    engine = make_engine(settings.engine, gateway, proxy / "run")
    return Parts(settings, client, gateway, engine, view, GenerationFolder(proxy))


def _view(settings: Settings, client: docker.APIClient, gateway: DockerGateway) -> NetworkView:
    """Choose how to see the network: as a container on it when this is one, else through the gateway."""
    own = own_container(client)
    if own is not None and settings.network in own["NetworkSettings"]["Networks"]:
        return LocalView()
    return GatewayView(lambda: gateway.pid)


def check_network(settings: Settings, client: docker.APIClient) -> None:
    """Raise UsageError unless the network exists and is one with Docker's DNS; touches nothing."""
    name = settings.network
    if name in PREDEFINED:
        message = f"--network {name}: Docker's DNS works on user-defined networks only: `docker network create web`"
        raise UsageError(message)
    if not network_exists(name, client):
        message = f"--network {name}: there is no such network: `docker network create {name}`, or --create-network"
        raise UsageError(message)


def network_exists(name: str, client: docker.APIClient) -> bool:
    """Return whether Docker has a network of that name."""
    try:
        with translated(f"network {name}"):
            client.inspect_network(name)
    except docker.errors.NotFound:
        return False
    return True


def inputs_of(settings: Settings, token: str) -> Inputs:
    """Return what settings and templates say of the configuration; raise TemplateError."""
    return Inputs(settings.options, settings.tuning, templates.load(settings.engine, settings.templates), token)


def prepare_state(settings: Settings) -> None:
    """Make the state folder; raise ProxyctlError when that is not allowed, or no socket could be in it."""
    longest = settings.state / "proxy" / "run" / haproxy_paths.MASTER_SOCKET
    if (over := len(os.fsencode(longest)) - LONGEST_SOCKET) > 0:
        message = f"the state folder {settings.state}: too long by {over} bytes for sockets in it; give another --state"
        raise UsageError(message)
    try:
        settings.state.mkdir(parents=True, exist_ok=True, mode=0o755)
        GenerationFolder(settings.state / "proxy").prepare()
    except OSError as exc:
        message = f"the state folder {settings.state}: {exc.strerror or exc}; give another with --state"
        raise ProxyctlError(message) from exc
