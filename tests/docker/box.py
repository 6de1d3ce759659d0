"""A real gateway with HAProxy or nginx in it, loaded as proxyctl loads it, for the tests of the engines."""

from __future__ import annotations

import contextlib
import http.client
from collections.abc import Callable
from pathlib import Path
from typing import Any

import docker
import docker.errors

from proxyctl.app.parts import PROXIES
from proxyctl.core.model import ConfigFiles, Desired, Features, Listener, Pool, Route, Server, Tuning
from proxyctl.engines import boot
from proxyctl.engines.render import render
from proxyctl.gateway.access import DockerAccess
from proxyctl.gateway.lifecycle import DockerLifecycle
from proxyctl.gateway.netns import GatewayView
from proxyctl.gateway.presence import present
from proxyctl.gateway.spec import Spec
from proxyctl.settings import EngineKind
from proxyctl.state.generations import GenerationFolder

TEMPLATES = Path(__file__).parents[2] / "templates"
TOKEN = "0123456789abcdef"
VERSIONS = {"haproxy": ("3.2", "3.0", "2.6"), "nginx": ("1.30", "1.26", "1.22")}
"""Newest first."""

RunContainer = Callable[..., Any]


def start_nginx(run_container: RunContainer, network: str, location: str, listen: str = "80", **more: Any) -> str:
    """Start an nginx whose one location holds what is given; return its address."""
    script = f"""cat >/tmp/c <<'END'
daemon off; error_log stderr; events {{}}
http {{ access_log off; server {{ listen {listen}; location / {{ {location} }} }} }}
END
exec nginx -c /tmp/c"""
    made = run_container("proxyctl/nginx:1.30", entrypoint=["sh", "-c", script], network=network, **more)
    made.reload()
    return str(made.attrs["NetworkSettings"]["Networks"][network]["IPAddress"])


def start_backend(run_container: RunContainer, network: str, rules: str, port: int = 80, **more: Any) -> str:
    """Start an HAProxy that answers by itself, by the `http-request` rules that are given; return its address."""
    script = f"""cat >/tmp/c <<'END'
global
    hard-stop-after 1s
defaults
    mode http
    timeout client 1m
    timeout server 1m
    timeout connect 1s
frontend f
    bind *:{port}
{rules}
END
exec haproxy -db -f /tmp/c"""
    made = run_container("proxyctl/haproxy:3.2", entrypoint=["sh", "-c", script], network=network, **more)
    made.reload()
    return str(made.attrs["NetworkSettings"]["Networks"][network]["IPAddress"])


def named(name: str) -> str:
    """Return the rules of a backend that answers with its name."""
    return f'    http-request return status 200 content-type text/plain string "{name}"'


def server(name: str, address: str, port: int = 80, **more: object) -> Server:
    """Return a server; what matters to a test is in `more`."""
    return Server(name, f"id-{name}", address, port, **more)  # type: ignore[arg-type]


def world(*servers: Server, pool: str = "web", routes: tuple[Route, ...] = ()) -> Desired:
    """Return one pool behind port 80, on every host and path unless told otherwise."""
    return Desired((Listener(80, "http", routes or (Route("", "/", pool),)),), (Pool(pool, servers=servers),))


class Box:
    """A gateway container on `network`, its engine and its generations. Not started before `start`."""

    def __init__(self, network: str, folder: Path, kind: EngineKind, version: str = "", image: str = "") -> None:
        proxy, version = PROXIES[kind], version or VERSIONS[kind][0]
        self.client = docker.APIClient(version="auto")
        spec = Spec(
            network=network,
            engine=kind,
            images=(image or f"proxyctl/{kind}:{version}",),
            publish=(),
            command=boot.command(),
            boot=proxy.boot,
            stop_signal=proxy.stop_signal,
            folder=folder,
        )
        self.network, self.kind, self.version = network, kind, version
        self.access = DockerAccess(self.client, network)
        self.lifecycle = DockerLifecycle(self.client, spec, self.access)
        self.run_folder = folder / "run"
        self.generations = GenerationFolder(folder)
        self.generations.prepare()
        self.view = GatewayView(lambda: self.access.pid)
        self.engine = proxy.engine(self.access, self.run_folder)
        self.features: Features | None = None
        self._held = contextlib.ExitStack()

    async def start(self) -> None:
        """Make the container and ask the binary what it can do."""
        self._held.enter_context(present(self.run_folder))
        await self.lifecycle.ensure()
        self.features = await self.engine.features()

    @property
    def address(self) -> str:
        """The gateway's address on its network."""
        shown = self.client.inspect_container(f"proxyctl-{self.network}")
        return str(shown["NetworkSettings"]["Networks"][self.network]["IPAddress"])

    def render(self, desired: Desired, edit: Callable[[str], str] = str) -> ConfigFiles:
        """Render with the shipped templates, perhaps edited."""
        assert self.features is not None
        templates = {p.name: edit(p.read_text()) for p in (TEMPLATES / self.kind).glob("*.j2")}
        return render(
            desired,
            printer=self.engine.printer,
            features=self.features,
            tuning=Tuning(),
            templates=templates,
            token=TOKEN,
        )

    async def load(self, desired: Desired, edit: Callable[[str], str] = str) -> ConfigFiles:
        """Stage, check, switch, reload: the whole way of one apply."""
        files = self.render(desired, edit)
        number = self.generations.stage(files, desired)
        await self.engine.check(self.generations.path(number), files)
        self.generations.switch(number)
        await self.engine.reload(files.revision)
        return files

    def get(
        self, path: str = "/", *, port: int = 80, method: str = "GET", headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], str]:
        """Ask the gateway on a new connection; return status, headers in lower case, body."""
        connection = http.client.HTTPConnection(self.address, port, timeout=10)
        try:
            connection.request(method, path, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read().decode()
        finally:
            connection.close()

    def close(self) -> None:
        """Remove the container, if it was made."""
        self._held.close()
        with contextlib.suppress(docker.errors.NotFound):
            self.client.remove_container(f"proxyctl-{self.network}", force=True, v=True)
        self.client.close()
