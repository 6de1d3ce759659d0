"""`proxyctl watch` that ends and starts again, or starts with settings of its own. Both engines."""

from __future__ import annotations

import signal
import time
from typing import Any

import pytest

from proxyctl.api import client as control
from tests.docker.watching import BACKEND, LABEL, Watch, eventually

pytestmark = pytest.mark.docker


@pytest.fixture(scope="module")
def module_watch(module_watch: Watch) -> Watch:
    """The shared one, which lists often and is patient for 2 s."""
    module_watch.flags = ("--resync", "1s")
    module_watch.env["PROXYCTL_GRACE"] = "2s"
    return module_watch


def test_nothing_is_routed_to_a_port_on_which_nobody_listens(running: Watch) -> None:
    """A wrong port keeps the container out, first as starting and after `grace` with a problem that names the port."""
    running.run("web1", labels={"pool": "web"})
    running.until(web1="up")
    running.run("wrong", labels={"pool": "web", "port": "9999"})
    running.until(web1="up", wrong="starting")
    assert running.served_by(10) == {"web1": 10}
    eventually(lambda: any("9999" in p["reason"] for p in running.problems()), "a problem about port 9999")


def test_a_name_that_does_not_resolve_keeps_the_container_out(running: Watch) -> None:
    """While the embedded DNS has no answer for it, it does not join; afterwards it does. Who serves already stays."""
    running.run("web1", labels={"pool": "web"})
    running.until(web1="up")
    web2 = running.create("web2", labels={"pool": "web"})
    with running.nameless(web2):
        web2.start()
        eventually(lambda: any("resolve" in p["reason"] for p in running.problems()), "a problem about the name")
        assert running.served_by(10) == {"web1": 10}
    running.until(web1="up", web2="up")
    assert running.problems() == []


def test_a_restarted_watch_adopts_the_running_proxy_without_a_reload(running: Watch) -> None:
    """SIGTERM ends with 0 and leaves the traffic alone; the next start applies nothing when nothing changed."""
    running.run_each(web1={"pool": "web"}, web2={"pool": "web"})
    running.until(web1="up", web2="up")
    before = running.status() or {}
    workers = running.proxy_pids()
    assert running.stop() == 0
    assert running.get().status == 200
    running.start()
    running.until(web1="up", web2="up")
    after = running.status() or {}
    assert (after["generation"], after["revision"]) == (before["generation"], before["revision"])
    assert running.proxy_pids() <= workers  # an old one may have ended; a reload would have made new ones
    assert set(running.served_by(10)) == {"web1", "web2"}


def test_a_watch_that_was_killed_catches_up_with_what_happened_meanwhile(running: Watch) -> None:
    """SIGKILL, then one container goes and one comes; the next start sees both."""
    running.run("web1", labels={"pool": "web"})
    running.until(web1="up")
    running.stop(signal.SIGKILL)
    running.container("web1").remove(force=True)
    running.run("web2", labels={"pool": "web"})
    running.start()
    running.until(web2="up")
    assert running.served_by(4) == {"web2": 4}


def test_drain_ready_and_weight_act_at_once_and_survive_a_restart(watch: Watch) -> None:
    """What an operator decided is kept until the container goes, and no spacing of reloads puts it off.

    The answer to the verb is the proof that the proxy does it: nothing is waited for after one. It takes its 6 s: the
    first start is one of its own, and the second has another spacing.
    """
    watch.start()
    watch.run_each(web1={"pool": "web"}, web2={"pool": "web"})
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


def after_a_listing(watch: Watch) -> dict[str, Any]:
    """Return the status after the next listing."""

    def listed() -> float:
        return time.monotonic() - float((watch.status() or {})["synced_seconds_ago"])

    last = listed()
    eventually(lambda: listed() > last + 0.5, "another listing")
    return watch.status() or {}


def test_the_same_world_gives_the_same_generation(running: Watch) -> None:
    """Resyncs and events that change nothing apply nothing."""
    running.run("web1", labels={"pool": "web"})
    running.until(web1="up")
    before = after_a_listing(running)["generation"]  # by then what came with the container is applied
    running.container("web1").exec_run(["true"])
    assert after_a_listing(running)["generation"] == before


@pytest.mark.parametrize("watch", ["haproxy"], indirect=True)
def test_another_label_prefix_and_another_default_of_enable_are_obeyed(watch: Watch) -> None:
    """--label-prefix edge reads edge.* and nothing else; with --expose-by-default only edge.enable=false keeps one out.

    Labels are read the same for both engines.
    """
    watch.start("--label-prefix", "edge", "--expose-by-default")
    for name, labels in {
        "no": {"edge.enable": "false"},
        "yes": {"proxyctl.enable": "false", "proxyctl.weight": "none"},
        "web1": {"edge.pool": "web", "edge.path": "/web"},
    }.items():
        full = f"{watch.network}-{name}"
        labels[LABEL] = "1"
        watch.client.containers.run(BACKEND, name=full, detach=True, network=watch.network, labels=labels)
    watch.until(yes="up", web1="up")
    assert watch.servers("web") == {"web1": "up"}
    assert watch.problems() == []
