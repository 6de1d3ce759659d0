"""The nginx templates against whole golden files; `tests/docker/test_nginx_golden.py` has nginx itself read them.

`PROXYCTL_GOLDEN=write` rewrites the files; read the difference before committing it.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from proxyctl.core.model import Desired, Features, HealthCheck, Listener, Pool, Route, Server, Tuning
from proxyctl.engines.nginx.printed import printed
from proxyctl.engines.render import render

ROOT = Path(__file__).parents[3]
GOLDEN = ROOT / "tests" / "golden" / "nginx"
MODULE = "/usr/lib/nginx/modules/ngx_stream_module.so"
VERSIONS = {
    "1.30": Features("nginx", (1, 30, 6), MODULE),
    "1.22": Features("nginx", (1, 22, 1), MODULE),
}


def server(number: int, *, port: int = 80, **more: object) -> Server:
    """Return the `number`th server; what matters to a test is in `more`."""
    values: dict[str, object] = {"weight": 1, **more}
    return Server(f"web{number}", f"{number:064x}", f"172.18.0.{number + 1}", port, **values)  # type: ignore[arg-type]


def http(*routes: Route, port: int = 80) -> Listener:
    """Return an HTTP listener."""
    return Listener(port, "http", routes)


EVERY = Route("", "/", "web")
TWO = (server(1), server(2))

WORLDS: dict[str, Desired] = {
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
    "weights": Desired(
        (http(EVERY),),
        (
            Pool(
                "web",
                servers=(server(1, weight=3), server(2, maxconn=10), server(3, backup=True), server(4, weight=0)),
            ),
        ),
    ),
    "hosts": Desired(
        (
            http(
                Route("a.example.com", "/", "a"),
                Route("*.example.com", "/", "b"),
                Route("a.example.com", "/api", "api", strip_prefix=True),
                Route("", "/~odd", "b"),
            ),
            http(Route("b.example.com", "/deep/er", "api", strip_prefix=True), port=8081),
        ),
        (
            Pool("a", servers=(server(1),)),
            Pool("b", servers=(server(2),)),
            Pool("api", settings=(("timeout.connect", 300), ("timeout.server", 5000)), servers=(server(3, port=8080),)),
        ),
    ),
    "sticky": Desired((http(EVERY),), (Pool("web", sticky="SRV", servers=TWO),)),
    "tcp": Desired(
        (
            Listener(5432, "tcp", (Route("", "/", "db"),)),
            Listener(6379, "tcp", (Route("", "/", "cache"),)),
            http(EVERY),
        ),
        (
            Pool(
                "db",
                protocol="tcp",
                balance="leastconn",
                servers=(server(1, port=5432, backup=True), server(2, port=5432)),
            ),
            Pool("cache", protocol="tcp"),
            Pool("web", servers=TWO),
        ),
    ),
    "protocols": Desired(
        (http(Route("", "/tls", "tls"), Route("", "/h2", "h2", strip_prefix=True)),),
        (
            Pool("tls", protocol="https", servers=(server(1, port=443),)),
            Pool("h2", protocol="h2c", servers=(server(2, port=8080),)),
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
CASES = [(w, "1.30") for w in WORLDS]
CASES += [(w, "1.22") for w in ("simple", "tcp", "maintenance")]


def rendered(world: str, version: str) -> str:
    """Render one world with the shipped templates."""
    templates = {p.name: p.read_text() for p in (ROOT / "templates" / "nginx").glob("*.j2")}
    files = render(
        WORLDS[world], printer=printed, features=VERSIONS[version], tuning=Tuning(), templates=templates, token="s3cret"
    )
    return dict(files.files)["nginx.conf"]


@pytest.mark.parametrize(("world", "version"), CASES)
def test_golden(world: str, version: str) -> None:
    """Each world renders to the bytes that were reviewed."""
    golden = GOLDEN / f"{world}-{version}.conf"
    text = rendered(world, version)
    if os.environ.get("PROXYCTL_GOLDEN") == "write":
        golden.write_text(text)
    assert text == golden.read_text()
