"""What a new container of a rollout has of the old one, by `docker inspect`.

A rollout asks Docker and `watch`, and knows no engine, so one engine shows it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import docker
import docker.errors
import pytest

from tests.docker.rolling import MakeImage, names, one_engine
from tests.docker.watching import BACKEND, LABEL, Watch, eventually

pytestmark = pytest.mark.docker


@pytest.fixture
def watch(running: Watch) -> Watch:
    """The one that all tests here share."""
    return running


@one_engine
def test_all_that_a_container_was_made_with_is_there_again(watch: Watch, make_image: MakeImage, tmp_path: Path) -> None:
    """Whatever `docker inspect` shows of it, but its name and address; twice over, as successors have successors."""
    (tmp_path / "secret").write_text("s")
    wishes: dict[str, Any] = {
        "command": ["--linger", "0.1"],
        "environment": {"ECHO_NAME": "mine"},
        "hostname": "shop",
        "domainname": "example",
        "user": "1000:1000",
        "working_dir": "/tmp",
        "stop_signal": "SIGTERM",
        "healthcheck": {"test": ["CMD", "true"], "interval": 10**9},
        "cap_drop": ["NET_RAW"],
        "cap_add": ["SYS_TIME"],
        "devices": ["/dev/null:/dev/mynull:r"],
        "ulimits": [docker.types.Ulimit(name="nofile", soft=512, hard=1024)],
        "log_config": docker.types.LogConfig(type="json-file", config={"max-size": "1m"}),
        "tmpfs": {"/scratch": "size=1m"},
        "extra_hosts": {"db": "10.1.2.3"},
        "dns": ["10.1.2.4"],
        "dns_search": ["example"],
        "sysctls": {"net.core.somaxconn": "500"},
        "security_opt": ["no-new-privileges"],
        "read_only": True,
        "shm_size": "8m",
        "init": True,
        "pids_limit": 100,
        "mem_limit": "256m",
        "group_add": ["4"],
        "restart_policy": {"Name": "on-failure", "MaximumRetryCount": 3},
        "volumes": [f"{tmp_path}/secret:/run/secrets/key:ro"],
        "mounts": [docker.types.Mount("/named", f"{watch.network}-named", labels={LABEL: "1"})],
        "ports": {"8080/tcp": ("127.0.0.1", None)},
    }
    watch.run("web1", labels={"pool": "web", "weight": "3"}, **wishes)
    watch.until(web1="up")
    old = watch.container("web1").attrs
    for name in ("web1-r2", "web1-r3"):
        ran = watch.ctl("rollout", "web", "--image", BACKEND)
        assert ran.returncode == 0, ran.stderr
        new = watch.container(name).attrs
        assert new["HostConfig"] == old["HostConfig"]
        assert without(new["Config"], "Labels") == without(old["Config"], "Labels")
        assert mounts(new) == mounts(old)
    watch.clear()
    watch.client.volumes.get(f"{watch.network}-named").remove()


def without(config: dict[str, Any], key: str) -> dict[str, Any]:
    """Return all but one key."""
    return {k: v for k, v in config.items() if k != key}


def mounts(attrs: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Return what is mounted where."""
    return sorted((m["Type"], m["Source"], m["Destination"], m["RW"]) for m in attrs["Mounts"])


@one_engine
def test_one_that_removes_itself_is_replaced(watch: Watch) -> None:
    """`--rm`: it is gone once it is stopped, which is no fault, and its successor does the same."""
    watch.run("web1", labels={"pool": "web"}, auto_remove=True)
    watch.until(web1="up")
    ran = watch.ctl("rollout", "web", "--image", BACKEND)
    assert ran.returncode == 0, ran.stderr
    eventually(lambda: set(names(watch)) == {"web1-r2"}, "the new one alone")
    assert watch.container("web1-r2").attrs["HostConfig"]["AutoRemove"]
