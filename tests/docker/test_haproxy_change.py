"""Servers that join, leave and change on a running HAProxy, without a reload."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import http.client
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from proxyctl.core.effect import same_servers
from proxyctl.core.model import Desired, HealthCheck, Pool, Server
from proxyctl.core.plan import diff
from proxyctl.engines.haproxy import sockets
from proxyctl.engines.haproxy.paths import ADMIN_SOCKET
from proxyctl.engines.haproxy.rules import HAProxyRules
from proxyctl.errors import RuntimeRefused
from tests.docker.box import VERSIONS, Box, RunContainer, named, server, start_backend, world
from tests.docker.conftest import started_box

pytestmark = pytest.mark.docker

Backend = Callable[[str], str]


class Changer:
    """A gateway with what it was last brought to; `to` brings it further, without a reload."""

    def __init__(self, box: Box) -> None:
        self.box = box
        self.now = Desired()
        self.pid = 0

    async def load(self, desired: Desired) -> None:
        """Start from here, by a reload."""
        await self.box.load(desired)
        self.now, self.pid = desired, (await sockets.info(self.admin)).pid

    async def to(self, desired: Desired, edit: Callable[[str], str] = str) -> None:
        """Change at run time, then put the file in place as `apply` does."""
        assert self.box.features is not None
        plan = diff(self.now, desired)
        rules = HAProxyRules(self.box.features)
        assert {rules.reload_reason(c, desired) for c in plan.changes} <= {""}
        files = self.box.render(desired, edit)
        await self.box.engine.change(plan, files)
        self.box.generations.switch(self.box.generations.stage(files, desired))
        self.now = desired
        running = await self.box.engine.running()
        assert running is not None
        assert running.servers is not None
        assert same_servers(running.servers, desired)
        assert (await sockets.info(self.admin)).pid == self.pid, "there was a reload"

    @property
    def admin(self) -> Path:
        """The runtime socket."""
        return self.box.run_folder / ADMIN_SOCKET

    def answers(self, number: int = 8, **more: object) -> set[str]:
        """Return who answers some requests."""
        return {self.box.get(**more)[2] for _ in range(number)}  # type: ignore[arg-type]

    async def until_inside(self, name: str) -> None:
        """Wait until a request is inside a server."""
        async with asyncio.timeout(15):
            while name not in await sockets.ask(self.admin, "show sess"):
                await asyncio.sleep(0.01)


OLD_AND_NEW = (VERSIONS["haproxy"][0], VERSIONS["haproxy"][-1])


@pytest.fixture(scope="module", params=OLD_AND_NEW)
def box(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """Return the newest and the oldest HAProxy."""
    with started_box(tmp_path_factory.mktemp("box"), "haproxy", request.param) as made:
        yield made


@pytest.fixture
def gateway(box: Box) -> Changer:
    """Return a gateway with each."""
    return Changer(box)


@pytest.fixture(params=OLD_AND_NEW)
def fresh(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Changer]:
    """Return one that was never loaded."""
    with started_box(tmp_path, "haproxy", request.param) as made:
        yield Changer(made)


@pytest.fixture
def network(box: Box) -> str:
    """The gateway's."""
    return box.network


@pytest.fixture
def backend(run_container: RunContainer, network: str) -> Backend:
    """Return a function that starts a server answering with a name; it returns its address."""
    return lambda name: start_backend(run_container, network, named(name))


def pool(*servers: Server, **more: object) -> Desired:
    """Return the world of one pool, whose settings are in `more`."""
    base = world(*servers)
    return dataclasses.replace(base, pools=(dataclasses.replace(base.pools[0], **more),))  # type: ignore[arg-type]


async def test_servers_join_and_leave(gateway: Changer, backend: Backend) -> None:
    """A pool grows from nothing, shrinks again, and takes the same name back at another address."""
    one, two = (server(f"web{i}", backend(f"web{i}")) for i in (1, 2))
    await gateway.load(world())
    assert gateway.box.get()[0] == 503
    await gateway.to(world(one))
    assert gateway.answers() == {"web1"}
    await gateway.to(world(one, two))
    assert gateway.answers() == {"web1", "web2"}
    await gateway.to(world(two))
    assert gateway.answers() == {"web2"}
    await gateway.to(world(dataclasses.replace(one, address=two.address), two))
    assert gateway.answers() == {"web2"}
    await gateway.to(world())
    assert gateway.box.get()[0] == 503


async def test_weights_drains_and_addresses_change(gateway: Changer, backend: Backend) -> None:
    """Weights set the shares, a drained server gets nothing and comes back, a moved one is met at its new place."""
    one, two = (server(f"web{i}", backend(f"web{i}")) for i in (1, 2))
    await gateway.load(world(one, two))
    await gateway.to(world(dataclasses.replace(one, weight=3), two))
    assert sorted(gateway.box.get()[2] for _ in range(8)) == ["web1"] * 6 + ["web2"] * 2
    await gateway.to(world(dataclasses.replace(one, draining=True), two))
    assert gateway.answers() == {"web2"}
    await gateway.to(world(one, dataclasses.replace(two, weight=0)))
    assert gateway.answers() == {"web1"}
    await gateway.to(world(dataclasses.replace(one, address=two.address), two))
    assert gateway.answers() == {"web2"}


async def test_a_draining_server_finishes_what_it_has(
    gateway: Changer, run_container: RunContainer, network: str, backend: Backend
) -> None:
    """A request that is inside while its server drains, and even while it is removed, is answered.

    The removed server is deleted at a later change, once its container has gone: before, an idle connection holds it.
    """
    made: list[Any] = []

    def run(*args: Any, **more: Any) -> Any:
        made.append(run_container(*args, **more))
        return made[-1]

    slow = "    tcp-request inspect-delay 1s\n    tcp-request content accept if WAIT_END\n" + named("slow")
    one = server("web1", start_backend(run, network, slow))
    two = server("web2", backend("web2"))
    await gateway.load(world(one))
    inside = asyncio.create_task(asyncio.to_thread(gateway.box.get))
    await gateway.until_inside("web1")
    await gateway.to(world(dataclasses.replace(one, draining=True), two))
    assert gateway.answers() == {"web2"}
    await gateway.to(world(two))
    assert [r.leftover for r in await sockets.rows(gateway.admin) if r.name == "web1"] == [True]
    assert (await inside)[::2] == (200, "slow")
    await asyncio.to_thread(made[0].kill)
    async with asyncio.timeout(15):
        for weight in range(2, 256):
            await gateway.to(world(dataclasses.replace(two, weight=weight)))
            if [r.name for r in await sockets.rows(gateway.admin, "web")] == ["web2"]:
                break


@pytest.mark.parametrize("again", [True, False], ids=["the same", "as another"])
async def test_a_name_returns_while_its_old_connections_last(
    gateway: Changer, run_container: RunContainer, network: str, backend: Backend, again: bool
) -> None:
    """A server whose name is still taken is moved to its new address; with other options that takes a reload."""
    slow = "    tcp-request inspect-delay 2s\n    tcp-request content accept if WAIT_END\n" + named("slow")
    old = server("web1", start_backend(run_container, network, slow))
    new = dataclasses.replace(old, address=backend("new"), backup=not again)
    await gateway.load(world(old))
    inside = asyncio.create_task(asyncio.to_thread(gateway.box.get))
    await gateway.until_inside("web1")
    await gateway.to(world())
    if again:
        await gateway.to(world(new))
        assert gateway.answers() == {"new"}
    else:
        with pytest.raises(RuntimeRefused, match="its predecessor still has connections"):
            await gateway.to(world(new))
    assert (await inside)[::2] == (200, "slow")


async def test_maxconn_changes(gateway: Changer, backend: Backend) -> None:
    """The limit of a server is another one at once; to give it one at all takes a reload."""
    one = server("web1", backend("web1"), maxconn=5)
    await gateway.load(world(one))
    await gateway.to(world(dataclasses.replace(one, maxconn=9)))
    lines = (await sockets.ask(gateway.admin, "show stat")).splitlines()
    row = next(dict(zip(lines[0].split(","), x.split(","), strict=True)) for x in lines if x.startswith("web,web1,"))
    assert row["slim"] == "9"
    with pytest.raises(RuntimeRefused, match="not given or taken away"):
        await gateway.box.engine.change(
            diff(gateway.now, world(dataclasses.replace(one, maxconn=None))),
            gateway.box.render(world(dataclasses.replace(one, maxconn=None))),
        )


@pytest.mark.parametrize(
    "settings",
    [
        {"balance": "leastconn"},
        {"balance": "source"},
        {"balance": "uri"},
        {"balance": "random"},
        {"protocol": "tcp", "balance": "uri"},
        {"protocol": "https"},
        {"protocol": "h2c"},
    ],
    ids=lambda s: "-".join(s.values()),
)
async def test_every_kind_of_pool_takes_servers_at_run_time(gateway: Changer, settings: dict[str, str]) -> None:
    """No algorithm or protocol needs a reload for a server; options and all are accepted."""
    port = "tcp" if settings.get("protocol") == "tcp" else "http"
    base = world()
    empty = Desired((dataclasses.replace(base.listeners[0], protocol=port),), (Pool("web", **settings),))  # type: ignore[arg-type]
    await gateway.load(empty)
    full = server("web1", "192.0.2.1", 8443, weight=2, backup=True, maxconn=3)
    await gateway.to(dataclasses.replace(empty, pools=(dataclasses.replace(empty.pools[0], servers=(full,)),)))


async def test_a_draining_server_of_a_sticky_pool_gets_nothing(gateway: Changer, backend: Backend) -> None:
    """With weight 0 alone HAProxy still follows the cookie: such a server goes to maintenance, and comes back."""
    one, two = (server(f"web{i}", backend(f"web{i}")) for i in (1, 2))
    await gateway.load(pool(one, two, sticky="SRV"))
    cookie = {"Cookie": "SRV=web1"}
    assert gateway.answers(headers=cookie) == {"web1"}
    await gateway.to(pool(dataclasses.replace(one, draining=True), two, sticky="SRV"))
    assert gateway.answers(headers=cookie) == {"web2"}
    await gateway.box.load(gateway.now)
    gateway.pid = (await sockets.info(gateway.admin)).pid
    running = await gateway.box.engine.running()
    assert running is not None
    assert running.servers is not None
    assert same_servers(running.servers, gateway.now)
    assert gateway.answers(headers=cookie) == {"web2"}
    await gateway.to(pool(one, two, sticky="SRV"))
    assert gateway.answers(headers=cookie) == {"web1"}


@pytest.mark.parametrize("box", VERSIONS["haproxy"][:1], indirect=True)
async def test_a_server_joins_a_sticky_pool(gateway: Changer, backend: Backend) -> None:
    """From 3.0 a server with a cookie is added at run time and met by it."""
    one, two = (server(f"web{i}", backend(f"web{i}")) for i in (1, 2))
    await gateway.load(pool(one, sticky="SRV"))
    await gateway.to(pool(one, two, sticky="SRV"))
    assert gateway.answers(headers={"Cookie": "SRV=web2"}) == {"web2"}


async def test_a_stranger_in_the_pool_is_put_right(gateway: Changer, backend: Backend) -> None:
    """Someone else's run-time changes in a pool that changes anyway are undone."""
    one, two = (server(f"web{i}", backend(f"web{i}")) for i in (1, 2))
    await gateway.load(world(one))
    await sockets.ask(
        gateway.admin, "add server web/odd 192.0.2.1:80", "enable server web/odd", "set server web/web1 state drain"
    )
    await gateway.to(world(one, two))
    assert gateway.answers() == {"web1", "web2"}


async def test_a_surprise_is_a_refusal(gateway: Changer, backend: Backend) -> None:
    """What HAProxy does not take, or takes otherwise, makes the caller reload."""
    one, two = server("web1", backend("web1")), server("web2", "192.0.2.1")
    await gateway.load(world(one))
    for wrong, reason in (
        (("{{ server.port }} weight", "{{ server.port }} oops weight"), "unknown keyword 'oops'"),
        (("    option allbackups\n", "    default-server check\n"), "default-server does not count"),
        (("server.weight }}", "9 }}"), "weight 9, which is not what was asked for"),
    ):
        with pytest.raises(RuntimeRefused, match=reason):
            await gateway.to(world(one, two), lambda t, w=wrong: t.replace(*w))  # type: ignore[misc]


async def test_nobody_answering_is_a_refusal(gateway: Changer) -> None:
    """With the proxy down there is nothing to change."""
    await gateway.load(world())
    gateway.box.client.kill(f"proxyctl-{gateway.box.network}")
    try:
        with pytest.raises(RuntimeRefused, match=r"refused|No such file"):
            await gateway.to(world(server("web1", "192.0.2.1")))
    finally:
        await gateway.box.lifecycle.ensure()  # the tests after this one use it too


class Echo:
    """A server with a health page that can be switched."""

    def __init__(self, run_container: RunContainer, network: str, name: str, *more: str) -> None:
        made = run_container("proxyctl/echo:latest", command=["--name", name, *more], network=network)
        made.reload()
        self.address = str(made.attrs["NetworkSettings"]["Networks"][network]["IPAddress"])
        self.server = dataclasses.replace(server(name, self.address, 8080), container=str(made.id))

    async def switch(self, to: str) -> None:
        """Turn the health page `up` or `down`, as soon as there is one."""
        async with asyncio.timeout(10):
            while not await asyncio.to_thread(self._post, f"/healthz/{to}"):
                await asyncio.sleep(0.02)

    def _post(self, path: str) -> bool:
        connection = http.client.HTTPConnection(self.address, 8080, timeout=1)
        with contextlib.closing(connection), contextlib.suppress(OSError):
            connection.request("POST", path)
            return connection.getresponse().status < 300
        return False


HEALTH = HealthCheck("/healthz", interval_ms=100, timeout_ms=100, rise=2, fall=2)


async def _up(gateway: Changer) -> dict[str, bool | None]:
    return {c.server: c.up for c in await gateway.box.engine.counts()}


async def _until_up(gateway: Changer, wanted: dict[str, bool | None]) -> None:
    async with asyncio.timeout(10):
        while await _up(gateway) != wanted:
            await asyncio.sleep(0.02)


async def test_a_checked_server_gets_nothing_before_its_first_check(
    gateway: Changer, run_container: RunContainer, network: str
) -> None:
    """It joins as down and stays so while its check fails; once it has passed, requests come."""
    ill = Echo(run_container, network, "web1", "--unhealthy")
    await ill.switch("down")
    await gateway.load(pool(health=HEALTH))
    await gateway.to(pool(ill.server, health=HEALTH))
    for _ in range(20):
        assert gateway.box.get()[0] == 503
    assert await _up(gateway) == {"web1": False}
    await ill.switch("up")
    await _until_up(gateway, {"web1": True})
    assert gateway.box.get()[0] == 200


async def test_a_moved_checked_server_has_to_pass_again(
    gateway: Changer, run_container: RunContainer, network: str
) -> None:
    """Whoever is at the new address has proved nothing yet."""
    well, ill = Echo(run_container, network, "web1"), Echo(run_container, network, "web2", "--unhealthy")
    await well.switch("up")
    await ill.switch("down")
    await gateway.load(pool(well.server, health=HEALTH))
    await _until_up(gateway, {"web1": True})
    await gateway.to(pool(dataclasses.replace(well.server, address=ill.address), health=HEALTH))
    for _ in range(20):
        assert gateway.box.get()[0] == 503


async def test_health_survives_a_reload(gateway: Changer, run_container: RunContainer, network: str) -> None:
    """Who was up is up at once, who was down or is new gets nothing before its check passes."""
    slow = dataclasses.replace(HEALTH, interval_ms=60_000)
    well, ill = Echo(run_container, network, "well"), Echo(run_container, network, "ill", "--unhealthy")
    await well.switch("up")
    await ill.switch("down")
    await gateway.load(pool(well.server, ill.server, health=HEALTH))
    await _until_up(gateway, {"well": True, "ill": False})
    new = Server("new", "", "192.0.2.1", 80)
    await gateway.box.load(pool(well.server, ill.server, new, health=slow))  # no check comes in time to help
    assert await _up(gateway) == {"well": True, "ill": False, "new": False}
    for _ in range(10):
        assert gateway.box.get()[0] == 200


async def test_the_first_boot_waits_for_checks_and_a_crash_does_not(
    fresh: Changer, run_container: RunContainer
) -> None:
    """A first generation's servers have to pass; after a crash all count as up, for nobody knows better."""
    well = Echo(run_container, fresh.box.network, "well")
    await well.switch("up")
    slow = dataclasses.replace(HEALTH, interval_ms=60_000)
    box = fresh.box
    await box.load(pool(well.server, health=slow))
    assert await _up(fresh) == {"well": False}
    assert box.get()[0] == 503
    box.client.kill(f"proxyctl-{box.network}")
    box.client.wait(f"proxyctl-{box.network}")
    await box.lifecycle.ensure()
    async with asyncio.timeout(10):
        while await box.engine.running() is None:
            await asyncio.sleep(0.02)
    assert box.get()[0] == 200


async def test_a_change_takes_milliseconds(gateway: Changer) -> None:
    """The whole of adding one server, proof included, is 1 to 2 ms.

    The fastest of 20 is held to 50: a machine that is busy holds up some, and what waits in the change is in each.
    """
    loop = asyncio.get_running_loop()
    await gateway.load(world())
    took = []
    for number in range(1, 21):
        servers = [server(f"web{i}", f"192.0.2.{i}") for i in range(1, number + 1)]
        files, plan = gateway.box.render(world(*servers)), diff(gateway.now, world(*servers))
        start = loop.time()
        await gateway.box.engine.change(plan, files)
        took.append(loop.time() - start)
        gateway.box.generations.switch(gateway.box.generations.stage(files, world(*servers)))
        gateway.now = world(*servers)
    assert min(took) < 0.05


async def test_a_cut_ends_what_runs_on_a_server_before_and_after_a_reload(
    gateway: Changer, run_container: RunContainer, network: str
) -> None:
    """A request that the worker has, and one that its predecessor finishes; those on another server go on."""
    drains, stays = Echo(run_container, network, "web1"), Echo(run_container, network, "web2")
    await drains.switch("up")
    await stays.switch("up")
    with contextlib.ExitStack() as streams:
        await gateway.load(pool(drains.server))
        old = _stream(gateway, streams)
        await gateway.load(pool(drains.server, stays.server))
        both = {s.headers["X-Served-By"]: s for s in [_stream(gateway, streams), _stream(gateway, streams)]}
        await gateway.box.engine.cut([("web", "web1")])
        for stream in (old, both["web1"]):
            with pytest.raises(http.client.IncompleteRead):
                stream.read()
        assert both["web2"].read(5)


def _stream(gateway: Changer, streams: contextlib.ExitStack) -> http.client.HTTPResponse:
    """Return an answer that lasts for a minute; reading it fails after seconds of silence."""
    connection = http.client.HTTPConnection(gateway.box.address, timeout=5)
    streams.callback(connection.close)
    connection.request("GET", "/stream/60")
    return streams.enter_context(connection.getresponse())
