"""Wires the parts of one process from the settings: here each Protocol gets its class. Next: `compose`."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any

from proxyctl.core.model import PREDEFINED, Features
from proxyctl.core.rules import Rules
from proxyctl.engines import boot, templates
from proxyctl.engines.haproxy import engine as haproxy
from proxyctl.engines.haproxy import paths as haproxy_paths
from proxyctl.engines.haproxy import rules as haproxy_rules
from proxyctl.engines.nginx import engine as nginx
from proxyctl.engines.nginx import rules as nginx_rules
from proxyctl.engines.port import Engine
from proxyctl.errors import ProxyctlError, UsageError
from proxyctl.gateway.access import DockerAccess
from proxyctl.gateway.lifecycle import DockerLifecycle
from proxyctl.gateway.netns import GatewayView, LocalView
from proxyctl.gateway.port import Access, Road
from proxyctl.gateway.road import NoRoad, PublishedRoad
from proxyctl.gateway.spec import Spec
from proxyctl.providers.docker import networks
from proxyctl.providers.docker.client import Client
from proxyctl.providers.docker.own import own_container
from proxyctl.providers.port import NetworkView, Shell
from proxyctl.settings import Settings
from proxyctl.sources import removal
from proxyctl.state.generations import GenerationFolder
from proxyctl.state.pin import PinFile
from proxyctl.state.port import Inputs
from proxyctl.wording import of_system


@dataclasses.dataclass(frozen=True, slots=True)
class Proxy:
    """One kind of proxy: how to ask its binary, make its engine and rules, and start and stop its gateway.

    `boot` is the text of the gateway's first process.

    `random_by_ring` says that its `balance=random` picks points of a hash ring, which is uneven.
    """

    features: Callable[[Shell], Coroutine[Any, Any, Features]]
    engine: Callable[[Access, Path], Engine]
    rules: Callable[[Features], Rules]
    boot: str
    stop_signal: str
    random_by_ring: bool


PROXIES: Mapping[str, Proxy] = {
    "nginx": Proxy(
        features=nginx.features,
        engine=nginx.Nginx,
        rules=nginx_rules.NginxRules,
        boot=nginx.boot_script(),
        stop_signal=nginx.STOP_SIGNAL,
        random_by_ring=nginx_rules.RANDOM_BY_RING,
    ),
    "haproxy": Proxy(
        features=haproxy.features,
        engine=haproxy.HAProxy,
        rules=haproxy_rules.HAProxyRules,
        boot=haproxy.boot_script(),
        stop_signal=haproxy.STOP_SIGNAL,
        random_by_ring=haproxy_rules.RANDOM_BY_RING,
    ),
}
LONGEST_SOCKET = 107  # bytes of a Unix socket's path: unix(7)


@dataclasses.dataclass
class Parts:
    """The parts that every verb with a gateway needs."""

    settings: Settings
    client: Client
    lifecycle: DockerLifecycle
    access: DockerAccess
    engine: Engine
    view: NetworkView
    generations: GenerationFolder
    on_host: bool

    def road(self, secret: str) -> Road:
        """Return what asks the gateway's published ports, where they are this machine's, with the secret of `check`."""
        return PublishedRoad(self.access, self.view, secret) if self.on_host else NoRoad()


def build(settings: Settings, client: Client) -> Parts:
    """Return the parts of one process; nothing is asked yet."""
    kind = PROXIES[settings.engine]
    proxy = settings.state / "proxy"
    spec = Spec(
        network=settings.network,
        engine=settings.engine,
        images=settings.gateway_images,
        publish=tuple((p.ip, p.host_port, p.port) for p in settings.publish),
        command=boot.command(),
        boot=kind.boot,
        stop_signal=kind.stop_signal,
        folder=proxy,
        image_chosen=settings.image != "",
        removal=removal(settings.network, settings.state),
        removal_kept=removal(settings.network, settings.state, keep_state=True),
        join=settings.join,
    )
    access = DockerAccess(client, settings.network)
    lifecycle = DockerLifecycle(client, spec, access)
    own = own_container(client)
    view = _view(settings, own, access)
    engine = kind.engine(access, proxy / "run")
    return Parts(settings, client, lifecycle, access, engine, view, GenerationFolder(proxy), _on_host(client, own))


def rules_for(features: Features) -> Rules:
    """Return the rules of the proxy binary that has these features."""
    return PROXIES[features.engine].rules(features)


def _on_host(client: Client, own: Mapping[str, Any] | None) -> bool:
    """Return whether this process is on Docker's own machine and in none of its containers, as far as can be seen."""
    return own is None and client.base_url.startswith("http+docker:")


def _view(settings: Settings, own: Mapping[str, Any] | None, access: DockerAccess) -> NetworkView:
    """Return the view of the networks: direct inside a container that is on all of them, else through the gateway."""
    if own is not None and set(settings.networks) <= own["NetworkSettings"]["Networks"].keys():
        return LocalView()
    return GatewayView(lambda: access.pid)


def with_gateways_engine(settings: Settings, client: Client) -> Settings:
    """Return the settings with the engine of the gateway that is there, where nobody named one."""
    if "engine" in settings.model_fields_set:
        return settings
    access = DockerAccess(client, settings.network)
    access.inspect()
    known = access.engine in PROXIES and access.engine != settings.engine
    return settings.model_copy(update={"engine": access.engine}) if known else settings


def check_network(settings: Settings, client: Client) -> None:
    """Raise UsageError unless the network exists and has Docker's DNS; touches nothing."""
    name = settings.network
    if name in PREDEFINED:
        message = f"--network {name}: Docker's DNS works on user-defined networks only: `docker network create web`"
        raise UsageError(message)
    if not networks.exists(client, name):
        message = (
            f"--network {name}: there is no such network: `docker network create {name}`, or --create-network of watch"
        )
        raise UsageError(message)


def inputs_of(settings: Settings, token: str) -> Inputs:
    """Return the inputs from settings and templates; raise TemplateError."""
    texts = templates.load(settings.engine, settings.templates)
    return Inputs(settings.options, settings.tuning, texts, token, form=templates.FORM)


def pinned_inputs(pins: PinFile, settings: Settings, token: str) -> Inputs | None:
    """Return the inputs of the pinned generation; None without a pin. Raise TemplateError.

    Templates of an earlier release may use names that are gone: the present templates replace them, because no server
    could join or leave a gateway whose configuration cannot be printed.
    """
    inputs = pins.inputs(token, settings.label_prefix)
    if inputs is None or inputs.form == templates.FORM:
        return inputs
    texts = templates.load(settings.engine, settings.templates)
    return dataclasses.replace(inputs, templates=texts, form=templates.FORM)


def prepare_state(settings: Settings) -> None:
    """Make the state folder; raise ProxyctlError when that is not allowed, or its path is too long for a socket."""
    longest = settings.state / "proxy" / "run" / haproxy_paths.MASTER_SOCKET
    if (over := len(os.fsencode(longest)) - LONGEST_SOCKET) > 0:
        message = f"the state folder {settings.state}: too long by {over} bytes for sockets in it; give another --state"
        raise UsageError(message)
    try:
        settings.state.mkdir(parents=True, exist_ok=True, mode=0o755)
        GenerationFolder(settings.state / "proxy").prepare()
    except OSError as exc:
        message = f"the state folder {settings.state}: {of_system(exc)}; give another with --state"
        raise ProxyctlError(message) from exc
