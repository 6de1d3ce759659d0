"""What both rendered proxies do with requests: hosts, paths, headers, protocols, and pools without servers."""

from __future__ import annotations

import asyncio
import dataclasses
import subprocess
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from proxyctl.core import layout
from proxyctl.core.model import Desired, Listener, Pool, Route
from proxyctl.engines.haproxy import paths as haproxy
from proxyctl.engines.nginx import paths as nginx
from proxyctl.settings import EngineKind
from tests.docker.box import TOKEN, VERSIONS, Box, RunContainer, server, start_nginx, world
from tests.docker.conftest import started_box

pytestmark = pytest.mark.docker
both = pytest.mark.parametrize("kind", VERSIONS)
newest = pytest.mark.parametrize("box", [(k, v[0]) for k, v in VERSIONS.items()], indirect=True, ids="-".join)

CHECK = {layout.CHECK_HEADER: TOKEN}
NAMED = layout.SERVER_HEADER.lower()
CONFIG_NAMES = {"nginx": nginx.CONFIG_NAME, "haproxy": haproxy.CONFIG_NAME}
CHECKS = {"haproxy": ("haproxy", "-c", "-q", "-f"), "nginx": ("nginx", "-t", "-q", "-c")}
NO_ROUTE = {"haproxy": "proxyctl: no route for this host and path\n", "nginx": "proxyctl: no route for this {}\n"}


@pytest.fixture(
    scope="module",
    params=[(kind, v) for kind, versions in VERSIONS.items() for v in (versions[0], versions[-1])],
    ids="-".join,
)
def box(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """Return a gateway with the newest and the oldest of each engine; golden files pass the check of all others."""
    with started_box(tmp_path_factory.mktemp("box"), *request.param) as made:
        yield made


@pytest.fixture
def network(box: Box) -> str:
    """The gateway's."""
    return box.network


async def test_hosts_and_paths(box: Box, network: str, run_container: RunContainer) -> None:
    """The host decides first, exact before wildcard before any; then the longest prefix of whole segments."""
    address = start_nginx(run_container, network, 'return 200 "$http_host $request_uri";')
    routes = (
        Route("a.example.com", "/", "a"),
        Route("a.example.com", "/api", "api"),
        Route("*.example.com", "/", "wild"),
        Route("b.test", "/x", "x"),
        Route("", "/only", "only"),
        Route("", "/~odd+path@x", "odd"),
    )
    pools = tuple(Pool(r.pool, servers=(server(r.pool, address),)) for r in routes)
    await box.load(Desired((Listener(80, "http", routes),), pools))

    def met(host: str, path: str) -> str:
        status, headers, body = box.get(path, headers={"Host": host, **CHECK})
        if status == 200:
            assert body == f"{host} {path}"  # what the server received is what the client sent
        return headers.get(NAMED, str(status))

    seen = {
        (host, path): met(host, path)
        for host, path in (
            ("a.example.com", "/"),
            ("A.example.com:8080", "/"),
            ("a.example.com", "/api"),
            ("a.example.com", "/api/x%2Fy?q=/%20"),
            ("a.example.com", "/apix"),
            ("b.example.com", "/api"),
            ("c.b.example.com", "/"),
            ("example.com", "/only"),
            ("example.com", "/only/this"),
            ("example.com", "/onlythat"),
            ("a.example.com", "/only"),
            ("b.test", "/only"),
            ("b.test", "/"),
            ("example.com", "/~odd+path@x/1"),
        )
    }
    assert list(seen.values()) == [
        "a", "a", "api", "api", "a", "wild", "wild", "only", "only", "404", "a", "only", "404", "odd",
    ]  # fmt: skip
    status, headers, body = box.get("/nowhere", headers={"Host": "example.com"})
    assert (status, headers["content-type"]) == (404, "text/plain")
    assert body == NO_ROUTE[box.kind].format("path")


async def test_a_host_that_nobody_asked_for(box: Box, network: str, run_container: RunContainer) -> None:
    """It gets a 404 that says who answers, and not the first site."""
    address = start_nginx(run_container, network, "return 200 x;")
    await box.load(world(server("web1", address), routes=(Route("a.example.com", "/", "web"),)))
    assert box.get(headers={"Host": "b.example.com"})[::2] == (404, NO_ROUTE[box.kind].format("host"))
    assert box.get(headers={"Host": "a.example.com"})[0] == 200


async def test_strip_prefix(box: Box, network: str, run_container: RunContainer) -> None:
    """The prefix goes, and the rest stays as the client wrote it, escapes and query included.

    Nginx compares paths unescaped, HAProxy as they are written.
    """
    address = start_nginx(run_container, network, 'return 200 "$request_uri";')
    routes = (Route("", "/api/v1", "web", strip_prefix=True), Route("", "/~a.b+c", "web", strip_prefix=True))
    await box.load(world(server("web1", address), routes=routes))
    assert {path: box.get(path)[2] for path in (
        "/api/v1",
        "/api/v1?a=b%20c",
        "/api/v1/",
        "/api/v1/x/y?a=/api/v1/z",
        "/api/v1/group%2Fproject//x%25y",
        "/~a.b+c/x",
    )} == {
        "/api/v1": "/",
        "/api/v1?a=b%20c": "/?a=b%20c",
        "/api/v1/": "/",
        "/api/v1/x/y?a=/api/v1/z": "/x/y?a=/api/v1/z",
        "/api/v1/group%2Fproject//x%25y": "/group%2Fproject//x%25y",
        "/~a.b+c/x": "/x",
    }  # fmt: skip
    assert box.get("/api/v1x")[0] == 404
    status, _, body = box.get("/%61pi/v1/x%20y?q=1")
    assert (status, body) == (200, "/x%20y?q=1") if box.kind == "nginx" else status == 404


async def test_the_check_header(box: Box, network: str, run_container: RunContainer) -> None:
    """Only who knows the token learns the server's name; the token stays here and nobody can forge the answer."""
    address = start_nginx(
        run_container, network, f'add_header {layout.SERVER_HEADER} forged; return 200 "[$http_x_proxyctl_check]";'
    )
    await box.load(world(server("web1", address), server("web2", "172.31.255.254", backup=True)))
    assert box.get()[1].get(NAMED) is None
    assert box.get(headers={layout.CHECK_HEADER: "wrong"})[1].get(NAMED) is None
    _, headers, body = box.get(headers=CHECK)
    assert (headers[NAMED], body) == ("web1", "[]")


async def test_the_check_header_after_a_retry(box: Box, network: str, run_container: RunContainer) -> None:
    """Of several servers that were asked for one request, the last is named; so it is in the error."""
    address = start_nginx(run_container, network, "return 200 x;")
    dead, alive = server("dead", address, 81, weight=100), server("alive", address)
    await box.load(world(dead, alive))
    assert {box.get(headers=CHECK)[1][NAMED] for _ in range(4)} == {"alive"}
    await box.load(world(dead))
    status, headers, _ = box.get(headers=CHECK)
    assert (status, headers[NAMED]) == ({"haproxy": 503, "nginx": 502}[box.kind], "dead")


async def test_forwarded_headers_are_ours(box: Box, network: str, run_container: RunContainer) -> None:
    """What a client claims about itself is replaced; Host passes unchanged."""
    fields = ("x_forwarded_for", "x_real_ip", "x_forwarded_proto", "x_forwarded_host", "forwarded", "x_forwarded_port")
    shown = " ".join(f"{f}=$http_{f}" for f in fields)
    address = start_nginx(run_container, network, f'return 200 "{shown} host=$http_host id=$http_x_request_id";')
    await box.load(world(server("web1", address)))
    lies = {f.replace("_", "-"): "6.6.6.6" for f in fields} | {"X-Request-ID": "lie", "Host": "Www.Example.com:8080"}
    got = dict(item.split("=", 1) for item in box.get(headers=lies)[2].split(" "))
    client = box.client.inspect_network(network)["IPAM"]["Config"][0]["Gateway"]
    assert got.pop("id") not in {"lie", ""}
    assert got == {
        "x_forwarded_for": client,
        "x_real_ip": client,
        "x_forwarded_proto": "http",
        "x_forwarded_host": "Www.Example.com:8080",
        "forwarded": "",
        "x_forwarded_port": "",
        "host": "Www.Example.com:8080",
    }


async def test_a_pool_without_a_server(box: Box) -> None:
    """It answers 503 with Retry-After and its name, also where it only has servers that drain."""
    await box.load(world(server("web1", "172.31.255.254", draining=True)))
    status, headers, body = box.get("/any")
    assert (status, headers["retry-after"], headers["content-type"]) == (503, "1", "text/plain")
    assert body == "proxyctl: pool web has no server that can take requests\n"


async def test_upgrades(box: Box, network: str) -> None:
    """A WebSocket handshake reaches the server and then bytes flow both ways; an upgrade to h2c is left out."""
    heads: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        if b"upgrade: websocket" in heads[-1].lower():
            writer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n")
            writer.write(b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")
            writer.write((await reader.readexactly(4)).upper())
        else:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    host = box.client.inspect_network(network)["IPAM"]["Config"][0]["Gateway"]
    async with await asyncio.start_server(serve, host, 0) as listening:
        port = listening.sockets[0].getsockname()[1]
        await box.load(world(server("web1", host, port)))
        reader, writer = await asyncio.open_connection(box.address, 80)
        writer.write(
            b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"  # RFC 6455, 1.3
        )
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
        writer.write(b"ping")
        assert await reader.readexactly(4) == b"PING"
        writer.close()
        headers = {"Upgrade": "h2c", "Connection": "Upgrade, HTTP2-Settings"}
        assert (await asyncio.to_thread(box.get, headers=headers))[0] == 200
    assert b"upgrade" not in heads[-1].lower()


async def test_tcp(box: Box, network: str, run_container: RunContainer) -> None:
    """A tcp listener passes bytes; with an empty pool it closes the connection at once."""
    address = start_nginx(run_container, network, "return 200 bytes;")
    desired = Desired(
        (Listener(5432, "tcp", (Route("", "/", "db"),)), Listener(6379, "tcp", (Route("", "/", "none"),))),
        (Pool("db", protocol="tcp", servers=(server("db1", address),)), Pool("none", protocol="tcp")),
    )
    await box.load(desired)
    assert box.get(port=5432)[2] == "bytes"
    reader, writer = await asyncio.open_connection(box.address, 6379)
    async with asyncio.timeout(10):
        assert await reader.read() == b""
    writer.close()


def certificate(folder: Path) -> Path:
    """Make a key and a certificate that it signed itself."""
    folder.mkdir()
    kind = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1", "-subj", "/CN=test")
    files = ("-keyout", f"{folder}/key.pem", "-out", f"{folder}/cert.pem")
    subprocess.run(("openssl", "req", "-x509", *kind, *files), check=True, capture_output=True)
    return folder


async def test_protocols(box: Box, network: str, run_container: RunContainer, tmp_path: Path) -> None:
    """Servers may speak TLS with a certificate that nobody signed, or HTTP/2 without TLS where a label may say so."""
    folder = certificate(tmp_path / "certificate")
    say = 'return 200 "$server_protocol $request_method $http_host $request_uri $content_length";'
    tls = start_nginx(
        run_container,
        network,
        say,
        listen="443 ssl; ssl_certificate /c/cert.pem; ssl_certificate_key /c/key.pem",
        volumes={str(folder): {"bind": "/c", "mode": "ro"}},
    )
    h2c = start_nginx(run_container, network, say, listen="80; http2 on")
    refused = (box.kind, box.version) == ("nginx", "1.22")  # `decide.members` keeps such a container out
    servers = () if refused else (server("h21", h2c),)
    await box.load(
        Desired(
            (Listener(80, "http", (Route("", "/tls", "tls"), Route("", "/h2", "h2", strip_prefix=True))),),
            (
                Pool("tls", protocol="https", servers=(server("tls1", tls, 443),)),
                Pool("h2", protocol="h2c", servers=servers),
            ),
        )
    )
    for _ in range(2):
        assert box.get("/tls/x", headers={"Host": "a.b"})[2] == "HTTP/1.1 GET a.b /tls/x "
        if refused:
            assert box.get("/h2/x")[0] == 503
            continue
        status, headers, body = box.get("/h2/x?y=1", headers={"Host": "a.b", **CHECK})
        assert (status, headers[NAMED], body) == (200, "h21", "HTTP/2.0 GET a.b /x?y=1 ")


@newest
async def test_sticky(box: Box, network: str, run_container: RunContainer) -> None:
    """A client that shows its cookie meets its server again, also after a reload; one without is balanced."""
    servers = [server(n, start_nginx(run_container, network, "return 200 x;")) for n in ("web1", "web2", "web3")]

    listeners = (Listener(80, "http", (Route("", "/", "web"),)),)
    await box.load(Desired(listeners, (Pool("web", sticky="SRV", servers=tuple(servers)),)))
    _, headers, _ = box.get(headers=CHECK)
    cookie = headers["set-cookie"].partition(";")[0]
    assert cookie.startswith("SRV=")
    assert {box.get(headers=CHECK)[1][NAMED] for _ in range(6)} == {"web1", "web2", "web3"}
    servers.append(server("web4", "172.31.255.254", backup=True))
    await box.load(Desired(listeners, (Pool("web", sticky="SRV", servers=tuple(servers)),)))
    assert {box.get(headers={"Cookie": cookie, **CHECK})[1][NAMED] for _ in range(6)} == {headers[NAMED]}


async def test_size(box: Box) -> None:
    """A thousand hosts with long names and a pool of a thousand servers load without a word of warning."""
    hosts = tuple(Route(f"{'h' * 60}.{n:04}.{'x' * 60}.{'y' * 60}.example.com", "/", "web") for n in range(1000))
    many = tuple(
        server(f"{'n' * 50}-{n:04}", f"10.{n // 250}.{n % 250}.1", 8080, weight=256, maxconn=1000) for n in range(1000)
    )
    before = await box.access.logs(10_000)
    files = await box.load(world(*many, routes=hosts))
    running = await box.engine.running()
    assert running is not None
    assert running.revision == files.revision
    if box.kind == "nginx":
        assert "warn" not in (await box.access.logs(10_000)).removeprefix(before)
    ran = await box.access.run((*CHECKS[box.kind], f"{layout.CURRENT}/{CONFIG_NAMES[box.kind]}"))
    assert (ran.code, ran.output) == (0, "")


@pytest.mark.parametrize("balance", ["roundrobin", "leastconn", "source", "uri", "random"])
@newest
async def test_balance(box: Box, balance: str, network: str, run_container: RunContainer) -> None:
    """Each method serves, with its own idea of who: everyone in turn, or the same server for the same key."""
    servers = tuple(server(n, start_nginx(run_container, network, "return 200 x;")) for n in ("web1", "web2"))
    await box.load(
        Desired(
            (Listener(80, "http", (Route("", "/", "web"),)),),
            (Pool("web", balance=balance, servers=servers),),  # type: ignore[arg-type]
        )
    )
    same = {box.get("/same", headers=CHECK)[1][NAMED] for _ in range(20)}
    other = {box.get(f"/{n}", headers=CHECK)[1][NAMED] for n in range(20)}
    assert len(same) == (1 if balance in {"source", "uri"} else 2)
    assert len(other) == (1 if balance == "source" else 2)


@both
def test_the_images_are_there(kind: EngineKind, docker_client: docker.DockerClient) -> None:
    """`make setup` has provided every version that these tests are about."""
    tags = {t for image in docker_client.images.list(f"proxyctl/{kind}") for t in image.tags}
    assert {f"proxyctl/{kind}:{v}" for v in VERSIONS[kind]} <= tags


async def test_only_idempotent_requests_are_sent_twice(box: Box, network: str, run_container: RunContainer) -> None:
    """A server that ends the connection without an answer may have done its work: a GET goes on, a POST fails.

    What never reached a server goes on for every method.
    """
    alive = server("alive", start_nginx(run_container, network, "return 200 x;"))
    rude = server("rude", start_nginx(run_container, network, "return 444;"), weight=100)
    await box.load(world(rude, alive))
    assert box.get(method="POST")[0] == 502
    await box.load(world(dataclasses.replace(rude, weight=200), alive))  # anew: nginx leaves out who failed just now
    assert box.get(method="GET")[0] == 200
    refused = server("refused", alive.address, 81, weight=100)
    await box.load(world(refused, alive))
    assert {box.get(method="POST")[0] for _ in range(4)} == {200}
