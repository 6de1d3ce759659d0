"""`proxyctl watch` that ends and starts again, or starts with settings of its own. Both engines."""

from __future__ import annotations

import signal
from typing import Any

import pytest

from proxyctl.api import client as control
from tests.docker.watching import Watch, eventually

pytestmark = pytest.mark.docker


def test_nothing_is_routed_to_a_port_on_which_nobody_listens(watch: Watch) -> None:
    """A wrong port keeps the container out, first as starting and after `grace` with a problem that names the port."""
    watch.env["PROXYCTL_GRACE"] = "2s"
    watch.start()
    watch.run("web1", labels={"pool": "web"})
    watch.until(web1="up")
    watch.run("wrong", labels={"pool": "web", "port": "9999"})
    watch.until(web1="up", wrong="starting")
    assert watch.served_by(10) == {"web1": 10}
    eventually(lambda: any("9999" in p["reason"] for p in watch.problems()), "a problem about port 9999", 8)


def test_a_name_that_does_not_resolve_keeps_the_container_out(watch: Watch) -> None:
    """While the embedded DNS does not answer, nobody new joins; afterwards they do. Who serves already stays."""
    watch.start()
    watch.run("web1", labels={"pool": "web"})
    watch.until(web1="up")
    watch.in_gateway_namespace("iptables", "-I", "OUTPUT", "-d", "127.0.0.11", "-j", "DROP")
    watch.run("web2", labels={"pool": "web"})
    eventually(lambda: any("resolve" in p["reason"] for p in watch.problems()), "a problem about the name", 20)
    assert watch.served_by(10) == {"web1": 10}
    watch.in_gateway_namespace("iptables", "-D", "OUTPUT", "-d", "127.0.0.11", "-j", "DROP")
    watch.until(web1="up", web2="up", within=20)
    assert watch.problems() == []


def test_a_restarted_watch_adopts_the_running_proxy_without_a_reload(watch: Watch) -> None:
    """SIGTERM ends with 0 and leaves the traffic alone; the next start applies nothing when nothing changed."""
    watch.start()
    for name in ("web1", "web2"):
        watch.run(name, labels={"pool": "web"})
    watch.until(web1="up", web2="up")
    before = watch.status() or {}
    workers = watch.proxy_pids()
    assert watch.stop() == 0
    assert watch.get().status == 200
    watch.start()
    watch.until(web1="up", web2="up")
    after = watch.status() or {}
    assert (after["generation"], after["revision"]) == (before["generation"], before["revision"])
    assert watch.proxy_pids() <= workers  # an old one may have ended; a reload would have made new ones
    assert set(watch.served_by(10)) == {"web1", "web2"}


def test_a_watch_that_was_killed_catches_up_with_what_happened_meanwhile(watch: Watch) -> None:
    """SIGKILL, then one container goes and one comes; the next start sees both."""
    watch.start()
    watch.run("web1", labels={"pool": "web"})
    watch.until(web1="up")
    watch.stop(signal.SIGKILL)
    watch.container("web1").remove(force=True)
    watch.run("web2", labels={"pool": "web"})
    watch.start()
    watch.until(web2="up")
    assert watch.served_by(4) == {"web2": 4}


def test_drain_ready_and_weight_act_at_once_and_survive_a_restart(watch: Watch) -> None:
    """What an operator decided is kept until the container goes, and no spacing of reloads puts it off.

    The answer to the verb is the proof that the proxy does it: nothing is waited for after one.
    """
    watch.start()
    for name in ("web1", "web2"):
        watch.run(name, labels={"pool": "web"})
    watch.until(web1="up", web2="up")
    web1 = f"{watch.network}-web1"
    told = control.ask(watch.state, f"/api/v1/servers/{web1}", post={"drain": True})
    assert watch.servers() == {"web1": "draining", "web2": "up"}
    assert told == {"server": web1, "pools": ["web"], "waiting": [], "draining": True, "drain": True}
    assert watch.served_by(8) == {"web2": 8}
    watch.stop()
    watch.env["PROXYCTL_RELOAD_SPACING"] = "5m"
    watch.start()
    watch.until(web1="draining", web2="up")
    assert watch.ctl("ready", web1).stdout == f"{web1} is ready in pool web\n"
    assert watch.served_by(8) == {"web1": 4, "web2": 4}
    assert watch.ctl("weight", web1, "3").returncode == 0
    assert watch.served_by(8) == {"web1": 6, "web2": 2}
    refused = watch.ctl("drain", "nobody")
    assert refused.returncode == 1
    assert f"{watch.network}-web1" in refused.stderr


def test_the_same_world_gives_the_same_generation(watch: Watch) -> None:
    """Resyncs and events that change nothing apply nothing."""
    watch.start("--resync", "1s")
    watch.run("web1", labels={"pool": "web"})
    watch.until(web1="up")
    before = (watch.status() or {})["generation"]
    watch.container("web1").exec_run(["true"])
    listed = (watch.status() or {})["synced_seconds_ago"]
    eventually(lambda: (watch.status() or {})["synced_seconds_ago"] < listed, "another resync")
    assert (watch.status() or {})["generation"] == before


def test_unlabelled_containers_join_with_expose_by_default(watch: Watch) -> None:
    """--expose-by-default turns the default of `enable`; proxyctl.enable=false still keeps one out."""
    watch.start("--expose-by-default")
    watch.run("web1", labels={"enable": None, "pool": "web"})
    watch.run("no", labels={"enable": "false", "pool": "web"})
    watch.until(web1="up")
    assert watch.served_by(4) == {"web1": 4}


def test_another_label_prefix_is_obeyed(watch: Watch) -> None:
    """--label-prefix edge reads edge.* and nothing else."""
    watch.start("--label-prefix", "edge")
    watch.run("ours")
    name = f"{watch.network}-theirs"
    theirs: Any = watch.client.containers.run(
        "proxyctl/echo:latest", name=name, detach=True, network=watch.network, labels={"edge.enable": "true"}
    )
    try:
        watch.until(theirs="up")
    finally:
        theirs.remove(force=True)
