"""What both engines' templates are rendered for: worlds, and the golden files that show what comes of them.

A world that one engine prints alone, or with other values, stands with that engine's tests.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

from proxyctl.core.model import Desired, Features, HealthCheck, Listener, Pool, Route, Server, Tuning
from proxyctl.engines import templates
from proxyctl.engines.port import Printer
from proxyctl.engines.render import render


def server(number: int, *, port: int = 80, **more: object) -> Server:
    """Return the `number`th server; what matters to a test is in `more`."""
    return Server(f"web{number}", f"{number:064x}", f"172.18.0.{number + 1}", port, **more)  # type: ignore[arg-type]


def http(*routes: Route, port: int = 80) -> Listener:
    """Return an HTTP listener."""
    return Listener(port, "http", routes)


EVERY = Route("", "/", "web")
TWO = (server(1), server(2))

WORLDS: Mapping[str, Desired] = {
    "nothing": Desired(),
    "simple": Desired((http(EVERY),), (Pool("web", servers=TWO),)),
    "algorithms": Desired(
        (http(*(Route("", f"/{b}", b) for b in ("leastconn", "source", "uri", "random"))),),
        (
            Pool("leastconn", balance="leastconn", servers=TWO),
            Pool("source", balance="source", servers=TWO),
            Pool("uri", balance="uri", servers=TWO),
            Pool("random", balance="random", servers=TWO),
        ),
    ),
    "maintenance": Desired(
        (
            http(EVERY, Route("", "/api", "api", strip_prefix=True), Route("a.example.com", "/old", "old")),
            Listener(5432, "tcp", (Route("", "/", "db"),)),
        ),
        (
            Pool("web", maintenance=True, health=HealthCheck("/up?full=1"), servers=TWO),
            Pool("api", maintenance=True, health=HealthCheck("/healthz"), servers=(server(3),)),
            Pool("old", maintenance=True, health=HealthCheck("/up"), servers=(server(4),)),
            Pool("db", protocol="tcp", maintenance=True, servers=(server(5, port=5432),)),
        ),
    ),
    "empty": Desired(
        (http(EVERY, Route("", "/api", "api")),), (Pool("web"), Pool("api", servers=(server(1, weight=0),)))
    ),
    "unsafe": Desired(
        (http(EVERY, Route("", "/h2", "h2"), Route("", "/once", "once")),),
        (
            Pool("web", settings=(("retry.unsafe", True),), servers=TWO),
            Pool("h2", protocol="h2c", settings=(("retry.unsafe", True),), servers=TWO),
            Pool("once", servers=TWO),
        ),
    ),
    "draining": Desired((http(EVERY),), (Pool("web", servers=(server(1, draining=True), server(2))),)),
}


def hosts(odd_path: str) -> Desired:
    """Return routes by host and path on two ports; one path has characters that the engine must escape."""
    return Desired(
        (
            http(
                Route("a.example.com", "/", "a"),
                Route("*.example.com", "/", "b"),
                Route("a.example.com", "/api", "api", strip_prefix=True),
                Route("", odd_path, "b"),
            ),
            http(Route("b.example.com", "/deep/er", "api", strip_prefix=True), port=8081),
        ),
        (
            Pool("a", servers=(server(1),)),
            Pool("b", servers=(server(2),)),
            Pool("api", settings=(("timeout.connect", 300), ("timeout.server", 5000)), servers=(server(3, port=8080),)),
        ),
    )


def tcp(db: Pool) -> Desired:
    """Return two tcp ports, that of `db` and that of a pool without servers, beside an HTTP port."""
    return Desired(
        (
            Listener(5432, "tcp", (Route("", "/", "db"),)),
            Listener(6379, "tcp", (Route("", "/", "cache"),)),
            http(EVERY),
        ),
        (db, Pool("cache", protocol="tcp"), Pool("web", servers=TWO)),
    )


def protocols(*pools: Pool) -> Desired:
    """Return routes to the pools `tls` and `h2`, whose servers speak other protocols than the gateway."""
    return Desired((http(Route("", "/tls", "tls"), Route("", "/h2", "h2", strip_prefix=True)),), pools)


@dataclasses.dataclass(frozen=True)
class Golden:
    """The golden files of one engine, WORLD-VERSION with the suffix of its `config` file.

    Every world has a file for the first of the `versions`; `also` has the (world, version) pairs of the others.
    """

    engine: str
    config: str
    printer: Printer
    worlds: Mapping[str, Desired]
    versions: Mapping[str, Features]
    also: tuple[tuple[str, str], ...]

    @property
    def cases(self) -> list[tuple[str, str]]:
        """The (world, version) pairs that have a file."""
        newest = next(iter(self.versions))
        return [*((world, newest) for world in self.worlds), *self.also]

    @property
    def folder(self) -> Path:
        """Where the files are."""
        return Path(__file__).parents[1] / "golden" / self.engine

    def file(self, world: str, version: str) -> Path:
        """Return the file of a world."""
        return self.folder / f"{world}-{version}{Path(self.config).suffix}"

    def rendered(self, world: str, version: str) -> str:
        """Render one world with the shipped templates."""
        files = render(
            self.worlds[world],
            printer=self.printer,
            features=self.versions[version],
            tuning=Tuning(),
            templates=templates.load(self.engine, None),
            token="s3cret",
        )
        return dict(files.files)[self.config]
