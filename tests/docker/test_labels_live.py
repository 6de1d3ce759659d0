"""Each label of LABELS.md through a real `proxyctl watch`, on both engines.

One world for each engine: all containers are started once, and every test looks at hosts of its own in it.
Those that stop, pause or fail something do so only to their own containers.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import functools
import http.client
import json
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import docker
import pytest

from tests.docker.conftest import fresh_network
from tests.docker.watching import BACKEND, LABEL, Answer, Watch, eventually, freeze, watching

pytestmark = pytest.mark.docker

NGINX = "proxyctl/nginx:latest"

# An nginx that shows how it was reached, on three ports in plain HTTP, TLS and cleartext HTTP/2.
SHOWS = 'location / { return 200 "$server_port $server_protocol $scheme $request_uri"; }'
UP = "location = /up { if (-e /tmp/down) { return 500; } return 204; }"
SPEAKS_ALL = f"""
umask 077; printf %s "$CERTIFICATE" >/tmp/crt; printf %s "$KEY" >/tmp/key; cat >/tmp/conf <<'END'
daemon off; error_log stderr; events {{}}
http {{
    access_log off;
    server {{ listen 9000; {SHOWS} {UP} }}
    server {{ listen 9001; {SHOWS} {UP} }}
    server {{ listen 443 ssl; ssl_certificate /tmp/crt; ssl_certificate_key /tmp/key; {SHOWS} {UP} }}
    server {{ listen 82; http2 on; {SHOWS} {UP} }}
}}
END
exec nginx -c /tmp/conf"""

# Says its name to everyone who connects, then repeats what it hears.
TCP_ECHO = """
import socket, socketserver
class Echo(socketserver.StreamRequestHandler):
    def handle(self):
        self.wfile.write(socket.gethostname().encode() + b"\\n")
        for line in self.rfile:
            self.wfile.write(line)
socketserver.ThreadingTCPServer.allow_reuse_address = True
socketserver.ThreadingTCPServer(("", 7000), Echo).serve_forever()
"""

# Takes an upgrade at any path, says which path it was, then repeats what it hears.
UPGRADES = """
import socketserver
class Chat(socketserver.StreamRequestHandler):
    def handle(self):
        path = self.rfile.readline().split()[1]
        while self.rfile.readline().strip():
            pass
        self.wfile.write(b"HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n")
        self.wfile.write(b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\\r\\n\\r\\n" + path + b"\\n")
        for line in self.rfile:
            self.wfile.write(line)
socketserver.ThreadingTCPServer.allow_reuse_address = True
socketserver.ThreadingTCPServer(("", 7000), Chat).serve_forever()
"""

BALANCES = ("leastconn", "source", "uri", "random")

HUNG = "slow.hung"
"""The pool whose check never comes back in time."""

Labels = Mapping[str, str]


def route(name: str, **labels: str) -> dict[str, str]:
    """Return the labels of a further route."""
    return {f"route.{name}.{key.replace('__', '.')}": value for key, value in labels.items()}


def balanced(enable: str) -> dict[str, str]:
    """Return the labels of a container that is in one pool for each way to balance, and in a sticky one."""
    labels = {"enable": enable, "pool": "even", "host": "even.test"} | route("sticky", host="sticky.test", sticky="SRV")
    for balance in BALANCES:
        labels |= route(balance, host=f"{balance}.test", balance=balance)
    return labels


CHECK = {"health.path": "/healthz", "health.interval": "100ms", "health.rise": "2", "health.fall": "2"}

# By name: labels (of an echo container, unless FURTHER says otherwise). `network` is added where it is wanted.
CONTAINERS: dict[str, Labels] = {
    "share1": {"enable": "true", "pool": "share", "host": "share.test", "weight": "3"},
    "share2": {"enable": "1", "pool": "share", "host": "share.test"},
    "share3": {"enable": "yes", "pool": "share", "host": "share.test", "weight": "0"},
    "share4": {"enable": "on", "pool": "share", "host": "share.test", "backup": "true"},
    "off1": {"enable": "false", "pool": "share", "host": "share.test"},
    "off2": {"enable": "0", "pool": "share", "host": "share.test"},
    "off3": {"enable": "no", "pool": "share", "host": "share.test"},
    "off4": {"enable": "off", "pool": "share", "host": "share.test"},
    "even1": balanced("TRUE"),
    "even2": balanced("Yes"),
    "even3": balanced("ON"),
    "hosts": {"host": "one.test, TWO.test *.wild.test"} | route("extra", host="extra.test", listen="8081"),
    "exact": {"host": "x.wild.test"},
    "root": {"host": "paths.test"} | route("only", host="only.test", path="/only"),
    "api": {"host": "paths.test", "path": "/api"},
    "deep": {"host": "paths.test", "path": "/api/v1", "strip_prefix": "true"},
    "queue": {"host": "queue.test", "maxconn": "1"}
    | route("short", host="short.test", maxconn="1", timeout__queue="300ms"),
    "sick1": {"pool": "sick", "host": "sick.test", **CHECK}
    | route("teapot", host="teapot.test", health__path="/status/404", health__status="404,2xx"),
    "sick2": {"pool": "sick", "host": "sick.test", **CHECK},
    "slow1": {"pool": "slow", "host": "slow.test", "timeout.server": "500ms", "timeout.connect": "200ms"}
    | route("hung", host="hung.test", health__path="/delay/5", health__interval="100ms", health__timeout="200ms"),
    "slow2": {"pool": "slow", "host": "slow.test", "timeout.server": "500ms", "timeout.connect": "200ms"},
    "deaf": {"pool": "deaf", "host": "deaf.test", "timeout.connect": "300ms"},
    "heard": {"pool": "deaf", "host": "deaf.test", "timeout.connect": "300ms"},
    "leaves": {"pool": "drain", "host": "drain.test", "drain": "20s"},
    "stays": {"pool": "drain", "host": "drain.test", "drain": "20s"},
    **{f"once{n}": {"pool": "once", "host": "once.test"} for n in (1, 2)},
    **{f"again{n}": {"pool": "again", "host": "again.test", "retry.unsafe": "true"} for n in (1, 2)},
    "speaks": {"host": "plain.test", "port": "9000"}
    | route("tls", host="tls.test", protocol="https", port="443", health__path="/up", health__interval="100ms")
    | route("h2", host="h2c.test", protocol="h2c", port="82")
    | route("admin", path="/admin", port="9001", health__path="/up", health__port="9000")
    | route("alias", host="alias.test"),
    "chat": {"port": "7000", "host": "chat.test", "timeout.server": "300ms", "timeout.tunnel": "3s"}
    | route("room", host="chat.test", path="/room", strip_prefix="true"),
    "raw": {"protocol": "tcp", "port": "7000", "listen": "7000"},
    "both": {"host": "network.test"},
    "astray": {"host": "network.test"},
}

FURTHER: dict[str, dict[str, Any]] = {
    "speaks": {"image": NGINX, "entrypoint": ["sh", "-c", SPEAKS_ALL]},
    "chat": {"entrypoint": ["python3", "-c", UPGRADES]},
    "raw": {"entrypoint": ["python3", "-c", TCP_ECHO]},
    "leaves": {"environment": {"ECHO_ON_TERM": "ignore"}},
}


def self_signed(folder: Path) -> dict[str, str]:
    """Make a certificate that nobody trusts; return it and its key as an environment."""
    key, certificate = folder / "key", folder / "crt"
    made = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "1",
        "-subj",
        "/CN=nobody",
    ]
    subprocess.run([*made, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    return {"CERTIFICATE": certificate.read_text(), "KEY": key.read_text()}


@pytest.fixture(scope="module", params=["haproxy", "nginx"])
def live(
    request: pytest.FixtureRequest, docker_client: docker.DockerClient, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Watch]:
    """A watch with all containers up."""
    folder = tmp_path_factory.mktemp(request.param)
    with (
        fresh_network() as network,
        fresh_network() as other,
        watching(docker_client, network, request.param, folder / "state") as watch,
    ):
        _start_all(watch, other, self_signed(folder))
        watch.start()
        _until_all_up(watch)
        yield watch


def _start_all(watch: Watch, other: str, tls: Mapping[str, str]) -> None:
    def start(name: str) -> None:
        more: dict[str, Any] = {**FURTHER.get(name, {})}
        labels = dict(CONTAINERS[name])
        if name == "speaks":
            more["environment"] = dict(tls)
        if name in {"both", "astray"}:
            more["network"] = other
            labels["network"] = watch.network if name == "both" else other
        made = watch.run(name, labels=labels, **more)
        if name in {"both", "astray"}:
            watch.client.networks.get(watch.network).connect(made)

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(start, CONTAINERS))


def _until_all_up(watch: Watch) -> None:
    expected = {n for n in CONTAINERS if not n.startswith("off") and n != "astray"}

    def settled() -> bool:
        pools = (watch.status() or {"pools": []})["pools"]
        states = [s["state"] for p in pools if p["name"] != HUNG for s in p["servers"]]
        return watch.servers().keys() == expected and set(states) == {"up"}

    try:
        eventually(settled, "all containers up")
    except AssertionError as exc:
        raise AssertionError(f"{exc}: {watch.status()}") from exc


def served(watch: Watch, requests: int, host: str, path: str = "/", **kwargs: Any) -> list[str]:
    """Ask so many times, one after the other; return who answered, in order."""
    return [next(iter(watch.served_by(1, path, host=host, **kwargs))) for _ in range(requests)]


def timed(watch: Watch, path: str, host: str, **kwargs: Any) -> tuple[int, float]:
    """Ask once; return the status and the seconds it took."""
    start = time.monotonic()
    return watch.get(path, host=host, **kwargs).status, time.monotonic() - start


@contextlib.contextmanager
def occupied(watch: Watch, host: str) -> Iterator[str]:
    """Keep one request running; give the name of the server that answers it."""
    connection = http.client.HTTPConnection(watch.address, timeout=10)
    token = (watch.state / "check.token").read_text().strip()
    connection.request("GET", "/stream/30", headers={"Host": host, "X-Proxyctl-Check": token})
    answer = connection.getresponse()
    try:
        yield answer.headers["X-Proxyctl-Server"].removeprefix(f"{watch.network}-")
    finally:
        answer.close()
        connection.close()


def told(watch: Watch, name: str) -> list[tuple[str, str]]:
    """Return label and severity of each problem of one container."""
    return [(p["label"], p["severity"]) for p in watch.problems() if p["container"] == f"{watch.network}-{name}"]


def address(watch: Watch, name: str) -> str:
    """Return where a container is on the watched network."""
    return str(watch.container(name).attrs["NetworkSettings"]["Networks"][watch.network]["IPAddress"])


def pool(watch: Watch, name: str) -> Any:
    """Return one pool as status shows it."""
    return next(p for p in (watch.status() or {})["pools"] if p["name"] == name)


# ------------------------------------------------------------------ the container


def test_enable_pool_weight(live: Watch) -> None:
    """All spellings of true take part, none of false; the pool is shared 3 : 1, weight 0 and backup get nothing."""
    assert live.servers("share") == dict.fromkeys(["share1", "share2", "share3", "share4"], "up")
    assert live.served_by(40, host="share.test") == {"share1": 30, "share2": 10}


def test_a_pool_of_its_own(live: Watch) -> None:
    """Without a pool label the container's name is the pool's."""
    assert live.servers(f"{live.network}-exact") == {"exact": "up"}


def test_a_container_that_nobody_named(live: Watch) -> None:
    """One that was started without --name joins too, although Docker's DNS need not know its generated name."""
    labels = {LABEL: "1", "proxyctl.enable": "1", "proxyctl.pool": "anonymous", "proxyctl.host": "anonymous.test"}
    made = live.client.containers.run(BACKEND, detach=True, network=live.network, labels=labels)
    try:
        eventually(lambda: live.servers("anonymous") == {made.name: "up"}, "it to join")
        assert live.served_by(2, host="anonymous.test") == {made.name: 2}
    finally:
        made.remove(force=True)


def test_network(live: Watch) -> None:
    """The attachment that `network` names is used; a network that no gateway serves is a problem."""
    assert live.served_by(4, host="network.test") == {"both": 4}
    (server,) = pool(live, f"{live.network}-both")["servers"]
    assert server["address"] == f"{address(live, 'both')}:8080"
    assert told(live, "astray") == [("proxyctl.network", "error")]


def test_port_and_protocol(live: Watch) -> None:
    """A port that nobody exposed, TLS with a certificate that nobody signed, HTTP/2 without TLS, a second port."""
    seen = {host: live.get("/x", host=f"{host}.test").text for host in ("plain", "tls", "h2c", "alias")}
    assert seen == {
        "plain": "9000 HTTP/1.1 http /x",
        "tls": "443 HTTP/1.1 https /x",
        "h2c": "82 HTTP/2.0 http /x",
        "alias": "9000 HTTP/1.1 http /x",
    }


def test_a_route_with_a_port_and_a_path_of_its_own(live: Watch) -> None:
    """The further route takes the host from the container and sends its path to its own port."""
    assert live.get("/admin/x", host="plain.test").text == "9001 HTTP/1.1 http /admin/x"
    assert live.get("/adminx", host="plain.test").text == "9000 HTTP/1.1 http /adminx"


def test_tcp(live: Watch) -> None:
    """A port with protocol=tcp carries bytes both ways, the server may speak first, and each side can end it."""
    with socket.create_connection((live.address, 7000), timeout=5) as sock, sock.makefile("rwb") as stream:
        assert live.container("raw").id.startswith(stream.readline().decode().strip())
        stream.write(b"\x00\xff hello\n")
        stream.flush()
        assert stream.readline() == b"\x00\xff hello\n"
        sock.shutdown(socket.SHUT_WR)
        assert stream.read() == b""


# ------------------------------------------------------------------ routes


@pytest.mark.parametrize(
    ("host", "server"),
    [
        ("one.test", "hosts"),
        ("TWO.TEST", "hosts"),
        ("two.test:8080", "hosts"),
        ("a.wild.test", "hosts"),
        ("a.b.WILD.test:80", "hosts"),
        ("x.wild.test", "exact"),
        ("wild.test", "http 404"),
        ("three.test", "http 404"),
        ("extra.test", "http 404"),
    ],
)
def test_host(live: Watch, host: str, server: str) -> None:
    """Several names, wildcards, any case, with or without a port; an exact name beats a wildcard; else 404."""
    assert live.served_by(2, host=host) == {server: 2}


def test_listen(live: Watch) -> None:
    """A route on another port of the gateway is there and nowhere else."""
    assert live.served_by(2, host="extra.test", port=8081) == {"hosts": 2}
    assert live.get(host="one.test", port=8081).status == 404


@pytest.mark.parametrize(
    ("host", "path", "server", "received"),
    [
        ("paths.test", "/", "root", "/"),
        ("paths.test", "/apix", "root", "/apix"),
        ("paths.test", "/api", "api", "/api"),
        ("paths.test", "/api/", "api", "/api/"),
        ("paths.test", "/api/v10?q=1", "api", "/api/v10"),
        ("paths.test", "/api/v1", "deep", "/"),
        ("paths.test", "/api/v1/", "deep", "/"),
        ("paths.test", "/api/v1/a%2Fb/c", "deep", "/a%2Fb/c"),
        ("only.test", "/only/x", "root", "/only/x"),
        ("only.test", "/onlyx", "", ""),
        ("only.test", "/", "", ""),
    ],
)
def test_path_and_strip_prefix(live: Watch, host: str, path: str, server: str, received: str) -> None:
    """Prefixes match whole segments, the longest wins, strip_prefix removes it, and outside of all is 404."""
    assert live.served_by(1, path, host=host) == {server or "http 404": 1}
    if server:
        assert live.get(path, host=host).json["path"] == received


# ------------------------------------------------------------------ balance


def test_roundrobin(live: Watch) -> None:
    """The default takes turns: every server in each round of three.

    One round may be cut by a reload, which starts the turns anew. What other tests leave behind can make more of them,
    so the turns are watched again, until they were not disturbed.
    """

    def takes_turns() -> bool:
        order = served(live, 30, "even.test")
        return sum(len(set(order[i : i + 3])) != 3 for i in range(0, 30, 3)) <= 1

    eventually(takes_turns, "thirty requests in turns")


def test_source(live: Watch) -> None:
    """One client always meets the same server, and different clients meet different ones."""
    assert len(set(served(live, 12, "source.test"))) == 1
    ask = ["wget", "-q", "-O", "-", "--header", "Host: source.test", f"http://{live.address}/"]
    clients = [n for n in CONTAINERS if n.startswith(("off", "even", "sick", "slow", "hosts", "root", "api", "queue"))]

    def answer(client: str) -> Any:
        ran = live.container(client).exec_run(ask)
        assert ran.exit_code == 0, (client, ran.output)
        return ran.output  # on a busy machine Docker loses what a short command wrote: it is asked again

    answers = [eventually(functools.partial(answer, client), f"an answer to {client}") for client in clients]
    assert len({json.loads(a)["server"] for a in answers}) > 1


def test_uri(live: Watch) -> None:
    """One path always meets the same server, and the paths are spread over all."""
    first = {n: served(live, 1, "uri.test", f"/page/{n}")[0] for n in range(60)}
    assert set(first.values()) == {"even1", "even2", "even3"}
    assert {n: served(live, 1, "uri.test", f"/page/{n}")[0] for n in range(0, 60, 4)} == {
        n: first[n] for n in range(0, 60, 4)
    }


def test_random(live: Watch) -> None:
    """Everybody gets some, and nobody takes turns."""
    order = served(live, 60, "random.test")
    assert set(order) == {"even1", "even2", "even3"}
    assert any(len(set(order[i : i + 3])) < 3 for i in range(0, 60, 3))


def test_leastconn(live: Watch) -> None:
    """A server that is busy gets nothing new while others are free."""
    with occupied(live, "leastconn.test") as busy:
        idle = {"even1", "even2", "even3"} - {busy}
        assert set(served(live, 12, "leastconn.test")) == idle


def test_sticky(live: Watch) -> None:
    """The cookie brings a client back to its server; clients without one are spread, and so are forged ones."""
    answer = live.get(host="sticky.test")
    cookie = answer.headers["Set-Cookie"].partition(";")[0]
    assert cookie.startswith("SRV=")
    mine = answer.json["server"]
    assert {live.get(host="sticky.test", Cookie=cookie).json["server"] for _ in range(9)} == {mine}
    assert set(served(live, 9, "sticky.test")) == {"even1", "even2", "even3"}
    assert len(set(served(live, 9, "sticky.test", Cookie="SRV=forged"))) > 1


# ------------------------------------------------------------------ limits and times


def test_maxconn(live: Watch) -> None:
    """HAProxy queues what is over maxconn; nginx has no queue, refuses it, and a warning says so beforehand."""
    with concurrent.futures.ThreadPoolExecutor(3) as threads:
        start = time.monotonic()
        asked = [threads.submit(timed, live, "/delay/0.3", "queue.test") for _ in range(3)]
        statuses = sorted(a.result()[0] for a in asked)
    if live.engine == "haproxy":
        assert statuses == [200, 200, 200]
        assert time.monotonic() - start > 0.85
        assert told(live, "queue") == []
    else:
        assert statuses == [200, 502, 502]
        warned = ["proxyctl.maxconn", "proxyctl.route.short.maxconn", "proxyctl.route.short.timeout.queue"]
        assert told(live, "queue") == [(label, "warning") for label in warned]


@pytest.mark.parametrize(("asked", "reached"), [("/room/7?a=%2F", b"/7?a=%2F"), ("/room", b"/"), ("/x", b"/x")])
def test_timeout_tunnel(live: Watch, asked: str, reached: bytes) -> None:
    """An upgraded connection is silent for longer than timeout.server, then ends; its path is that of any request.

    Takes 4 s: the silences are what is tested.
    """
    head = f"GET {asked} HTTP/1.1\r\nHost: chat.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    head += "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"  # RFC 6455, 1.3
    with socket.create_connection((live.address, 80), timeout=20) as sock, sock.makefile("rwb") as stream:
        stream.write(head.encode())
        stream.flush()
        assert stream.readline().split()[1] == b"101"
        while stream.readline().strip():
            pass
        assert stream.readline().strip() == reached
        time.sleep(1.0)
        stream.write(b"still there\n")
        stream.flush()
        assert stream.readline() == b"still there\n"
        silent = time.monotonic()
        assert stream.read() == b""
        assert time.monotonic() - silent > 2.5


def test_timeout_queue(live: Watch) -> None:
    """What waited for so long in the queue gets a 503; on nginx, which has none, a 502 at once."""
    with occupied(live, "short.test"):
        status, seconds = timed(live, "/", "short.test")
    if live.engine == "haproxy":
        assert status == 503
        assert 0.25 < seconds < 0.8
    else:
        assert status == 502
        assert seconds < 0.25


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_timeout_server(live: Watch, method: str) -> None:
    """A server that is silent for so long costs its client a 504 in about that time; no other is asked after it."""
    status, seconds = timed(live, "/delay/5", "slow.test", method=method)
    assert status == 504
    assert 0.45 < seconds < 1.0


@pytest.mark.parametrize(("name", "status"), [("once", 502), ("again", 200)])
def test_retry_unsafe(live: Watch, name: str, status: int) -> None:
    """A POST whose server dies in the middle gets an error and ran once; with the label another server answers it."""
    both = {f"{name}1", f"{name}2"}
    with concurrent.futures.ThreadPoolExecutor(1) as threads:
        running = threads.submit(live.get, "/delay/0.5", host=f"{name}.test", method="POST")
        dies = eventually(lambda: next((n for n in both if _busy(live, n)), None), "the request at a server")
        live.container(dies).kill()
        answer = running.result()
    (other,) = both - {dies}
    with urllib.request.urlopen(f"http://{address(live, other)}:8080/", timeout=5) as direct:
        others = json.load(direct)["requests"] - 1  # without this one
    assert (answer.status, others) == (status, 1 if status == 200 else 0)


def test_timeout_connect(live: Watch) -> None:
    """Where one server takes no connections, another answers after about that time."""
    pid = live.container("deaf").attrs["State"]["Pid"]
    inside = ["nsenter", f"--target={pid}", "--net", "--", "iptables", "-I", "INPUT", "-p", "tcp", "-j", "DROP"]
    subprocess.run(inside, check=True, capture_output=True)
    results = [timed(live, "/", "deaf.test") for _ in range(4)]
    assert {status for status, _ in results} == {200}
    assert 0.25 < max(seconds for _, seconds in results) < 0.9


# ------------------------------------------------------------------ health and drain


def test_health(live: Watch) -> None:
    """Who fails its check is down and gets nothing; who passes again comes back."""
    url = f"http://{address(live, 'sick1')}:8080/healthz"
    live.post(f"{url}/down")
    live.until("sick", sick1="down", sick2="up")
    assert live.served_by(10, host="sick.test") == {"sick2": 10}
    live.post(f"{url}/up")
    live.until("sick", sick1="up", sick2="up")
    assert live.served_by(10, host="sick.test") == {"sick1": 5, "sick2": 5}


def test_nobody_joins_before_the_check_passed(live: Watch) -> None:
    """A new container with a check gets no request before it has passed once."""
    live.run("late", labels={"pool": "sick", "host": "sick.test", **CHECK}, environment={"ECHO_UNHEALTHY": "1"})
    eventually(lambda: live.servers("sick").get("late") in {"starting", "down"}, "the new one known")
    where = address(live, "late")
    eventually(lambda: _accepts(where, 8080), "its port open")
    assert set(served(live, 30, "sick.test")) == {"sick1", "sick2"}
    live.post(f"http://{where}:8080/healthz/up")
    live.until("sick", sick1="up", sick2="up", late="up")
    assert set(served(live, 12, "sick.test")) == {"sick1", "sick2", "late"}


def _accepts(host: str, port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((host, port), timeout=1):
        return True
    return False


def test_health_status_and_port(live: Watch) -> None:
    """What counts as well can be another status, and the check may go to another port."""
    assert live.get(host="teapot.test").status == 200
    assert live.servers(f"{live.network}-speaks.admin") == {"speaks": "up"}


def test_health_timeout(live: Watch) -> None:
    """A check that is answered too late has failed: its server has never been up."""
    assert live.servers(HUNG)["slow1"] in {"starting", "down"}
    assert live.get(host="hung.test").status == 503


def test_health_by_tls(live: Watch) -> None:
    """A server of protocol=https is checked by TLS, on both engines: it goes when it fails and comes back."""
    name = f"{live.network}-speaks.tls"
    live.container("speaks").exec_run(["touch", "/tmp/down"])
    live.until(name, speaks="down")
    assert live.get(host="tls.test").status == 503
    assert live.get(host="plain.test").status == 200
    live.container("speaks").exec_run(["rm", "/tmp/down"])
    live.until(name, speaks="up")
    assert live.get(host="tls.test").status == 200


def test_drain(live: Watch) -> None:
    """A container that is being stopped finishes what it has, and gets nothing new, for as long as that takes."""
    with concurrent.futures.ThreadPoolExecutor(2) as threads:
        running = [threads.submit(live.get, "/delay/1.5", host="drain.test") for _ in range(2)]
        eventually(lambda: _busy(live, "leaves"), "a request at the one that leaves")
        live.container("leaves").kill("SIGTERM")
        live.until("drain", leaves="draining", stays="up")
        assert live.served_by(10, host="drain.test") == {"stays": 10}
        answers: list[Answer] = [r.result() for r in running]
    assert [a.status for a in answers] == [200, 200]
    assert len({a.json["server"] for a in answers}) == 2
    live.container("leaves").kill()
    live.until("drain", stays="up")


def _busy(watch: Watch, name: str) -> bool:
    """Whether somebody has a connection to the container's port 8080."""
    # read from outside: a process inside, on a busy machine, comes when the connection has ended
    rows = watch.sockets(watch.container(name))
    return any(local.endswith(":1F90") and state == "01" for _, local, _, state, *_ in rows)


# ------------------------------------------------------------------ who decides


def test_backup(live: Watch) -> None:
    """The backup serves while nobody else can, and only then; weight 0 does not count as somebody."""
    live.container("share1").stop(timeout=2)
    freeze(live.container("share2"))
    live.until("share", share2="draining", share3="up", share4="up")
    assert live.served_by(6, host="share.test") == {"share4": 6}
    live.container("share2").unpause()
    live.until("share", share2="up", share3="up", share4="up")
    assert live.served_by(6, host="share.test") == {"share2": 6}


def test_replicas_that_disagree(live: Watch) -> None:
    """The newest decides for the pool, and the others get a warning that names label and values."""
    common = {"pool": "quarrel", "host": "quarrel.test"}
    live.run("quarrel1", labels={**common, "balance": "uri"})
    live.until("quarrel", quarrel1="up")
    live.run("quarrel2", labels={**common, "balance": "leastconn"})
    live.until("quarrel", quarrel1="up", quarrel2="up")
    eventually(lambda: told(live, "quarrel1"), "the warning")  # a pass publishes what is wrong at its end
    assert told(live, "quarrel1") == [("proxyctl.balance", "warning")]
    assert pool(live, "quarrel")["balance"] == "leastconn"
    (problem,) = [p for p in live.problems() if p["container"].endswith("quarrel1")]
    assert "uri here, leastconn at" in problem["reason"]
    both = {"quarrel1", "quarrel2"}
    eventually(lambda: set(served(live, 8, "quarrel.test", "/same")) == both, "the newest's balance")


def test_two_pools_that_want_one_route(live: Watch) -> None:
    """Who has a route keeps it; the other gets a problem that names the keeper, until the route is free."""
    live.run("keeper", labels={"host": "claim.test"})
    eventually(lambda: live.servers().get("keeper") == "up", "the first up")
    live.run("claimer", labels={"host": "claim.test"})
    eventually(lambda: told(live, "claimer"), "a problem")
    assert told(live, "claimer") == [("proxyctl.host", "error")]
    assert f"pool {live.network}-keeper keeps claim.test/" in str(live.problems())
    assert live.served_by(6, host="claim.test") == {"keeper": 6}
    live.container("keeper").remove(force=True)
    eventually(lambda: live.served_by(2, host="claim.test") == {"claimer": 2}, "the other in its place")
    eventually(lambda: not told(live, "claimer"), "the end of the problem")
