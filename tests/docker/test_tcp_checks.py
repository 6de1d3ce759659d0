"""Health checks of a `protocol=tcp` pool: a connect, by HAProxy itself, and for nginx by `watch`."""

from __future__ import annotations

import pytest

from tests.docker.watching import Watch, eventually

pytestmark = pytest.mark.docker

LISTEN = "python3 -m http.server 9000"
END = """
import os, signal
for pid in filter(str.isdecimal, os.listdir("/proc")):
    if b"http.server" in open(f"/proc/{pid}/cmdline", "rb").read() and int(pid) not in {1, os.getpid()}:
        os.kill(int(pid), signal.SIGKILL)
"""


def test_a_tcp_server_is_as_well_as_its_port(running: Watch) -> None:
    """It joins when its check's port takes a connection, and is out while that does not; the other one serves on."""
    keys = {"interval": "100ms", "fall": "2", "port": "9000"}
    labels = {"pool": "db", "protocol": "tcp", "listen": "5432"} | {f"health.{k}": v for k, v in keys.items()}
    for name in ("db1", "db2"):
        start = f"{LISTEN} & exec proxyctl echo" if name == "db1" else "exec proxyctl echo"
        running.run(name, labels=labels, entrypoint=["sh", "-c", start])
    eventually(lambda: running.servers("db").get("db1") == "up", "the one whose check passes")
    eventually(lambda: running.servers("db").get("db2") in {"starting", "down"}, "the other one, which waits")
    assert {running.get(port=5432).status for _ in range(4)} == {200}
    running.container("db2").exec_run(["sh", "-c", LISTEN], detach=True)
    running.until("db", db1="up", db2="up")
    eventually(lambda: running.problems() == [], "the end of all problems")
    running.container("db2").exec_run(["python3", "-c", END])
    running.until("db", db1="up", db2="down")
    (problem,) = eventually(lambda: [p for p in running.problems() if p["code"] == "P206"], "the problem")
    assert problem["container"] == f"{running.network}-db2"
    assert {running.get(port=5432).status for _ in range(4)} == {200}
