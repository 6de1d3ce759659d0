"""Nothing is lost: what happens to containers, configuration and proxyctl, under load by clients that never retry.

A row of the table is one event on one engine, met by four loads at once: GET and POST, on kept connections and on
new ones. One running `watch` serves all rows of an engine; each begins with the same three servers. What makes each
row green, and what is lost without it, is in docs/decisions/0025.
"""

from __future__ import annotations

import contextlib
import os
import random
import re
import select
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import docker
import pytest

from tests.docker.conftest import fresh_network
from tests.docker.loads import FourLoads
from tests.docker.private_engine import PrivateEngine, made_in, private_engine
from tests.docker.table import BASE, UP, Table
from tests.docker.watching import BACKEND, Watch, eventually, freeze, watching
from tests.docker.wire import Wire

pytestmark = pytest.mark.docker


@pytest.fixture(scope="module")
def table(
    request: pytest.FixtureRequest, docker_client: docker.DockerClient, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Table]:
    """The watch that all rows of an engine share."""
    folder = tmp_path_factory.mktemp(request.param)
    with fresh_network() as network, watching(docker_client, network, request.param, folder / "state") as watch:
        yield Table(watch, folder / "templates")


@contextlib.contextmanager
def four_loads(table: Table, path: str = "delay/0.02") -> Iterator[FourLoads]:
    """The four loads against the gateway, while something happens in the block."""
    with Wire(table.watch.address) as wire, FourLoads(wire, path) as loads:
        yield loads
        loads.more()


def current(watch: Watch) -> Path:
    """Return the link to the current generation."""
    return watch.state / "proxy" / "current"


def lead_to(watch: Watch, generation: Path) -> None:
    """Make another generation the current one, which the running proxy has not loaded."""
    assert (current(watch).parent / generation).is_dir()
    current(watch).unlink()
    current(watch).symlink_to(generation)


# ------------------------------------------------------------------ graceful events: nothing is lost


def join(t: Table) -> None:
    """A container starts."""
    t.run("web4")
    t.until(web4="up")


def docker_stop(t: Table) -> None:
    """A container that finishes its work is stopped."""
    t.watch.container("web1").stop()
    t.until("web1")


def docker_restart(t: Table) -> None:
    """The same, and comes back by itself."""
    t.watch.container("web1").restart()
    t.until()


def scale(t: Table) -> None:
    """3 → 10 → 3, as fast as Docker does it."""
    more = [f"web{n}" for n in range(4, 11)]
    with ThreadPoolExecutor(len(more)) as pool:
        list(pool.map(t.run, more))
        t.until(**dict.fromkeys(more, "up"))
        list(pool.map(lambda name: t.watch.container(name).stop(), more))
    t.until()


def rolling_replacement(t: Table) -> None:
    """Every container is replaced by a new one, one after the other."""
    for old, new in zip(BASE, ("web4", "web5", "web6"), strict=True):
        t.run(new)
        eventually(lambda new=new: t.watch.servers().get(new) == "up", new)  # type: ignore[misc]
        t.watch.container(old).stop()
        t.watch.container(old).remove()
    t.until(*BASE, web4="up", web5="up", web6="up")


def weights(t: Table) -> None:
    """Weights change, down to 0 and back."""
    for name, weight in (("web1", 5), ("web2", 0), ("web2", None), ("web1", None)):
        t.decide(name, weight=weight)
        t.until_weighs(name, 1 if weight is None else weight)


def drain_and_ready(t: Table) -> None:
    """Two of three servers are drained and made ready again."""
    for drain, state in ((True, "draining"), (False, "up")):
        for name in ("web1", "web2"):
            t.decide(name, drain=drain)
        t.until(web1=state, web2=state)


def drain_and_remove(t: Table) -> None:
    """A server is drained and then killed, as soon as the verb has returned."""
    t.run("web4")
    t.until(web4="up")
    name = f"{t.watch.network}-web4"
    assert t.watch.ctl_process("drain", name).returncode == 0
    subprocess.run(["docker", "rm", "--force", name], check=True, capture_output=True)
    t.until()


def template_change(t: Table) -> None:
    """A template is edited."""
    t.until_applied(t.change_template())


def twenty_reloads(t: Table) -> None:
    """Twenty reloads, each as soon as the spacing allows."""
    for _ in range(20):
        t.until_applied(t.change_template())


def reload_by_hand(t: Table) -> None:
    """Somebody signals the gateway to reload, by Docker's API: a `kill` event that is no stop."""
    before = t.watch.proxy_pids()
    t.watch.gateway.kill({"haproxy": "SIGUSR2", "nginx": "SIGHUP"}[t.watch.engine])
    eventually(lambda: not t.watch.proxy_pids() <= before, "new workers")
    t.until()


def gateway_paused(t: Table) -> None:
    """Somebody pauses the gateway: it is let go on, and requests were only late."""
    freeze(t.watch.gateway)
    eventually(lambda: t.watch.gateway.status == "running", "the gateway to go on")


def gateway_on_a_second_network(t: Table) -> None:
    """The gateway is connected to another network and taken off it again."""
    with fresh_network() as other:
        network = t.watch.client.networks.get(other)
        network.connect(t.watch.gateway)
        network.disconnect(t.watch.gateway)
    t.until()


def proxyctl_sigterm(t: Table) -> None:
    """Proxyctl ends and starts again; the running proxy is adopted and not reloaded."""
    processes = t.watch.proxy_pids()
    t.watch.stop()
    t.watch.start()
    t.until()
    assert (
        t.watch.proxy_pids() <= processes
    )  # an old worker may have ended meanwhile; a reload would have made new ones


def interrupted_apply(t: Table) -> None:
    """Proxyctl died after the new generation became `current` and before the proxy had loaded it: it is loaded now."""
    earlier = current(t.watch).readlink()
    mark = t.change_template()
    t.until_applied(mark)
    t.watch.stop(signal.SIGKILL)
    lead_to(t.watch, earlier)
    t.watch.start()
    t.until_applied(mark)
    assert _whole(t)


def proxyctl_sigkill(t: Table) -> None:
    """Proxyctl is killed at random moments after something happened, and at rest, and started again each time."""
    chance = random.Random(3)

    def killed_after(event: Callable[[], Any]) -> Any:
        result = event()
        time.sleep(chance.uniform(0, 0.15))  # of all moments, not of those that a condition could name
        t.watch.stop(signal.SIGKILL)
        t.watch.start()
        return result

    killed_after(lambda: t.run("web4"))
    t.until(web4="up")
    t.until_applied(killed_after(t.change_template))
    killed_after(t.watch.container("web4").stop)
    t.until()
    processes = t.watch.proxy_pids()
    killed_after(t.until)
    t.until()
    assert (
        t.watch.proxy_pids() <= processes
    )  # an old worker may have ended meanwhile; a reload would have made new ones
    eventually(lambda: _whole(t), "generations that are all finished")


GRACEFUL = [
    *(template_change, twenty_reloads),  # first: after `scale` each reload of nginx waits for a gap that has grown
    *(join, docker_stop, docker_restart, scale, rolling_replacement, weights, drain_and_ready, drain_and_remove),
    *(reload_by_hand, gateway_paused, gateway_on_a_second_network),
    *(proxyctl_sigterm, proxyctl_sigkill, interrupted_apply),
]


def _whole(t: Table) -> bool:
    """Whether every generation was finished and `current` leads to one."""
    kept = {p.name for p in (t.watch.state / "proxy" / "generations").iterdir()}
    finished = {name for name in kept if re.fullmatch(r"\d+-[0-9a-f]+", name)}
    return kept == finished and current(t.watch).readlink().name in kept


@pytest.mark.parametrize("event", GRACEFUL, ids=lambda e: e.__name__)
@pytest.mark.parametrize("table", ["haproxy", "nginx"], indirect=True, scope="module")
def test_a_graceful_event_loses_nothing(table: Table, event: Callable[[Table], None]) -> None:
    """0 failed requests, of every method, on kept and on new connections."""
    table.ready()
    with four_loads(table) as loads:
        event(table)
    loads.assert_none_lost()


def test_after_an_interrupted_apply_who_served_goes_on_while_it_is_checked(watch: Watch) -> None:
    """A server whose check takes seconds to pass is not left out meanwhile only because proxyctl is new."""
    watch.start()
    watch.run("web1", labels={"pool": "web", "health.path": "/healthz", "health.interval": "1s", "health.rise": "3"})
    watch.until(web1="up")
    earlier = current(watch).readlink()
    assert watch.ctl_process("weight", f"{watch.network}-web1", "2").returncode == 0
    eventually(lambda: current(watch).readlink() != earlier, "the generation with another weight")
    with Wire(watch.address) as wire, FourLoads(wire) as loads:
        watch.stop(signal.SIGKILL)
        lead_to(watch, earlier)
        watch.start()
        watch.until(web1="up")
        loads.more()
    loads.assert_none_lost()


# ------------------------------------------------------------------ abrupt events: no idempotent request is lost


Allowed = Callable[[FourLoads], int]
"""How many POSTs an abrupt event may cost, once the loads have ended."""


def _end(t: Table, odd: Any, how: Callable[[], object]) -> Allowed:
    """End a server and take the moment at which its process was gone: only what was under way then may be lost."""
    odd.reload()
    ended = select.poll()
    process = os.pidfd_open(odd.attrs["State"]["Pid"])
    try:
        ended.register(process, select.POLLIN)
        with ThreadPoolExecutor(1) as pool:
            doing = pool.submit(how)
            assert ended.poll(15_000), "its process did not end"
            moment = time.perf_counter()
            doing.result()
    finally:
        os.close(process)
    t.until()
    return lambda loads: loads.lost_at(moment, "POST")


def exits_at_once(t: Table, odd: Any) -> Allowed:
    """It exits as soon as it is asked to, with requests inside."""
    return _end(t, odd, odd.stop)


def docker_kill(t: Table, odd: Any) -> Allowed:
    """It is killed."""
    return _end(t, odd, odd.kill)


def pause(t: Table, odd: Any) -> Allowed:
    """It is frozen, and goes on after a while: what was inside is late, nothing is lost."""
    freeze(odd)
    t.until(web4="draining")
    odd.unpause()
    t.until(web4="up")
    return lambda _: 0


def network_disconnect(t: Table, odd: Any) -> Allowed:
    """It is cut off the network; what had been sent to it until it left the pool may be lost."""
    t.watch.client.networks.get(t.watch.network).disconnect(odd)
    eventually(lambda: t.watch.servers().get("web4") != "up", "its end in the pool")
    moment = time.perf_counter()
    return lambda loads: loads.lost_at(moment, "POST")


def turns_unhealthy(t: Table, odd: Any) -> Allowed:
    """It falls ill, ends every connection without an answer, and its HEALTHCHECK finds out."""
    odd.reload()
    address = odd.attrs["NetworkSettings"]["Networks"][t.watch.network]["IPAddress"]
    assert t.watch.post(f"http://{address}:8080/healthz/down")
    t.until(web4="draining")
    return lambda _: _logged(odd, "POST .* begins") - _logged(odd, "POST .* is answered")


def closes_idle_connections(t: Table, odd: Any) -> Allowed:
    """It closes idle connections at random times; each may meet one request.

    On HAProxy none that is its client's first: such a one never gets a connection that was idle (`http-reuse safe`).
    """
    few = 30 if t.watch.engine == "haproxy" else 16  # nginx leaves it out for 2 s after each that met a request
    eventually(lambda: _logged(odd, "closes an idle") > few, f"{few} closed connections")

    def allowed(loads: FourLoads) -> int:
        assert t.watch.engine != "haproxy" or loads.lost_by("POST", "close") == 0, loads.story()
        return _logged(odd, "closes an idle")

    return allowed


@contextlib.contextmanager
def far_away(container: Any, port: str) -> Iterator[None]:
    """Have a port of a container lead to its server by a wire: the proxy knows a while later what the server closed."""
    container.reload()
    (network,) = container.attrs["NetworkSettings"]["Networks"].values()
    address = network["IPAddress"]
    eventually(
        lambda: Watch.post(f"http://{address}:8080/healthz/up"), "the server, of which the wire must not be ahead"
    )
    namespace = Path(f"/proc/{container.attrs['State']['Pid']}/ns/net")
    listening = made_in(namespace, lambda: socket.create_server(("0.0.0.0", int(port))))
    with Wire(address, port=8080, listening=listening):
        yield


def _logged(odd: Any, what: str) -> int:
    return len(re.findall(what, odd.logs().decode()))


SICK = {"test": ["CMD", "wget", "-qO-", "http://127.0.0.1:8080/healthz"], "interval": 300_000_000, "retries": 1}
ABRUPT: list[tuple[Callable[[Table, Any], Allowed], dict[str, Any]]] = [
    (exits_at_once, {"environment": {"ECHO_ON_TERM": "abrupt"}}),
    (docker_kill, {}),
    (pause, {}),
    (network_disconnect, {}),
    (turns_unhealthy, {"environment": {"ECHO_SICK": "1", "ECHO_LOG_REQUESTS": "1"}, "healthcheck": SICK}),
    (
        closes_idle_connections,
        {"environment": {"ECHO_IDLE_CLOSE": "0.05", "ECHO_LOG_REQUESTS": "1"}, "labels": {"port": "8081"}},
    ),
]


@pytest.mark.parametrize(("event", "options"), ABRUPT, ids=[event.__name__ for event, _ in ABRUPT])
@pytest.mark.parametrize("table", ["haproxy", "nginx"], indirect=True, scope="module")
def test_an_abrupt_event_loses_no_idempotent_request(
    table: Table, event: Callable[[Table, Any], Allowed], options: dict[str, Any]
) -> None:
    """No GET is lost, and of the POSTs at most those that were inside the server at that moment."""
    table.ready()
    odd, port = table.run("web4", **options), options.get("labels", {}).get("port")
    with far_away(odd, port) if port else contextlib.nullcontext():
        table.until(web4="up")
        with four_loads(table, "delay/0.1") as loads:
            allowed = event(table, odd)
    loads.assert_lost_at_most(allowed(loads))


# ------------------------------------------------------------------ the engine itself


@pytest.fixture(scope="module")
def second_engine() -> Iterator[PrivateEngine]:
    """An engine that may be restarted."""
    with private_engine(BACKEND, "proxyctl/haproxy:latest", "proxyctl/nginx:latest") as engine:
        yield engine


@pytest.mark.parametrize("engine", ["haproxy", "nginx"])
def test_dockerd_restarted_with_live_restore_loses_nothing(
    second_engine: PrivateEngine, engine: str, tmp_path: Path
) -> None:
    """dockerd ends and starts again under its containers: 0 failed requests, and joins are seen afterwards."""
    client, network = second_engine.client, f"net-{engine}"
    client.networks.create(network)
    with watching(client, network, engine, tmp_path / "state") as watch:
        watch.env["DOCKER_HOST"] = second_engine.host
        watch.start()
        for name in BASE:
            watch.run(name, labels={"pool": "web"})
        watch.until(**UP)
        processes = watch.proxy_pids()
        with Wire(watch.address, enter=second_engine.move_in) as wire, FourLoads(wire) as loads:
            second_engine.stop()
            eventually(lambda: not (watch.status() or {"events_connected": True})["events_connected"], "the loss")
            loads.more()
            second_engine.start()
            watch.client = second_engine.client
            eventually(lambda: (watch.status() or {})["events_connected"], "the return")
            loads.more()
        loads.assert_none_lost()
        assert watch.proxy_pids() <= processes
        watch.run("web4", labels={"pool": "web"})
        watch.until(**UP, web4="up")
