"""Several networks, and network namespaces that containers share, on real ones; every remedy that is told is run."""

from __future__ import annotations

import contextlib
import re
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import docker
import docker.errors
import pytest

from tests.docker.conftest import ENGINES, fresh_network
from tests.docker.watching import BACKEND, LABEL, Watch, eventually

pytestmark = pytest.mark.docker

GONE = 20.0
"""Seconds within which what was asked for is done; a listing that is not believed, or a resync, takes longer."""


class Joined(Watch):
    """A `watch` on a network of its own that has joined `shop` and `blog`, and is published on `port`."""

    shop: str
    blog: str
    port: int

    def make_blog(self) -> None:
        """Make the network, as its people do."""
        self.client.networks.create(self.blog, driver="bridge", labels={LABEL: "1"})

    def remove_blog(self) -> None:
        """Remove it with the gateway's connection, which `watch` makes again as soon as it sees that it is cut."""

        def gone() -> bool:
            with contextlib.suppress(docker.errors.APIError):
                self.client.networks.get(self.blog).disconnect(self.gateway.name, force=True)
            with contextlib.suppress(docker.errors.APIError):
                self.client.networks.get(self.blog).remove()
            return not self.client.networks.list(names=[f"^{self.blog}$"])

        eventually(gone, f"the end of {self.blog}")

    def on(self) -> set[str]:
        """Return the networks that the gateway is on."""
        return set(self.gateway.attrs["NetworkSettings"]["Networks"])

    def address_of(self, name: str, network: str) -> str:
        """Return a container's address on a network."""
        return str(self.container(name).attrs["NetworkSettings"]["Networks"][network]["IPAddress"])

    def told(self, code: str, saying: str = "") -> dict[str, Any]:
        """Wait for the one problem of this kind, with such a reason, and return it."""

        def one() -> dict[str, Any] | None:
            found = [p for p in self.problems() if p["code"] == code and saying in p["reason"]]
            return found[0] if len(found) == 1 else None

        problem: dict[str, Any] = eventually(one, f"a problem {code} {saying}", GONE)
        return problem

    def shared(self, name: str, owner: Any, labelled: int = 0, *, port: int = 8081, **labels: str) -> Any:
        """Start a container with the network namespace of another; it listens on `port`, and its label says that, too.

        Unless another one is `labelled`.
        """
        own = {"enable": "true", "port": str(labelled or port), **labels}
        return self.client.containers.run(
            BACKEND,
            ["--name", name, "--port", str(port)],
            name=f"{self.network}-{name}",
            detach=True,
            network_mode=f"container:{owner.id}",
            labels={f"proxyctl.{k}": v for k, v in own.items()} | {LABEL: "1"},
        )


@contextlib.contextmanager
def joined(client: docker.DockerClient, engine: str, folder: Any) -> Iterator[Joined]:
    """Give one that is not started; its networks go after it.

    The own network has the first name of them by the alphabet, which is an order that Docker goes by.
    """
    with fresh_network() as one, fresh_network() as two, fresh_network() as three:
        name, shop, blog = sorted((one, two, three))
        state = folder / "state"
        state.mkdir(parents=True)
        made = Joined(client, name, engine, state)
        made.shop, made.blog = shop, blog
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            made.port = free.getsockname()[1]
        try:
            yield made
        finally:
            made.close()


@pytest.fixture(scope="module", params=ENGINES)
def module_joined(
    request: pytest.FixtureRequest, docker_client: docker.DockerClient, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Joined]:
    """The `watch` of `web`, for all tests of the module."""
    with joined(docker_client, request.param, tmp_path_factory.mktemp(request.param)) as made:
        made.flags = ("--join", made.shop, "--join", made.blog, "--publish", f"127.0.0.1:{made.port}:80")
        yield made


@pytest.fixture
def web(module_joined: Joined) -> Iterator[Joined]:
    """It runs, without a pool at the beginning of each test."""
    if module_joined.process is None or module_joined.process.poll() is not None:
        module_joined.start()
    yield module_joined
    try:
        module_joined.clear()
    except BaseException:
        module_joined.close()  # the next test has another
        raise


def run_remedy(text: str) -> None:
    """Run the command at the end of a problem's reason, as a person does."""
    command = text[text.index("docker ", text.rindex(": ")) :]
    ran = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, (command, ran.stderr)


# ------------------------------------------------------------------ joined networks


def test_containers_of_each_network_are_served(web: Joined) -> None:
    """On two of them the own one counts, or the label's; the name of each leads to the address that is served."""
    web.run("own", labels={"host": "own.test"})
    web.run("far", network=web.shop, labels={"host": "far.test"})
    for name, label in (("both", None), ("named", web.blog)):
        web.run(name, network=web.blog, labels={"host": f"{name}.test", "network": label})
        for network in (web.network, web.shop):
            web.client.networks.get(network).connect(web.container(name))
    web.until(own="up", far="up", both="up", named="up")
    addresses = {s["name"]: s["address"] for p in (web.status() or {})["pools"] for s in p["servers"]}
    places = {"own": web.network, "far": web.shop, "both": web.network, "named": web.blog}
    assert addresses == {
        f"{web.network}-{name}": f"{web.address_of(name, network)}:8080" for name, network in places.items()
    }
    for name in places:
        assert web.served_by(2, host=f"{name}.test") == {name: 2}
    assert web.problems() == []
    told = web.ctl("explain", f"{web.network}-named")
    assert f"✔ is on network {web.blog} as " in told.stdout
    assert (web.status() or {})["joined"] == [web.shop, web.blog]


def test_who_leaves_one_of_its_networks_goes_on_on_the_next(web: Joined) -> None:
    """And back."""
    web.run("both")
    web.client.networks.get(web.shop).connect(web.container("both"))
    web.until(both="up")
    for left, there in ((web.network, web.shop), (web.shop, web.network)):
        if left == web.shop:
            web.client.networks.get(web.network).connect(web.container("both"))
        web.client.networks.get(left).disconnect(web.container("both"))
        expected = f"{web.address_of('both', there)}:8080"
        eventually(
            lambda expected=expected: any(  # type: ignore[misc]
                s["address"] == expected and s["state"] == "up"
                for p in (web.status() or {"pools": []})["pools"]
                for s in p["servers"]
            ),
            f"both at {expected}",
        )
        eventually(lambda: web.served_by(1) == {"both": 1}, "its answer", GONE)


def test_a_network_that_comes_and_goes_is_followed(web: Joined) -> None:
    """While it is away there is a problem with a command; made by that or by its people, it is joined at once."""
    for by_remedy in (True, False):
        web.remove_blog()
        reason = web.told("P511")["reason"]
        assert reason.endswith(f": there is no such network: docker network create {web.blog}")
        if by_remedy:
            run_remedy(reason)
        else:
            web.make_blog()
        eventually(lambda: web.blog in web.on() and not web.problems(), "the gateway on it", GONE)
        web.run("writer", network=web.blog)
        web.until(writer="up", within=GONE)
        assert web.served_by(2) == {"writer": 2}
        web.clear()


def test_a_connection_that_somebody_cuts_is_made_again(web: Joined) -> None:
    """As that of the own network."""
    web.run("far", network=web.shop)
    web.until(far="up")
    web.client.networks.get(web.shop).disconnect(web.gateway.name)
    eventually(lambda: web.shop in web.on(), "the connection", GONE)
    eventually(lambda: web.served_by(1) == {"far": 1}, "an answer", GONE)


def test_published_ports_stay_while_other_networks_come_and_go(web: Joined) -> None:
    """Docker publishes through the first of them by the alphabet: nothing is lost where that is the own one."""
    web.run("own")
    web.until(own="up")
    results: list[str] = []
    over = threading.Event()

    def ask() -> None:
        while not over.is_set():
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{web.port}/", timeout=5) as answer:
                    results.append(str(answer.status))
            except (urllib.error.URLError, OSError) as exc:
                results.append(str(exc))
            time.sleep(0.01)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        for _ in range(3):
            web.remove_blog()
            web.make_blog()
            eventually(lambda: web.blog in web.on(), "the gateway on it", GONE)
    finally:
        over.set()
        asking.join()
    assert len(results) > 20
    assert set(results) == {"200"}


def test_a_gateway_starts_although_a_network_was_made_anew_meanwhile(web: Joined) -> None:
    """Docker keeps the old one's id, and would not start it: as after a `compose down` and `up` of its people."""
    web.run("own", labels={"host": "own.test"})
    web.until(own="up")
    web.stop()
    web.gateway.stop(timeout=1)
    web.client.networks.get(web.blog).remove()
    web.make_blog()
    with pytest.raises(docker.errors.APIError, match="not found"):
        web.gateway.start()
    web.start()
    assert web.on() == {web.network, web.shop, web.blog}
    eventually(lambda: web.served_by(2, host="own.test") == {"own": 2}, "its answers", GONE)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_watch_that_joins_no_more_drains_what_was_there(
    docker_client: docker.DockerClient, engine: str, tmp_path: Any
) -> None:
    """`plan` says so; then the gateway leaves that network, and no other that somebody connected it to.

    A `watch` of its own, as it is started anew.
    """
    with joined(docker_client, engine, tmp_path) as web:
        web.start("--join", web.shop)
        web.run("far", network=web.shop, labels={"host": "far.test", "drain": "2s"})
        web.run("own", labels={"host": "own.test"})
        web.until(far="up", own="up")
        web.client.networks.get(web.blog).connect(web.gateway.name)
        assert web.ctl("plan").stdout == "nothing to do\n"  # as the running one was started
        web.stop()
        planned = web.ctl("plan", "--engine", engine)
        assert planned.returncode == 2
        assert f"   leave  network {web.shop}" in planned.stdout
        joining = web.ctl("plan", "--engine", engine, "--join", web.shop)
        assert "network" not in joining.stdout
        web.start("--resync", "1s")
        web.until(far="draining", own="up")
        assert web.shop in web.on()
        web.until(own="up", within=GONE)
        eventually(lambda: web.shop not in web.on(), "the gateway to leave", GONE)
        assert web.on() == {web.network, web.blog}
        assert web.served_by(2, host="own.test") == {"own": 2}
        eventually(lambda: not web.problems(), "the end of all problems", GONE)


def test_doctor_looks_at_joined_networks(web: Joined) -> None:
    """Each of them is there, or the command makes it."""
    looked = web.ctl("doctor", "--join", web.shop, "--join", f"{web.network}-nowhere")
    assert f"✔ network {web.shop}: joined by --join" in looked.stdout
    assert f"✘ network {web.network}-nowhere: there is no such network" in looked.stdout
    assert f"    mend: docker network create {web.network}-nowhere" in looked.stdout


# ------------------------------------------------------------------ shared network namespaces


@pytest.mark.parametrize("network", ["own", "shop"])
def test_a_container_with_the_network_of_another_is_served_there(web: Joined, network: str) -> None:
    """The owner has no label, and may serve as well: each has its own port at the same address."""
    place = {"own": web.network, "shop": web.shop}[network]
    vpn = web.run("vpn", network=place, labels={"enable": None})
    web.shared("app", vpn)
    web.until(app="up")
    assert web.get().json["server"] == "app"
    explained = web.ctl("explain", f"{web.network}-app").stdout
    assert f"✔ is on network {place} as {web.address_of('vpn', place)} through {web.network}-vpn" in explained
    assert web.problems() == []


def test_it_drains_when_its_owner_is_stopped_and_comes_back_by_the_remedy(web: Joined) -> None:
    """From the stop signal on; once the owner has ended there is a problem, and what it says helps."""
    vpn = web.run("vpn", labels={"enable": None}, command=["--on-term", "ignore"])
    web.shared("app", vpn, drain="1s")
    web.until(app="up")
    web.until_listening("vpn")
    vpn.kill("SIGTERM")
    web.until(app="draining", within=GONE)
    assert web.container("app").status == "running"
    vpn.kill()
    problem = web.told("P211")
    assert (problem["container"], problem["label"]) == (f"{web.network}-app", "")
    assert problem["reason"].startswith(f"shares the network of {web.network}-vpn, which has ended: docker start ")
    run_remedy(problem["reason"])
    web.until(app="up")
    assert web.get().json["server"] == "app"
    eventually(lambda: not web.problems(), "the end of the problem", GONE)


def test_a_restart_of_the_owner_cuts_it_off_until_its_own(web: Joined) -> None:
    """Docker says nothing of that: the container runs, and nobody reaches it."""
    vpn = web.run("vpn", labels={"enable": None})
    web.shared("app", vpn)
    web.until(app="up")
    vpn.restart(timeout=1)
    problem = web.told("P211", "before it was started anew")  # first it has ended
    assert problem["reason"].endswith(f": docker restart {web.network}-app")
    explained = web.ctl("explain", f"{web.network}-app")
    assert explained.returncode == 3 or "drains" in explained.stdout
    assert "✘ shares the network that " in explained.stdout
    run_remedy(problem["reason"])
    web.until(app="up")
    assert web.served_by(2) == {"app": 2}


def test_who_is_left_by_an_owner_that_was_made_anew_is_told(web: Joined) -> None:
    """Docker refers to the owner by its id and refuses a restart, so the container has to be made anew as well."""
    vpn = web.run("vpn", labels={"enable": None})
    app = web.shared("app", vpn)
    web.until(app="up")
    vpn.remove(force=True)
    again = web.run("vpn", labels={"enable": None})
    reason = web.told("P211", "which is gone")["reason"]
    assert reason.startswith(f"shares the network of {vpn.id[:12]}, which is gone: make it anew, ")
    with pytest.raises(docker.errors.APIError, match="No such container"):
        app.restart(timeout=0)
    command = re.search(r"docker rm -f \S+", reason)
    assert command
    subprocess.run(command[0].split(), check=True, capture_output=True)
    web.shared("app", again)
    web.until(app="up")
    assert web.served_by(2) == {"app": 2}


def test_a_chain_is_served_through_its_end(web: Joined) -> None:
    """A container with the network of one that has the network of another."""
    vpn = web.run("vpn", labels={"enable": None})
    middle = web.shared("middle", vpn, port=8081, host="middle.test")
    web.shared("app", middle, port=8082, host="app.test")
    web.until(middle="up", app="up")
    assert {name: web.get(host=f"{name}.test").json["server"] for name in ("middle", "app")} == {
        "middle": "middle",
        "app": "app",
    }
    assert web.problems() == []


def test_two_with_one_network_and_one_port(web: Joined) -> None:
    """The second is told whose port it is, by its label, whatever it really listens on; the first serves on."""
    vpn = web.run("vpn", labels={"host": "vpn.test"})
    web.until(vpn="up")
    web.shared("app", vpn, 8080, host="app.test")
    problem = web.told("P212")
    assert (problem["container"], problem["label"]) == (f"{web.network}-app", "proxyctl.port")
    assert web.served_by(2, host="vpn.test") == {"vpn": 2}


def test_an_owner_on_no_network_of_the_gateway_is_what_is_connected(web: Joined) -> None:
    """By the command in the message: Docker connects no container that has another's network."""
    vpn = web.client.containers.run(BACKEND, name=f"{web.network}-vpn", detach=True, labels={LABEL: "1"})
    web.shared("app", vpn, network=web.network)
    problem = web.told("P201")
    assert problem["container"] == f"{web.network}-app"
    assert problem["reason"].endswith(f"docker network connect {web.network} {web.network}-vpn")
    run_remedy(problem["reason"])
    web.until(app="up")


# ------------------------------------------------------------------ no network at all


def without(web: Joined, mode: str) -> Any:
    """Start a container with such a network; the label says that it is meant, as other gateways may run here."""
    labels = {"proxyctl.enable": "true", "proxyctl.network": web.network, LABEL: "1"}
    return web.client.containers.run(
        BACKEND, ["--port", "0"], name=f"{web.network}-app", detach=True, network_mode=mode, labels=labels
    )


def test_a_container_without_a_network_is_given_one_by_the_remedy(web: Joined) -> None:
    """With the network `none`, which Docker lets it leave."""
    app = without(web, "none")
    reason = web.told("P201")["reason"]
    run_remedy(reason)
    app.reload()
    assert set(app.attrs["NetworkSettings"]["Networks"]) == {web.network}
    eventually(lambda: not [p for p in web.problems() if p["code"] == "P201"], "the end of the problem", GONE)


def test_a_container_with_the_network_of_the_host_has_to_be_made_anew(web: Joined) -> None:
    """Docker connects it to no other, so that is not what is said."""
    app = without(web, "host")
    reason = web.told("P201")["reason"]
    assert reason == (
        f"is not on network {web.network}: make {web.network}-app anew with --network {web.network} in place of "
        "--network host, which Docker never changes"
    )
    with pytest.raises(docker.errors.APIError):
        web.client.networks.get(web.network).connect(app)
    app.remove(force=True)
    web.run("app")
    web.until(app="up")


# ------------------------------------------------------------------ rollouts


def test_a_rollout_keeps_all_networks(web: Joined) -> None:
    """And the network by which the pool is reached."""
    web.run("app", network=web.shop, labels={"network": web.blog, "pool": "app"})
    for network in (web.network, web.blog):
        web.client.networks.get(network).connect(web.container("app"))
    web.until(app="up")
    ran = web.ctl("rollout", "app", "--image", BACKEND)
    assert ran.returncode == 0, ran.stderr
    eventually(lambda: web.servers() == {"app-r2": "up"}, "the new one alone")
    networks = web.container("app-r2").attrs["NetworkSettings"]["Networks"]
    assert set(networks) == {web.network, web.shop, web.blog}
    assert web.served_by(2) == {"app-r2": 2}


def test_a_rollout_of_a_container_with_the_network_of_another_is_refused(web: Joined) -> None:
    """Two cannot listen on one port of one address."""
    web.shared("app", web.run("vpn", labels={"enable": None}), pool="app")
    web.until(app="up")
    ran = web.ctl("rollout", "app", "--image", BACKEND)
    assert ran.returncode == 1
    assert f"{web.network}-app lives in the network of container " in ran.stderr
