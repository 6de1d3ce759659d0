"""`proxyctl maintenance`: a 503 page for one pool, with its health path open, on both engines."""

from __future__ import annotations

import socket

import pytest

from tests.docker.watching import Watch, eventually

pytestmark = pytest.mark.docker

CHECKED = {"health.path": "/healthz", "health.interval": "200ms", "health.rise": "1"}


def state(watch: Watch, server: str) -> str:
    """Return the state of one server."""
    return watch.servers().get(server, "gone")


def test_maintenance_closes_a_pool_but_its_health_path_and_survives_a_restart(watch: Watch) -> None:
    """503 with Retry-After and the word, on every route of the pool; others serve; `off` opens it again.

    Takes 6 s: `watch` starts twice.
    """
    watch.start()
    watch.run("web1", labels={"pool": "web", **CHECKED})
    watch.run("api1", labels={"pool": "api", "path": "/api", "strip_prefix": "1", **CHECKED})
    watch.run("plain1", labels={"pool": "plain", "path": "/plain", "strip_prefix": "1"})
    watch.until(web1="up", api1="up", plain1="up")

    def seen() -> list[int]:
        paths = ("/", "/x", "/healthz", "/api", "/api/x", "/api/healthz", "/plain/x")
        return [watch.get(path).status for path in paths]

    assert seen() == [200] * 7
    on = watch.ctl("maintenance", "api", "on")
    assert (on.returncode, on.stdout) == (0, "pool api is in maintenance: its routes answer 503\n")
    # the answer to the verb is the proof: nothing is waited for here
    assert seen() == [200, 200, 200, 503, 503, 200, 200]
    page = watch.get("/api/x")
    assert (page.headers["Retry-After"], page.text) == ("60", "proxyctl: pool api is in maintenance\n")
    assert (state(watch, "api1"), state(watch, "web1")) == ("maintenance", "up")
    assert watch.ctl("maintenance", "plain", "on").returncode == 0
    assert seen() == [200, 200, 200, 503, 503, 200, 503]
    watch.stop()
    # from here on a reload that waits for the spacing would not come within this test
    (watch.state.parent / "proxyctl.toml").write_text('reload_spacing = "60s"\n')
    watch.start()
    eventually(lambda: state(watch, "api1") == "maintenance", "api1 in maintenance after a restart")
    assert seen() == [200, 200, 200, 503, 503, 200, 503]
    told = watch.ctl("explain", f"http://{watch.address}/api/x", "--engine", watch.engine)
    assert "maintenance: the gateway answers 503, except for /api/healthz" in told.stdout
    for pool in ("api", "plain"):
        assert watch.ctl("maintenance", pool, "off").returncode == 0
    assert seen() == [200] * 7
    assert (state(watch, "api1"), watch.problems()) == ("up", [])


def test_maintenance_ends_with_the_pool_and_knows_its_pools(running: Watch) -> None:
    """An unknown pool is one line with those that exist; a pool that went and came back is open."""
    running.run("web1", labels={"pool": "web"})
    running.until(web1="up")
    wrong = running.ctl("maintenance", "wbe", "on")
    assert (wrong.returncode, wrong.stderr) == (1, "proxyctl: no pool is named wbe; known are web\n")
    assert running.ctl("maintenance", "web", "on", "--json").stdout == '{"pool": "web", "maintenance": true}\n'
    running.container("web1").remove(force=True)
    eventually(lambda: running.get().status == 404, "the route to go with its pool")
    running.run("web1", labels={"pool": "web"})
    running.until(web1="up")
    assert running.get().status == 200


def test_a_tcp_pool_in_maintenance_closes_connections(running: Watch) -> None:
    """There is no page to show: a new connection ends at once, without a byte."""
    running.run("db1", labels={"pool": "db", "protocol": "tcp", "listen": "5432"})
    running.until(db1="up")

    def asked() -> bytes:
        with socket.create_connection((running.address, 5432), 5) as connection:
            try:
                connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
                return connection.recv(12)
            except ConnectionError:
                return b""

    assert asked() == b"HTTP/1.0 200"
    assert running.ctl("maintenance", "db", "on").returncode == 0
    assert asked() == b""
    assert running.ctl("maintenance", "db", "off").returncode == 0
    assert asked() == b"HTTP/1.0 200"
