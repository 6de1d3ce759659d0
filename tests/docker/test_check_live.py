"""`proxyctl check` on real gateways: a right one passes by every algorithm, and what is changed behind it is caught."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import docker
import pytest

from proxyctl.api import client as control
from proxyctl.check.measures.tally import Progress
from proxyctl.check.run import run as run_check
from tests.docker.command_line import run_proxyctl
from tests.docker.conftest import fresh_network
from tests.docker.loads import in_turn
from tests.docker.watching import Watch, eventually, watching

pytestmark = pytest.mark.docker

POOLS = {
    "random": {"balance": "random"},
    "least": {"balance": "leastconn"},
    "uri": {"balance": "uri"},
    "source": {"balance": "source"},
    "sticky": {"sticky": "who"},
}


@pytest.fixture(scope="module", params=["haproxy", "nginx"])
def world(
    request: pytest.FixtureRequest, docker_client: docker.DockerClient, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Watch]:
    """Three servers, of weights 3, 2 and 1, in a pool for each algorithm, and a backup in one."""
    with (
        fresh_network() as network,
        watching(docker_client, network, request.param, tmp_path_factory.mktemp("check") / "state") as watch,
    ):
        routes = {
            f"route.{name}.{key}": value
            for name, keys in POOLS.items()
            for key, value in {"host": f"{name}.example", "pool": name, **keys}.items()
        }
        labels: dict[str, dict[str, str]] = {
            "web1": {"weight": "3", **routes},
            "web2": {"weight": "2", **routes},
            "web3": {"weight": "1", **routes},
            "spare": {"backup": "true"},
        }
        watch.run_each(**{name: {"pool": "web", "host": "web.example", **more} for name, more in labels.items()})
        watch.start()
        watch.until("web", web1="up", web2="up", web3="up", spare="up")
        watch.until("sticky", web1="up", web2="up", web3="up")
        yield watch


def check(world: Watch, host: str, *argv: str, code: int = 0) -> dict[str, Any]:
    """Check one pool; return its verdicts by name."""
    with in_turn():
        ended = world.ctl("check", world.url, "--host", f"{host}.example", "--json", *argv)
    assert ended.returncode == code, ended.stderr + ended.stdout[-3000:]
    told: dict[str, Any] = json.loads(ended.stdout)
    return {verdict["name"]: verdict for verdict in told["verdicts"]} | {"report": told}


@pytest.mark.parametrize(
    ("host", "argv", "judged"),
    [
        ("random", ["-r", "600"], {"balance"}),
        ("least", ["-r", "600", "-c", "30"], {"leastconn"}),
        ("uri", ["-r", "600", "--keys", "150"], {"consistent", "spread"}),
        ("source", ["-r", "200"], {"consistent"}),
        ("sticky", ["-r", "600", "--keys", "150", "--key-by", "cookie"], {"consistent", "spread"}),
    ],
)
def test_right_gateway_passes(world: Watch, host: str, argv: list[str], judged: set[str]) -> None:
    """Each algorithm is judged by the test that fits it, and passes on both engines."""
    verdicts = check(world, host, *argv)
    assert judged <= verdicts.keys(), verdicts["report"]["notes"]


def test_round_robin_is_exact(world: Watch) -> None:
    """Where the gateway's own count says that nobody else asked, round robin is held to the single request.

    The backup has nothing to do, and the servers are told the truth about their client.
    """
    user = () if world.engine == "haproxy" else ("--proxy-workers", "1")  # nginx counts nothing
    verdicts = check(world, "web", "-r", "601", *user)
    assert {"balance", "backup", "headers"} <= verdicts.keys(), verdicts["report"]["notes"]
    assert verdicts["balance"]["expected"] == "within 1 cycle"


def test_the_gateway_s_own_address_is_told_the_secret(world: Watch) -> None:
    """Nobody named the gateway on the command line: its address on the network is known to be its own."""
    place = {"PROXYCTL_NETWORK": world.network, "PROXYCTL_STATE": str(world.state)}
    ran = run_proxyctl("check", world.url, "--host", "web.example", "-r", "6", "--json", env=place)
    servers = json.loads(ran.stdout)["servers"].values()
    assert sum(s["requests"] for s in servers) == 6, ran.stderr


def test_weights_that_were_swapped_are_caught(world: Watch) -> None:
    """Who expects other weights than the gateway has is told, with 99."""
    prefix = world.network
    swapped = f"{prefix}-web1=1,{prefix}-web2=2,{prefix}-web3=3"
    assert not check(world, "web", "-r", "300", "--expect-weights", swapped, code=99)["balance"]["ok"]


async def test_events_of_watch_are_in_the_report(world: Watch) -> None:
    """What `watch` does while requests are sent is in the report, as it happened."""
    server, under_way, stop = f"{world.network}-web1", asyncio.Event(), asyncio.Event()

    def show(progress: Progress) -> None:
        if progress.requests > 20:
            under_way.set()

    load = asyncio.create_task(run_check(world.url, duration=60, rate=100, stop=stop, on_progress=show))
    await asyncio.wait_for(under_way.wait(), 20)
    await asyncio.to_thread(control.Client(world.state).override, server, weight=2)

    def told() -> bool:
        return any(server in e.text and ": weight " in e.text for e in control.events(world.state))

    await asyncio.to_thread(eventually, told, "the new weight")  # on nginx the spacing of reloads may hold it up
    stop.set()
    report = (await load).with_events(control.events(world.state))
    world.ctl("ready", server)
    assert any(server in event.text and ": weight " in event.text for event in report.events), report.events
    assert all(report.started_at - 1 <= event.at <= report.started_at + report.seconds + 1 for event in report.events)
