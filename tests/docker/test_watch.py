"""`proxyctl watch` on real containers, both engines: who joins, who leaves, who is kept out and why.

Those that end it or start it in another way are in `test_watch_starts`.
"""

from __future__ import annotations

import os
import signal

import pytest

from tests.docker.watching import Watch, eventually, freeze

pytestmark = pytest.mark.docker


@pytest.fixture
def watch(running: Watch) -> Watch:
    """The one that all tests here share."""
    return running


def test_labelled_containers_join_by_themselves_and_share_the_traffic(watch: Watch) -> None:
    """Three containers join one pool, and round robin gives each exactly a third."""
    assert watch.get().status == 404
    watch.run_each(web1={"pool": "web"}, web2={"pool": "web"}, web3={"pool": "web"})
    watch.until(web1="up", web2="up", web3="up")
    assert watch.served_by(30) == {"web1": 10, "web2": 10, "web3": 10}


def test_a_container_without_the_label_takes_no_part(watch: Watch) -> None:
    """Without proxyctl.enable nothing is routed, and nobody is blamed."""
    watch.run("plain", labels={"enable": None})
    watch.run("web1")
    watch.until(web1="up")
    assert set(watch.served_by(6)) == {"web1"}
    assert watch.problems() == []


def test_a_stopped_container_leaves_and_comes_back_with_its_new_address(watch: Watch) -> None:
    """stop, start, restart: the pool follows; while the last one is away its route answers 503, not 404."""
    watch.run("web1", labels={"pool": "web"})
    watch.until(web1="up")
    watch.container("web1").stop()
    watch.until()
    answer = watch.get()
    assert (answer.status, answer.headers.get("Retry-After")) == (503, "1")
    blocker = watch.run("blocker", labels={"enable": None})  # takes the address that web1 had
    watch.container("web1").start()
    watch.until(web1="up")
    assert watch.get().status == 200
    blocker.stop()
    watch.container("web1").restart()
    eventually(lambda: watch.servers() == {"web1": "up"} and watch.get().status == 200, "web1 back after a restart")


def test_a_killed_container_leaves_at_once(watch: Watch) -> None:
    """After `docker kill` the others serve everything."""
    watch.run_each(web1={"pool": "web"}, web2={"pool": "web"})
    watch.until(web1="up", web2="up")
    watch.container("web1").kill()
    watch.until(web2="up")
    assert watch.served_by(10) == {"web2": 10}


def test_a_paused_container_gets_no_new_requests_until_it_goes_on(watch: Watch) -> None:
    """pause drains, unpause brings back."""
    watch.run_each(web1={"pool": "web"}, web2={"pool": "web"})
    watch.until(web1="up", web2="up")
    freeze(watch.container("web1"))
    watch.until(web1="draining", web2="up")
    assert watch.served_by(10) == {"web2": 10}
    watch.container("web1").unpause()
    watch.until(web1="up", web2="up")
    assert set(watch.served_by(10)) == {"web1", "web2"}


def test_a_container_that_leaves_the_network_leaves_the_pool(watch: Watch) -> None:
    """`docker network disconnect` takes it out, with a problem that says how to mend it; connect brings it back."""
    web1 = watch.run("web1", labels={"pool": "web"})
    watch.run("web2", labels={"pool": "web"})
    watch.until(web1="up", web2="up")
    network = watch.client.networks.get(watch.network)
    network.disconnect(web1)
    eventually(lambda: watch.served_by(4) == {"web2": 4}, "only web2 serving")
    (problem,) = eventually(watch.problems, "the problem")  # told when the change is confirmed, after it has acted
    assert f"docker network connect {watch.network}" in problem["reason"]
    network.connect(web1)
    watch.until(web1="up", web2="up")
    eventually(lambda: not watch.problems(), "the end of the problem")


def test_a_stopping_container_drains_before_it_ends(watch: Watch) -> None:
    """`docker stop` shows as draining at once, while a request that runs inside is still finished."""
    watch.run("web1", labels={"pool": "web"}, environment={"ECHO_ON_TERM": "graceful"})
    watch.run("web2", labels={"pool": "web"})
    watch.until(web1="up", web2="up")
    pid = watch.container("web1").attrs["State"]["Pid"]
    watch.container("web1").kill("SIGTERM")
    eventually(lambda: watch.servers().get("web1") in {"draining", None}, "web1 draining")
    assert watch.served_by(10) == {"web2": 10}
    assert pid


def test_a_bad_label_keeps_out_its_container_alone(watch: Watch) -> None:
    """The problem names container, label, value and what is accepted; the others serve."""
    watch.run("web1", labels={"pool": "web"})
    watch.run("bad", labels={"pool": "web", "weight": "300"})
    watch.run("typo", labels={"pool": "web", "wieght": "3"})
    watch.until(web1="up")
    eventually(lambda: len(watch.problems()) == 2, "two problems")
    first, second = watch.problems()
    assert first["label"] == "proxyctl.weight"
    assert '"300"' in first["reason"]
    assert "0 to 256" in first["reason"]
    assert second["label"] == "proxyctl.wieght"
    assert "proxyctl.weight" in second["reason"]
    assert watch.served_by(10) == {"web1": 10}


def test_a_container_without_a_port_is_a_problem_and_one_of_another_network_is_none(
    other_network: str, watch: Watch
) -> None:
    """The one says what to do. The other is nobody's business here: `status` names it, `explain` has the command."""
    watch.run("elsewhere", network=other_network)
    watch.run("portless", image="proxyctl/proxyctl:latest", entrypoint=["proxyctl", "echo"])
    watch.run("web1")
    watch.until(web1="up")
    reasons = {p["container"].removeprefix(f"{watch.network}-"): p["reason"] for p in watch.problems()}
    assert "EXPOSE" in reasons["portless"]
    elsewhere = f"{watch.network}-elsewhere"
    assert elsewhere not in {p["container"] for p in watch.problems()}
    assert elsewhere in (watch.status() or {})["elsewhere"]
    told = watch.ctl("explain", elsewhere)
    assert (told.returncode, "docker network connect" in told.stdout) == (3, True)


@pytest.mark.parametrize("how", ["restart", "kill", "remove"])
def test_the_gateway_comes_back_with_its_last_generation(watch: Watch, how: str) -> None:
    """Whatever happens to the proxy container, it serves again without anybody's help."""
    watch.run("web1", labels={"pool": "web"})
    watch.until(web1="up")
    if how == "restart":
        watch.gateway.restart()
    elif how == "kill":
        watch.gateway.kill()
    else:
        watch.gateway.remove(force=True)

    def serves() -> bool:
        try:
            return watch.served_by(1) == {"web1": 1}
        except Exception:  # noqa: BLE001 - while it is away every kind of failure is fine
            return False

    eventually(serves, "the gateway serving again")


def test_a_decision_on_what_the_proxy_does_not_have_or_drains_by_itself_is_told_as_such(watch: Watch) -> None:
    """One that has not joined: it is kept until then. One that drains by Docker's word: `ready` does not claim more."""
    watch.run("web2", labels={"pool": "web"})
    watch.until(web2="up")
    watch.run("web1", labels={"pool": "web"}, environment={"ECHO_START_DELAY": "60"})
    watch.until(web1="starting", web2="up")
    web1, web2 = (f"{watch.network}-{name}" for name in ("web1", "web2"))
    drained = watch.ctl("drain", web1)
    assert (drained.returncode, drained.stderr) == (0, "")
    assert drained.stdout == f"{web1} has not joined pool web: the decision is kept until it does\n"
    freeze(watch.container("web2"))
    eventually(lambda: watch.servers().get("web2") == "draining", "web2 draining")
    ready = watch.ctl("ready", web2).stdout
    why = "it was told to stop, is paused, unhealthy or off the network"
    assert ready == f"{web2} still drains in pool web, by itself: {why}\n"
    watch.container("web2").unpause()


def test_a_decision_that_the_proxy_does_not_carry_out_is_not_called_done(watch: Watch) -> None:
    """A proxy that stands still: exit 1 in a few seconds with the reason, the decision is kept, and done later.

    It takes its 6 s, which the verb waits, and is the same for both engines.
    """
    if watch.engine != "haproxy":
        pytest.skip("it is the same for both")
    watch.run("web1", labels={"pool": "web"})
    watch.until(web1="up")
    pids = [int(pid) for pid in watch.proxy_pids()]
    try:
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        refused = watch.ctl("drain", f"{watch.network}-web1")
        assert refused.returncode == 1
        assert refused.stderr.startswith("proxyctl: the proxy has not done it within 6 s, the decision is kept: ")
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
    watch.until(web1="draining")


def test_haproxy_joins_leaves_drains_and_weights_need_no_reload(watch: Watch) -> None:
    """On HAProxy the worker that served before is the one that serves after."""
    if watch.engine != "haproxy":
        pytest.skip("nginx always reloads")
    watch.run("web1", labels={"pool": "web"})
    watch.until(web1="up")
    workers = watch.proxy_pids()
    watch.run("web2", labels={"pool": "web", "weight": "2"})
    watch.until(web1="up", web2="up")
    watch.ctl("drain", f"{watch.network}-web1")
    watch.until(web1="draining", web2="up")
    watch.ctl("ready", f"{watch.network}-web1")
    watch.until(web1="up", web2="up")
    watch.container("web2").stop()
    watch.until(web1="up")
    watch.container("web2").start()
    watch.until(web1="up", web2="up")
    assert watch.served_by(9) == {"web1": 3, "web2": 6}
    assert watch.proxy_pids() <= workers  # an old one may have ended; a reload would have made new ones


def test_a_healthcheck_of_the_image_decides_when_it_joins_and_leaves(watch: Watch) -> None:
    """No request before `healthy`; after `unhealthy` none either."""
    check = ["CMD", "wget", "-q", "-O", "-", "http://127.0.0.1:8080/healthz"]
    nanoseconds = 1_000_000_000
    web1 = watch.run(
        "web1",
        labels={"pool": "web"},
        environment={"ECHO_UNHEALTHY": "1"},
        healthcheck={"test": check, "interval": nanoseconds // 2, "timeout": nanoseconds, "retries": 2},
    )
    watch.until(web1="starting")
    eventually(lambda: watch.get().status == 503, "the route of a pool without a server")
    address = web1.client.containers.get(web1.id).attrs["NetworkSettings"]["Networks"][watch.network]["IPAddress"]
    eventually(lambda: watch.post(f"http://{address}:8080/healthz/up"), "the server to listen")
    watch.until(web1="up")
    assert watch.get().status == 200
    watch.post(f"http://{address}:8080/healthz/down")
    eventually(lambda: watch.servers().get("web1") in {"draining", "down", "starting"}, "web1 out after unhealthy")
    eventually(lambda: watch.get().status == 503, "nobody left to serve")


def test_the_state_folder_belongs_to_one_watch(watch: Watch) -> None:
    """A second one ends with a line that names the first."""
    second = watch.ctl_process("watch", "--engine", watch.engine, "--api", "off")
    assert second.returncode == 1
    assert "another `proxyctl watch`" in second.stderr
    assert str(watch.process.pid if watch.process else "?") in second.stderr
