"""The store against a fake engine on the wire: what it keeps, says and catches up with, fault by fault."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from proxyctl.core import layout
from proxyctl.edges.docker import store as docker_store
from tests.edges.docker.fake_engine import UNCLOSED, FakeEngine
from tests.edges.docker.following import NET, following, fresh, make_store, one_resync, seen, until
from tests.edges.docker.world import World

pytestmark = pytest.mark.filterwarnings(UNCLOSED)

ENABLED = {"proxyctl.enable": "true"}
NEVER = 3600.0
"""Seconds of a resync that does not come."""


def two(world: World) -> None:
    """Run `web1` and `web2`."""
    for name in ("web1", "web2"):
        world.run(name, NET, ENABLED)


# ------------------------------------------------------------------ without a fault


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
    """Without a resync the snapshot is that of a new store after each change; a listing and an inspect are equal."""
    changes = life(engine.world)
    async with following(engine, resync=NEVER) as store:
        for what, change in changes:
            change()
            now = await fresh(engine)
            await until(lambda now=now: store.snapshot == now, what)  # type: ignore[misc]
        assert engine.calls["list"] == 3 * (1 + len(changes))
        assert store.drift == 0


async def test_a_container_that_is_being_stopped_is_known_by_the_kill_with_its_stop_signal(engine: FakeEngine) -> None:
    """Its own stop signal or 9 means stopping, until it ends; any other signal does not, nor does a resync undo it."""
    quits = engine.world.run("quits", NET, ENABLED, stop_signal=3)
    reloads = engine.world.run("reloads", NET, ENABLED)
    async with following(engine) as store:
        engine.world.signal(reloads, 1)
        engine.world.signal(quits, 15)
        engine.world.signal(quits, 3)
        await until(lambda: (c := seen(store, "quits")) and c.stopping, "stopping")
        await one_resync(store)
        assert (c := seen(store, "quits"))
        assert c.stopping
        assert (c := seen(store, "reloads"))
        assert not c.stopping
        engine.world.die(quits)
        await until(lambda: (c := seen(store, "quits")) and c.state == "exited" and not c.stopping, "its end")
        assert store.drift == 0


async def test_who_asks_for_nothing_is_not_looked_at(engine: FakeEngine) -> None:
    """Containers on other networks without a label cost no inspect; those on the network are known, to be adopted."""
    async with following(engine, resync=NEVER) as store:
        for n in range(5):
            engine.world.run(f"far{n}", "elsewhere", {})
        engine.world.run("near", NET, {})
        await until(lambda: seen(store, "near"), "the one on the network")
        assert len(store.snapshot.containers) == 1 if store.snapshot else False
        assert engine.calls["inspect"] <= 3


async def test_gateways_are_known_and_watched(engine: FakeEngine) -> None:
    """A second gateway tells which networks are served; anything that happens to the own one is counted."""
    own = engine.world.run("proxyctl-shop", NET, {layout.GATEWAY_LABEL: NET})
    async with following(engine, resync=NEVER) as store:
        assert store.snapshot is not None
        assert store.snapshot.gateways == (NET,)
        assert store.snapshot.containers == ()
        engine.world.run("proxyctl-b", "b", {layout.GATEWAY_LABEL: "b"})
        await until(lambda: store.snapshot and store.snapshot.gateways == ("b", NET), "the other gateway")
        before = store.gateway_changes
        engine.world.kill(own)
        await until(lambda: store.gateway_changes > before, "the own gateway's end")


# ------------------------------------------------------------------ Docker cannot be asked

AWAY: dict[str, tuple[Callable[[FakeEngine], None], str]] = {
    "the socket is gone": (lambda e: e.vanish(), "is the engine running?"),
    "nobody listens": (lambda e: e.refuse(), "is the engine running?"),
    "every answer is a 500": (lambda e: e.trouble("error"), "the fake engine fails at"),
    "every answer is too late": (lambda e: e.trouble("slow"), "timed out"),
    "every answer is cut": (lambda e: e.trouble("cut"), "Connection"),
    "every answer is broken JSON": (lambda e: e.trouble("garbage"), "Expecting property name"),
    "listings are a 500": (lambda e: e.trouble("error", ("list", "inspect")), "the fake engine fails at"),
    "listings are too late": (lambda e: e.trouble("slow", ("list", "inspect")), "timed out"),
    "listings are cut": (lambda e: e.trouble("cut", ("list", "inspect")), "Connection"),
    "listings are broken JSON": (lambda e: e.trouble("garbage", ("list", "inspect")), "Expecting property name"),
}


@pytest.mark.parametrize("fault", AWAY)
async def test_no_answer_is_not_an_empty_answer(engine: FakeEngine, fault: str) -> None:
    """While Docker cannot be asked the snapshot stays, it shows why, and afterwards the truth is there at once."""
    begin, told = AWAY[fault]
    if "too late" in fault:
        engine.timeout = 0.3
    two(engine.world)
    attempts: list[str] = []
    async with following(engine, wake=attempts.append) as store:
        before, synced = store.snapshot, store.synced_at
        begin(engine)
        engine.settle()
        if engine.reachable:  # an event of one that serves, which leads to a question
            engine.world.signal(next(b for b in engine.world.boxes.values() if b.name == "web2"), 1)
        engine.world.run("web3", NET, ENABLED)
        await until(lambda: told in store.problem, f"a problem with {told!r}, not {store.problem!r}")
        gone = next(b for b in engine.world.boxes.values() if b.name == "web1")
        engine.world.remove(gone)
        for _ in range(3):
            attempts.clear()
            await until(lambda: attempts, "another attempt")
            assert not store.connected
            assert store.snapshot == before
            assert store.synced_at == synced
        engine.heal()
        await one_resync(store)
        assert store.snapshot == await fresh(engine)
        assert seen(store, "web3")
        assert not seen(store, "web1")
        assert store.problem == ""


async def test_a_listing_that_is_not_found_is_no_answer_either(engine: FakeEngine) -> None:
    """A 404, as of a proxy in front of the engine, empties nothing and ends nothing; only one of an inspect is news."""
    two(engine.world)
    async with following(engine) as store:
        engine.trouble("missing", ("ping", "list", "events"))
        await until(lambda: "404" in store.problem, "the problem")
        assert len(store.snapshot.containers if store.snapshot else ()) == 2
        engine.heal()
        await until(lambda: store.connected, "the return")


async def test_before_the_first_answer_there_is_no_world(engine: FakeEngine) -> None:
    """A store that starts while Docker is away knows nothing, which is not an empty world, and finds it later."""
    two(engine.world)
    engine.vanish()
    store = make_store(engine)
    task = asyncio.create_task(store.run(lambda _: None))
    await until(lambda: store.problem, "a problem")
    assert store.snapshot is None
    engine.heal()
    await until(lambda: store.snapshot, "a snapshot")
    assert store.snapshot == await fresh(engine)
    task.cancel()


async def test_an_engine_that_comes_back_newer_is_spoken_to_in_its_version(engine: FakeEngine) -> None:
    """After an upgrade that refuses the old API version, the version is negotiated anew."""
    two(engine.world)
    async with following(engine) as store:
        engine.vanish()
        await until(lambda: not store.connected, "the loss")
        engine.versions = ("1.44", "1.52")
        engine.world.run("web3", NET, ENABLED)
        engine.heal()
        await one_resync(store)
        assert seen(store, "web3")


# ------------------------------------------------------------------ the event stream


@pytest.mark.parametrize("cut", [False, True])
async def test_a_stream_that_ends_is_opened_anew_at_once(engine: FakeEngine, cut: bool) -> None:
    """Whether it ended properly or in the middle of an event: what happened meanwhile is there without a resync."""
    two(engine.world)
    reasons: list[str] = []
    async with following(engine, resync=NEVER, wake=reasons.append) as store:
        engine.end_streams(cut=cut)
        engine.settle()
        engine.world.run("web3", NET, ENABLED)
        await until(lambda: engine.calls["events"] == 2 and store.connected, "a new stream")
        assert "the connection to docker ended" in reasons
        assert store.snapshot == await fresh(engine)
        engine.world.run("web4", NET, ENABLED)
        await until(lambda: seen(store, "web4") and store.snapshot, "an event of the new stream")
        assert (store.drift, store.problem) == (0, "")


async def test_a_stream_that_cannot_be_opened_is_no_connection(engine: FakeEngine) -> None:
    """Where Docker answers everything but events, nothing claims to be connected and the reason is told."""
    two(engine.world)
    async with following(engine) as store:
        engine.trouble("error", ("events",))
        engine.end_streams()
        await until(lambda: "fails at events" in store.problem, "the problem")
        calls = engine.calls["events"]
        while engine.calls["events"] < calls + 3:
            assert not store.connected
            await asyncio.sleep(0)
        assert len(store.snapshot.containers if store.snapshot else ()) == 2
        engine.heal()
        await until(lambda: store.connected and not store.problem, "the return")


async def test_a_stream_that_is_never_answered_is_given_up(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """docker-py would wait for ever for the first word of the answer; the store asks anew."""
    monkeypatch.setattr(docker_store, "OPEN_WITHIN", 0.2)
    two(engine.world)
    async with following(engine) as store:
        engine.trouble("mute", ("events",))
        engine.end_streams()
        await until(lambda: "events: no answer" in store.problem, "the problem")
        calls = engine.calls["events"]
        await until(lambda: engine.calls["events"] > calls, "another attempt")
        assert not store.connected
        engine.world.run("web3", NET, ENABLED)
        engine.heal()
        await until(lambda: store.connected, "the return")
        assert store.snapshot == await fresh(engine)


@pytest.mark.parametrize("fault", ["silence", "babble"])
async def test_a_stream_that_says_nothing_more_is_found_out_by_a_listing(engine: FakeEngine, fault: str) -> None:
    """Half-open or stuck on broken JSON: it costs one resync, is counted as drift, and the next change is an event."""
    two(engine.world)
    async with following(engine) as store:
        getattr(engine, fault)()
        engine.settle()
        await one_resync(store)
        assert (store.drift, engine.calls["events"]) == (0, 1)  # nothing happened, so nothing is wrong
        engine.world.run("web3", NET, ENABLED)
        await one_resync(store)
        assert store.snapshot == await fresh(engine)
        await until(lambda: engine.calls["events"] == 2 and store.connected, "a new stream")
        assert store.drift == 1
        engine.world.run("web4", NET, ENABLED)
        await until(lambda: seen(store, "web4"), "an event of the new stream")
        await one_resync(store)
        assert store.drift == 1


async def test_a_half_open_connection_is_found_out_by_a_ping(engine: FakeEngine) -> None:
    """The stream is open and silent, and nobody answers any more: it shows long before the next listing."""
    engine.timeout = 0.3
    two(engine.world)
    async with following(engine, resync=NEVER) as store:
        engine.silence()
        engine.trouble("slow")
        await until(lambda: not store.connected and "timed out" in store.problem, "the loss")
        assert len(store.snapshot.containers if store.snapshot else ()) == 2
        engine.heal()
        await until(lambda: store.connected, "the return")


async def test_lost_events_are_counted(engine: FakeEngine) -> None:
    """One container for each that changed unheard of; those of others' events are not counted."""
    two(engine.world)
    web1, web2 = engine.world.boxes.values()
    async with following(engine) as store:
        engine.lose(2)
        engine.world.pause(web1)
        engine.world.pause(web2)
        engine.world.run("web3", NET, ENABLED)
        await one_resync(store)
        assert store.snapshot == await fresh(engine)
        await until(lambda: engine.calls["events"] == 2, "a new stream")
        assert store.drift == 2


async def test_an_event_that_comes_after_the_listing_is_not_lost(engine: FakeEngine) -> None:
    """A listing may see a change before its event does come: that is no drift."""
    web = engine.world.run("web", NET, ENABLED)
    async with following(engine, grace=0.5) as store:
        engine.delay(NEVER)
        engine.settle()
        engine.world.pause(web)
        await until(lambda: (c := seen(store, "web")) and c.state == "paused", "a listing")
        engine.heal()
        await one_resync(store)
        assert (store.drift, engine.calls["events"]) == (0, 1)


@pytest.mark.parametrize("fault", ["repeat", "shuffle", "late"])
async def test_repeated_shuffled_and_late_events_change_nothing(engine: FakeEngine, fault: str) -> None:
    """An event says only where to look: how often and in which order does not matter, and nothing is counted."""
    web = engine.world.run("web1", NET, ENABLED)
    async with following(engine) as store:
        if fault == "repeat":
            engine.repeat(20)
        elif fault == "shuffle":
            engine.shuffle(9)
        else:
            engine.delay(0.01)
        engine.settle()
        engine.world.run("web2", NET, ENABLED)
        engine.world.restart(web)
        engine.settle()
        engine.heal()
        await one_resync(store)
        assert store.snapshot == await fresh(engine)
        assert store.drift == 0


async def test_a_kill_whose_end_was_not_heard_does_not_drain_for_ever(engine: FakeEngine) -> None:
    """Only the kill of a restart is heard: the next listing sees that the container was started after it."""
    web = engine.world.run("web", NET, ENABLED)
    async with following(engine) as store:
        engine.world.signal(web, 15)
        await until(lambda: (c := seen(store, "web")) and c.stopping, "stopping")
        engine.lose(99)
        engine.settle()
        engine.world.die(web)
        engine.world.start(web)
        await one_resync(store)
        assert (c := seen(store, "web"))
        assert not c.stopping


async def test_a_kill_that_comes_after_the_next_start_is_old(engine: FakeEngine) -> None:
    """A late event of an earlier life takes nobody out."""
    web = engine.world.run("web", NET, ENABLED)
    async with following(engine, resync=NEVER) as store:
        engine.delay(NEVER)
        engine.settle()
        engine.world.signal(web, 15)
        engine.settle()
        engine.lose(99)
        engine.settle()
        engine.world.die(web)
        engine.world.start(web)
        engine.settle()
        calls = engine.calls["inspect"]
        engine.heal()
        await until(lambda: engine.calls["inspect"] > calls, "the late event")
        engine.world.run("next", NET, ENABLED)
        await until(lambda: seen(store, "next"), "a later event")
        assert (c := seen(store, "web"))
        assert not c.stopping


# ------------------------------------------------------------------ scale


async def test_a_thousand_containers_and_a_storm(engine: FakeEngine) -> None:
    """A listing inspects nobody, an event costs one inspect, and nothing is listed again because of events."""
    for n in range(1000):
        engine.world.run(f"web{n}", NET, ENABLED)
    resting = [engine.world.create(f"new{n}", NET, ENABLED) for n in range(100)]
    async with following(engine, resync=NEVER) as store:
        # those that do not run show no ports in a listing: each is inspected once, and never again
        again = await store.list_once()
        assert all(c.ports == (80,) for c in again.containers)
        assert engine.calls["list"] == 6
        assert engine.calls["inspect"] == len(resting)
        for box in resting:
            engine.world.start(box)
        await until(lambda: store.snapshot and all(c.live for c in store.snapshot.containers), "all to run", 20)
        events = 2 * len(resting)  # network connect and start
        await until(lambda: engine.calls["inspect"] >= len(resting) + events, "the last inspect")
        assert engine.calls["inspect"] == len(resting) + events
        assert engine.calls["list"] == 6
        assert store.drift == 0
