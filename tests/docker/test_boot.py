"""A gateway that starts while no `watch` runs, and whose containers have other addresses by then.

Docker gives addresses anew at every start of a container. The gateway may send no request of one site to another
site's container, with the awk and the DNS tools that each image has.
"""

from __future__ import annotations

import contextlib
import functools
import ipaddress
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from proxyctl.settings import EngineKind
from tests.docker.box import VERSIONS
from tests.docker.private_engine import PrivateEngine, private_engine
from tests.docker.test_identity import address
from tests.docker.watching import BACKEND, Watch, eventually, watching

pytestmark = pytest.mark.docker

BOUND = 10.0
"""Seconds after which no request reaches another site's container, and each container that is there is served."""


def server_of(watch: Watch, host: str) -> str:
    """Return the container that answers for a host, an empty string where none or the gateway itself does."""
    try:
        answer = watch.get(host=host)
    except OSError:
        return ""
    return str(answer.json["server"]) if answer.status == 200 else ""


def own(watch: Watch, *names: str) -> bool:
    """Return whether each of these sites, `a` for a.example, is answered by its own container."""
    return all(server_of(watch, f"{name}.example") == watch.container(name).id[:12] for name in names)


def until_up(watch: Watch, names: str) -> None:
    """Wait until just these containers serve."""
    eventually(lambda: watch.servers() == dict.fromkeys(names, "up"), f"the servers {names}")


def two_sites(watch: Watch, *flags: str) -> None:
    """Run a.example and b.example, each on a container of its own; then the `watch` ends."""
    watch.start(*flags)
    watch.run_each(a={"host": "a.example"}, b={"host": "b.example"})
    until_up(watch, "ab")
    watch.stop()


def stop_gateway(watch: Watch) -> None:
    """Stop the gateway, whose address a stranger takes: Docker gives the lowest free one."""
    watch.gateway.stop(timeout=1)
    watch.run("stranger", labels={"enable": None})


def swap(watch: Watch) -> None:
    """Start a and b anew, so that each gets the address of the other."""
    before = {name: address(watch, name) for name in "ab"}
    boxes = {name: watch.container(name) for name in "ab"}
    for box in boxes.values():
        box.stop(timeout=1)
    for name in sorted(boxes, key=lambda name: ipaddress.ip_address(before[name]), reverse=True):
        boxes[name].start()
    assert {"a": address(watch, "b"), "b": address(watch, "a")} == before
    for name in boxes:
        watch.until_listening(name)


def test_an_address_that_another_container_has_is_not_served(watch: Watch) -> None:
    """Without `watch`: the gateway stopped, `a` was removed, `c` got its address, and the gateway starts."""
    two_sites(watch)
    had = address(watch, "a")
    stop_gateway(watch)
    watch.container("a").remove(force=True)
    watch.run("c", labels={"host": "c.example"})
    assert address(watch, "c") == had
    watch.until_listening("c")
    watch.gateway.start()
    eventually(lambda: own(watch, "b"), "an answer", BOUND)
    for _ in range(20):
        assert watch.get(host="a.example").status in {502, 503}
        assert own(watch, "b")
    watch.start()
    watch.until(f"{watch.network}-c", c="up", within=10)
    assert own(watch, "b", "c")


def test_containers_that_swapped_their_addresses_are_served_where_they_are(watch: Watch) -> None:
    """Without `watch`: at the start of the gateway by the first request, and after a while also when it runs on."""
    two_sites(watch)
    stop_gateway(watch)
    swap(watch)
    watch.gateway.start()
    answers = set()

    def settled() -> bool:
        answers.add(server_of(watch, "a.example"))
        return own(watch, "a", "b")

    eventually(settled, "each site's own container", BOUND)
    assert watch.container("b").id[:12] not in answers
    swap(watch)
    eventually(settled, "each site's own container again", 2 * BOUND)
    watch.start()
    watch.until(f"{watch.network}-a", a="up")
    assert own(watch, "a", "b")


def test_containers_that_start_after_the_gateway_are_served(watch: Watch) -> None:
    """As when a host boots: nobody is there when the gateway starts, then they come one by one, without `watch`."""
    two_sites(watch)
    stop_gateway(watch)
    for name in "ab":
        watch.container(name).stop(timeout=1)
    watch.gateway.start()

    def answers() -> bool:
        with contextlib.suppress(OSError):
            return watch.get(host="a.example").status in {502, 503}
        return False

    eventually(answers, "an answer", BOUND)
    for name in "ba":
        watch.container(name).start()
        eventually(functools.partial(own, watch, name), f"{name}.example", BOUND)
    assert "containers have moved while no watch runs" in watch.gateway.logs().decode()


def test_a_gateway_that_boots_with_everything_in_place_is_adopted(watch: Watch) -> None:
    """What it reads is the generation itself: the next `watch` reloads nothing."""
    two_sites(watch)
    watch.gateway.restart(timeout=1)
    eventually(lambda: server_of(watch, "a.example"), "an answer", BOUND)
    assert (watch.state / "proxy" / "serve").readlink() == Path("current")
    generation = (watch.state / "proxy" / "current").readlink()
    watch.start()
    watch.until(f"{watch.network}-a", a="up")
    assert (watch.state / "proxy" / "current").readlink() == generation


OLDER = [(kind, version) for kind, versions in VERSIONS.items() for version in versions[1:]]


@pytest.mark.parametrize(("kind", "version"), OLDER)
def test_every_image_has_what_the_boot_needs(
    kind: EngineKind, version: str, docker_client: Any, network: str, tmp_path: Path
) -> None:
    """The older ones: the swap at the start of the gateway, with their own proxies."""
    with watching(docker_client, network, kind, tmp_path / "state") as watch:
        two_sites(watch, "--image", f"proxyctl/{kind}:{version}")
        stop_gateway(watch)
        swap(watch)
        watch.gateway.start()
        eventually(lambda: own(watch, "a", "b"), "each site's own container", BOUND)


@pytest.fixture(scope="module")
def second_engine() -> Iterator[PrivateEngine]:
    """An engine that has power cuts."""
    with private_engine(BACKEND, "proxyctl/haproxy:latest", "proxyctl/nginx:latest") as engine:
        yield engine


SITES = "abcdef"


@pytest.mark.parametrize("engine", ["haproxy", "nginx"])
def test_after_a_power_cut_no_site_is_answered_by_another(
    second_engine: PrivateEngine, engine: str, tmp_path: Path
) -> None:
    """Docker starts what ran before, in any order and with other addresses; one site stays away. There is no `watch`.

    Takes its 15 s: a Docker engine ends and starts.
    """
    client, network = second_engine.client, f"net-{engine}"
    client.networks.create(network)
    with watching(client, network, engine, tmp_path / "state") as watch:
        watch.env["DOCKER_HOST"] = second_engine.host
        watch.start()
        for name in SITES:
            policy = {"Name": "no" if name == "c" else "always"}
            watch.run(name, labels={"host": f"{name}.example"}, restart_policy=policy)
        until_up(watch, SITES)
        watch.stop()
        second_engine.crash()
        second_engine.start()
        watch.client = second_engine.client
        with ThreadPoolExecutor(1, initializer=second_engine.move_in) as inside:

            def right() -> bool:
                found = {name: inside.submit(server_of, watch, f"{name}.example").result() for name in SITES}
                for name, container in found.items():
                    assert container in {"", watch.container(name).id[:12]}, f"{name}.example answered by {container}"
                return all(found[name] for name in SITES if name != "c")

            eventually(right, "every site's own container", 60)
