"""The source against a fake engine on the wire: how it follows a world without faults, and what that costs."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from proxyctl.core import layout
from proxyctl.providers.docker.source import DockerSource
from tests.providers.docker.fake_engine import UNCLOSED, FakeEngine
from tests.providers.docker.following import ENABLED, NET, NEVER, following, fresh, one_resync, seen, until
from tests.providers.docker.world import World

pytestmark = pytest.mark.filterwarnings(UNCLOSED)


def life(world: World) -> list[tuple[str, Callable[[], object]]]:
    """Return everything that can happen to a container, in an order in which it can."""
    web = world.create("web", NET, ENABLED, checked=True)
    other = world.create("other", "elsewhere", ENABLED)
    return [
        ("start", lambda: world.start(web)),
        ("healthy", lambda: world.become(web, "healthy")),
        ("unhealthy", lambda: world.become(web, "unhealthy")),
        ("healthy", lambda: world.become(web, "healthy")),
        ("pause", lambda: world.pause(web)),
        ("unpause", lambda: world.unpause(web)),
        ("rename", lambda: world.rename(web, "web-new")),
        ("disconnect", lambda: world.disconnect(web, NET)),
        ("connect", lambda: world.connect(web, NET)),
        ("connect", lambda: world.connect(web, "elsewhere")),
        ("restart", lambda: world.restart(web)),
        ("kill", lambda: world.kill(web)),
        ("start", lambda: world.start(web)),
        ("stop", lambda: world.stop(web)),
        ("start", lambda: world.start(other)),
        ("connect", lambda: world.connect(other, NET)),
        ("destroy", lambda: world.remove(web)),
        ("relabel", lambda: world.run("web-new", NET, {**ENABLED, "proxyctl.weight": "3"})),
    ]


async def test_every_change_is_known_by_its_event(engine: FakeEngine) -> None:
    """Without a resync the snapshot is that of a new source after each change; a listing and an inspect are equal."""
    changes = life(engine.world)
    async with following(engine, resync=NEVER) as source:
        for what, change in changes:
            change()
            now = await fresh(engine)
            await until(lambda now=now: source.snapshot == now, what)  # type: ignore[misc]
        assert engine.calls["list"] == 3 * (1 + len(changes))
        assert source.drift == 0


async def test_a_container_that_is_being_stopped_is_known_by_the_kill_with_its_stop_signal(engine: FakeEngine) -> None:
    """Its own stop signal or 9 means stopping, until it ends; any other signal does not, nor does a resync undo it."""
    quits = engine.world.run("quits", NET, ENABLED, stop_signal=3)
    reloads = engine.world.run("reloads", NET, ENABLED)
    async with following(engine) as source:
        engine.world.signal(reloads, 1)
        engine.world.signal(quits, 15)
        engine.world.signal(quits, 3)
        await until(lambda: (c := seen(source, "quits")) and c.stopping, "stopping")
        await one_resync(source)
        assert (c := seen(source, "quits"))
        assert c.stopping
        assert (c := seen(source, "reloads"))
        assert not c.stopping
        engine.world.die(quits)
        await until(lambda: (c := seen(source, "quits")) and c.state == "exited" and not c.stopping, "its end")
        assert source.drift == 0


async def test_who_survives_that_its_memory_ran_out_is_back_soon(engine: FakeEngine) -> None:
    """Also when other events of it come meanwhile; a stop that comes meanwhile is one."""
    lives, stops, later = (engine.world.run(name, NET, ENABLED) for name in ("lives", "stops", "later"))
    async with following(engine, resync=NEVER) as source:
        for box in (stops, lives, later):
            engine.world.oom(box)
            await until(lambda box=box: (c := seen(source, box.name)) and c.stopping, "the drain")  # type: ignore[misc]
        engine.world.signal(lives, 1)
        engine.world.signal(stops, 15)
        for name in ("lives", "later"):
            await until(lambda name=name: (c := seen(source, name)) and not c.stopping, "its return")  # type: ignore[misc]
        assert (c := seen(source, "stops"))
        assert c.stopping


async def test_a_container_that_crashes_in_a_loop_is_known_by_the_ends_that_nobody_asked_for(
    engine: FakeEngine,
) -> None:
    """A restart by an operator is none of these, and makes up for those before; every resync keeps what is known."""
    crashes, restarts, once = (engine.world.run(name, NET, ENABLED) for name in ("crashes", "restarts", "once"))
    again = engine.world.run("again", NET, ENABLED)

    def looping(source: DockerSource) -> dict[str, bool]:
        assert source.snapshot is not None
        return {c.name: c.looping for c in source.snapshot.crashes}

    async with following(engine) as source:
        engine.world.die(once, 1)
        for _ in range(3):
            engine.world.die(crashes, 137)
            engine.world.start(crashes)
            engine.world.restart(restarts)
            engine.world.die(again)
            engine.world.start(again)
        await until(lambda: looping(source) == {"once": False, "crashes": True, "again": True}, "three crashes")
        await one_resync(source)
        engine.world.restart(again)
        await until(lambda: looping(source) == {"once": False, "crashes": True}, "the operator's restart")
        engine.world.remove(crashes)
        await until(lambda: looping(source) == {"once": False}, "its removal")
        assert source.drift == 0


async def test_who_asks_for_nothing_is_not_looked_at(engine: FakeEngine) -> None:
    """Containers on other networks without a label cost no inspect; those on the network are known, to be adopted."""
    async with following(engine, resync=NEVER) as source:
        for n in range(5):
            engine.world.run(f"far{n}", "elsewhere", {})
        engine.world.run("near", NET, {})
        await until(lambda: seen(source, "near"), "the one on the network")
        assert len(source.snapshot.containers) == 1 if source.snapshot else False
        assert engine.calls["inspect"] <= 3


async def test_gateways_are_known_and_watched(engine: FakeEngine) -> None:
    """A second gateway tells which networks are served; anything that happens to the own one is counted."""
    own = engine.world.run("proxyctl-shop", NET, {layout.GATEWAY_LABEL: NET})
    async with following(engine, resync=NEVER) as source:
        assert source.snapshot is not None
        assert source.snapshot.gateways == (NET,)
        assert [c.name for c in source.snapshot.containers] == ["proxyctl-shop"]
        engine.world.run("proxyctl-b", "b", {layout.GATEWAY_LABEL: "b"})
        await until(lambda: source.snapshot and source.snapshot.gateways == ("b", NET), "the other gateway")
        before = source.gateway_changes
        engine.world.kill(own)
        await until(lambda: source.gateway_changes > before, "the own gateway's end")


async def test_joined_networks_are_followed_like_the_own_one(engine: FakeEngine) -> None:
    """Containers without a label are known on each; a network that comes or goes has the gateway looked after."""
    async with following(engine, resync=NEVER, join=("blog",)) as source:
        assert source.snapshot is not None
        assert (source.snapshot.network, source.snapshot.networks) == (NET, (NET, "blog"))
        plain = engine.world.run("plain", "blog", {})
        await until(lambda: seen(source, "plain"), "the one on the joined network")
        engine.world.disconnect(plain, "blog")
        await until(lambda: (c := seen(source, "plain")) and not c.attachments, "its disconnect")
        for action in ("destroy", "create"):
            before = source.gateway_changes
            engine.world.change_network("strange", action)
            engine.world.change_network("blog", action)
            await until(lambda before=before: source.gateway_changes > before, action)  # type: ignore[misc]
            assert source.gateway_changes == before + 1
        assert {c.name for c in (await fresh(engine, ("blog",))).containers} == set()


async def test_a_gateway_has_its_address(engine: FakeEngine) -> None:
    """So that a server which had it before does not get the gateway's own requests; of other gateways as well.

    The event of its connection may come before it runs, when it has none yet: here that event is lost.
    """
    own = engine.world.run("proxyctl-shop", NET, {layout.GATEWAY_LABEL: NET})
    async with following(engine, resync=NEVER, join=("b",)) as source:
        other = engine.world.run("proxyctl-b", "b", {layout.GATEWAY_LABEL: "b"})
        for box, network in ((own, NET), (other, "b")):
            engine.world.stop(box)
            await until(lambda box=box: (c := seen(source, box.name)) and not c.live, "the end")  # type: ignore[misc]
            taker = engine.world.run(f"takes-{network}", network, {})
            await until(lambda taker=taker: seen(source, taker.name), "the address to be taken")  # type: ignore[misc]
            engine.lose(1)
            engine.settle()
            engine.world.start(box)
            await until(
                lambda box=box, network=network: (  # type: ignore[misc]
                    (c := seen(source, box.name)) and c.address_on(network) == box.networks[network]
                ),
                "the new address",
            )


# ------------------------------------------------------------------ scale


async def test_a_thousand_containers_and_a_storm(engine: FakeEngine) -> None:
    """A listing inspects nobody, an event costs one inspect, and nothing is listed again because of events."""
    for n in range(1000):
        engine.world.run(f"web{n}", NET, ENABLED)
    resting = [engine.world.create(f"new{n}", NET, ENABLED) for n in range(100)]
    async with following(engine, resync=NEVER) as source:
        # those that do not run show no ports in a listing: each is inspected once, and never again
        again = await source.list_once()
        assert all(c.ports == (80,) for c in again.containers)
        assert engine.calls["list"] == 6
        assert engine.calls["inspect"] == len(resting)
        for box in resting:
            engine.world.start(box)
        await until(lambda: source.snapshot and all(c.live for c in source.snapshot.containers), "all to run", 20)
        events = 2 * len(resting)  # network connect and start
        await until(lambda: engine.calls["inspect"] >= len(resting) + events, "the last inspect")
        assert engine.calls["inspect"] == len(resting) + events
        assert engine.calls["list"] == 6
        assert source.drift == 0
