"""A real gateway with nginx in it, loaded as proxyctl loads it, for the tests of the nginx engine."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import docker

from proxyctl.core.model import ConfigFiles, Desired, Features, Listener, Pool, Route, Server, Tuning
from proxyctl.core.render import render
from proxyctl.edges.docker.gateway import DockerGateway, Spec
from proxyctl.edges.engines import nginx
from proxyctl.edges.files.generations import GenerationFolder
from proxyctl.edges.netns import GatewayView
from proxyctl.ports import Ran

TEMPLATES = Path(__file__).parents[2] / "templates" / "nginx"
TOKEN = "0123456789abcdef"
VERSIONS = ("1.30", "1.26", "1.22")


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


def server(name: str, address: str, port: int = 80, **more: object) -> Server:
    """Return a server; what matters to a test is in `more`."""
    return Server(name, f"id-{name}", address, port, **more)  # type: ignore[arg-type]


def world(*servers: Server, pool: str = "web", routes: tuple[Route, ...] = ()) -> Desired:
    """Return one pool behind port 80, on every host and path unless told otherwise."""
    return Desired((Listener(80, "http", routes or (Route("", "/", pool),)),), (Pool(pool, servers=servers),))


class Box:
    """A gateway container on `network`, its engine and its generations. Not started before `start`."""

    def __init__(self, network: str, folder: Path, version: str = "1.30") -> None:
        self.client = docker.APIClient(version="auto")
        spec = Spec(
            network=network,
            engine="nginx",
            image=f"proxyctl/nginx:{version}",
            publish=(),
            command=nginx.command(),
            stop_signal=nginx.STOP_SIGNAL,
            folder=folder,
        )
        self.network = network
        self.gateway = DockerGateway(self.client, spec)
        self.run_folder = folder / "run"
        self.generations = GenerationFolder(folder)
        self.generations.prepare()
        self.view = GatewayView(lambda: self.gateway.pid)
        self.engine = nginx.Nginx(self.gateway, self.run_folder, self.view)
        self.features: Features | None = None

    async def start(self) -> None:
        """Make the container and ask the binary what it can do."""
        await self.gateway.ensure()
        self.features = await self.engine.features()

    @property
    def address(self) -> str:
        """The gateway's address on its network."""
        shown = self.client.inspect_container(f"proxyctl-{self.network}")
        return str(shown["NetworkSettings"]["Networks"][self.network]["IPAddress"])

    def render(self, desired: Desired, edit: Callable[[str], str] = str) -> ConfigFiles:
        """Render with the shipped templates, perhaps edited."""
        assert self.features is not None
        templates = {p.name: edit(p.read_text()) for p in TEMPLATES.glob("*.j2")}
        return render(desired, features=self.features, tuning=Tuning(), templates=templates, token=TOKEN)

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

    async def close(self) -> None:
        """Remove the container."""
        self.client.remove_container(f"proxyctl-{self.network}", force=True, v=True)
        self.client.close()


class NoView:
    """The view of a process that may not enter the gateway."""

    direct = False

    def open(self, family: socket.AddressFamily, kind: socket.SocketKind, protocol: int = 0) -> socket.socket:
        """Fail: nobody asks for a socket where there is none."""
        raise AssertionError(family, kind)


class CountedGateway:
    """A gateway that notes which commands ran, and has some programs hidden; without a real one nothing may run."""

    def __init__(self, gateway: DockerGateway | None = None, hidden: tuple[str, ...] = ()) -> None:
        self.gateway, self.hidden = gateway, hidden
        self.ran: list[str] = []

    async def ensure(self) -> bool:
        """Leave it as it is."""
        return False

    async def run(self, argv: Sequence[str]) -> Ran:
        """Run a command unless it is hidden."""
        self.ran.append(argv[0])
        assert self.gateway is not None
        return Ran(127, "") if argv[0] in self.hidden else await self.gateway.run(argv)

    async def signal(self, name: str) -> None:
        """Fail: nothing here signals."""
        raise AssertionError(name)

    async def logs(self, lines: int) -> str:
        """Return nothing."""
        return ""[:lines]
