"""The source against a fake engine on the wire: what it keeps, says and catches up with, fault by fault."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from proxyctl.core import codes
from proxyctl.providers.docker import connection, events, link
from tests.providers.docker.altered import Path, changed
from tests.providers.docker.fake_engine import UNCLOSED, FakeEngine
from tests.providers.docker.following import (
    ENABLED,
    NET,
    NEVER,
    following,
    fresh,
    make_source,
    one_resync,
    seen,
    two,
    until,
)

pytestmark = pytest.mark.filterwarnings(UNCLOSED)

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
    async with following(engine, wake=attempts.append) as source:
        before, synced = source.snapshot, source.synced_at
        begin(engine)
        engine.settle()
        if engine.reachable:  # an event of one that serves, which leads to a question
            engine.world.signal(next(b for b in engine.world.boxes.values() if b.name == "web2"), 1)
        engine.world.run("web3", NET, ENABLED)
        await until(lambda: told in source.problem, f"a problem with {told!r}, not {source.problem!r}")
        gone = next(b for b in engine.world.boxes.values() if b.name == "web1")
        engine.world.remove(gone)
        for _ in range(3):
            attempts.clear()
            await until(lambda: attempts, "another attempt")
            assert not source.connected
            assert source.snapshot is not None
            assert before is not None
            lost = set(before.containers) ^ set(source.snapshot.containers)
            assert {c.name for c in lost} <= {"web1"}, "only an event of its end takes a container out"
            assert source.synced_at == synced
        engine.heal()
        await one_resync(source)
        assert source.snapshot == await fresh(engine)
        assert seen(source, "web3")
        assert not seen(source, "web1")
        assert source.problem == ""


async def test_a_listing_that_is_not_found_is_no_answer_either(engine: FakeEngine) -> None:
    """A 404, as of a proxy in front of the engine, empties nothing and ends nothing; only one of an inspect is news."""
    two(engine.world)
    async with following(engine) as source:
        engine.trouble("missing", ("ping", "list", "events"))
        await until(lambda: source.problem == "listing containers: the fake engine fails at list", "the problem")
        assert len(source.snapshot.containers if source.snapshot else ()) == 2
        engine.heal()
        await until(lambda: source.connected, "the return")


async def test_before_the_first_answer_there_is_no_world(engine: FakeEngine) -> None:
    """A source that starts while Docker is away knows nothing, which is not an empty world, and finds it later."""
    two(engine.world)
    engine.vanish()
    source = make_source(engine)
    task = asyncio.create_task(source.run(lambda _: None))
    await until(lambda: source.problem, "a problem")
    assert source.snapshot is None
    engine.heal()
    await until(lambda: source.snapshot, "a snapshot")
    assert source.snapshot == await fresh(engine)
    task.cancel()


async def test_an_engine_that_comes_back_newer_is_spoken_to_in_its_version(engine: FakeEngine) -> None:
    """After an upgrade that refuses the old API version, the version is negotiated anew."""
    two(engine.world)
    async with following(engine) as source:
        engine.vanish()
        await until(lambda: not source.connected, "the loss")
        engine.versions = ("1.44", "1.52")
        engine.world.run("web3", NET, ENABLED)
        engine.heal()
        await one_resync(source)
        assert seen(source, "web3")


# ------------------------------------------------------------------ the event stream


@pytest.mark.parametrize("cut", [False, True])
async def test_a_stream_that_ends_is_opened_anew_at_once(engine: FakeEngine, cut: bool) -> None:
    """Whether it ended properly or in the middle of an event: what happened meanwhile is there without a resync."""
    two(engine.world)
    reasons: list[str] = []
    async with following(engine, resync=NEVER, wake=reasons.append) as source:
        engine.end_streams(cut=cut)
        engine.settle()
        engine.world.run("web3", NET, ENABLED)
        await until(lambda: engine.calls["events"] == 2 and source.connected, "a new stream")
        assert "the connection to docker ended" in reasons
        now = await fresh(engine)
        await until(lambda: source.snapshot == now, "what happened meanwhile")
        engine.world.run("web4", NET, ENABLED)
        await until(lambda: seen(source, "web4") and source.snapshot, "an event of the new stream")
        assert (source.drift, source.problem) == (0, "")


async def test_without_events_docker_is_listed_more_often(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing claims to be connected, and the reason is a problem of its own: what is listed is as fresh as it says."""
    monkeypatch.setattr(link, "POLL_EVERY", 0.1)
    two(engine.world)
    async with following(engine, resync=NEVER) as source:
        engine.trouble("error", ("events",))
        engine.end_streams()
        await until(lambda: source.problems, "the problem")
        assert [p.code for p in source.problems] == [codes.NO_EVENTS]
        assert source.problems[0].reason.endswith("events: the fake engine fails at events")
        engine.world.run("web3", NET, ENABLED)
        await until(lambda: seen(source, "web3"), "web3")
        calls = engine.calls["events"]
        while engine.calls["events"] < calls + 3:
            assert not source.connected
            assert source.problem == ""
            await asyncio.sleep(0)
        engine.heal()
        await until(lambda: source.connected and not source.problems, "the stream")
        engine.world.run("web4", NET, ENABLED)
        await until(lambda: seen(source, "web4"), "web4")
        assert source.drift == 0


async def test_a_stream_that_is_never_answered_is_asked_for_anew(
    engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other end may be gone for long, and nothing would ever say so."""
    monkeypatch.setattr(events, "HEADERS_WITHIN", 0.2)
    monkeypatch.setattr(connection, "OPEN_WITHIN", 0.05)
    two(engine.world)
    async with following(engine) as source:
        engine.trouble("mute", ("events",))
        engine.end_streams()
        await until(lambda: "timed out" in "".join(p.reason for p in source.problems), "the problem")
        calls = engine.calls["events"]
        await until(lambda: engine.calls["events"] > calls, "another attempt")
        assert not source.connected
        engine.world.run("web3", NET, ENABLED)
        engine.heal()
        await until(lambda: source.connected, "the return")
        assert source.snapshot == await fresh(engine)


async def test_a_stream_that_says_nothing_more_is_found_out_by_a_listing(engine: FakeEngine) -> None:
    """Half-open: it costs one resync, is counted as drift, and the next change is an event."""
    two(engine.world)
    async with following(engine) as source:
        engine.silence()
        engine.settle()
        await one_resync(source)
        assert (source.drift, engine.calls["events"]) == (0, 1)  # nothing happened, so nothing is wrong
        engine.world.run("web3", NET, ENABLED)
        await one_resync(source)
        assert source.snapshot == await fresh(engine)
        await until(lambda: engine.calls["events"] == 2 and source.connected, "a new stream")
        assert source.drift == 1
        engine.world.run("web4", NET, ENABLED)
        await until(lambda: seen(source, "web4"), "an event of the new stream")
        await one_resync(source)
        assert source.drift == 1


async def test_a_half_open_connection_is_found_out_by_a_ping(engine: FakeEngine) -> None:
    """The stream is open and silent, and nobody answers any more: it shows long before the next listing."""
    engine.timeout = 0.3
    two(engine.world)
    async with following(engine, resync=NEVER) as source:
        engine.silence()
        engine.trouble("slow")
        await until(lambda: not source.connected and "timed out" in source.problem, "the loss")
        assert len(source.snapshot.containers if source.snapshot else ()) == 2
        engine.heal()
        await until(lambda: source.connected, "the return")


async def test_lost_events_are_counted(engine: FakeEngine) -> None:
    """One container for each that changed unheard of; those of others' events are not counted."""
    two(engine.world)
    web1, web2 = engine.world.boxes.values()
    async with following(engine) as source:
        engine.lose(2)
        engine.world.pause(web1)
        engine.world.pause(web2)
        engine.world.run("web3", NET, ENABLED)
        await one_resync(source)
        assert source.snapshot == await fresh(engine)
        await until(lambda: engine.calls["events"] == 2, "a new stream")
        assert source.drift == 2


async def test_an_event_that_comes_after_the_listing_is_not_lost(engine: FakeEngine) -> None:
    """A listing may see a change before its event does come: that is no drift."""
    web = engine.world.run("web", NET, ENABLED)
    async with following(engine, grace=0.5) as source:
        engine.delay(NEVER)
        engine.settle()
        engine.world.pause(web)
        await until(lambda: (c := seen(source, "web")) and c.state == "paused", "a listing")
        engine.heal()
        await one_resync(source)
        assert (source.drift, engine.calls["events"]) == (0, 1)


@pytest.mark.parametrize("fault", ["repeat", "shuffle", "late"])
async def test_repeated_shuffled_and_late_events_change_nothing(engine: FakeEngine, fault: str) -> None:
    """An event says only where to look: how often and in which order does not matter, and nothing is counted."""
    web = engine.world.run("web1", NET, ENABLED)
    async with following(engine) as source:
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
        await one_resync(source)
        assert source.snapshot == await fresh(engine)
        assert source.drift == 0


async def test_a_kill_whose_end_was_not_heard_does_not_drain_for_ever(engine: FakeEngine) -> None:
    """Only the kill of a restart is heard: the next listing sees that the container was started after it."""
    web = engine.world.run("web", NET, ENABLED)
    async with following(engine) as source:
        engine.world.signal(web, 15)
        await until(lambda: (c := seen(source, "web")) and c.stopping, "stopping")
        engine.lose(99)
        engine.settle()
        engine.world.die(web)
        engine.world.start(web)
        await one_resync(source)
        assert (c := seen(source, "web"))
        assert not c.stopping


async def test_a_kill_that_comes_after_the_next_start_is_old(engine: FakeEngine) -> None:
    """A late event of an earlier life takes nobody out."""
    web = engine.world.run("web", NET, ENABLED)
    async with following(engine, resync=NEVER) as source:
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
        await until(lambda: seen(source, "next"), "a later event")
        assert (c := seen(source, "web"))
        assert not c.stopping


# ------------------------------------------------------------------ Docker says what cannot be read

ODD: dict[str, tuple[Path, object]] = {
    "no id": (("Id",), None),
    "a name that is none": (("Names",), ["/a\n"]),
    "labels that are no map": (("Labels",), 7),
    "a port that is no number": (("Ports",), [{"PrivatePort": "x", "Type": "tcp"}]),
    "networks that are a list": (("NetworkSettings",), {"Networks": [1]}),
    "an entry that is no object": ((), "oops"),
}


@pytest.mark.parametrize("odd", ODD)
async def test_what_cannot_be_read_concerns_one_container(engine: FakeEngine, odd: str) -> None:
    """It stays as it was, and is told where its labels can be read; another one comes and goes as ever."""
    two(engine.world)
    place, value = ODD[odd]
    async with following(engine) as source:
        before = seen(source, "web1")

        def alter(kind: str, json: Any) -> Any:
            return changed(json, place, value) if kind == "list" and json["Names"] == ["/web1"] else json

        engine.alter = alter
        engine.world.run("web3", NET, ENABLED)
        await until(lambda: seen(source, "web3"), "web3")
        if place and place != ("Id",):
            await until(lambda: source.snapshot and source.snapshot.unreadable, "a word about it")
            assert [(u.name, place[0] in u.reason or "no name" in u.reason) for u in source.snapshot.unreadable] == [  # type: ignore[union-attr]
                ("web1", True)
            ]
            assert seen(source, "web1") == before
        engine.alter = lambda _, json: json
        await until(lambda: source.snapshot and not source.snapshot.unreadable, "its end")
        await one_resync(source)
        assert source.snapshot == await fresh(engine)


async def test_an_inspect_that_cannot_be_read_leaves_the_container_as_it_was(engine: FakeEngine) -> None:
    """Also one that was never seen: it is told by its name, and stays out."""
    two(engine.world)
    async with following(engine, resync=NEVER) as source:
        before = seen(source, "web1")
        engine.alter = lambda kind, json: {**json, "State": 7} if kind == "inspect" else json
        engine.world.pause(next(b for b in engine.world.boxes.values() if b.name == "web1"))
        engine.world.run("web3", NET, ENABLED)

        def told() -> list[str]:
            return [u.name for u in source.snapshot.unreadable] if source.snapshot else []

        await until(lambda: told() == ["web1", "web3"], "a word about both")
        assert (seen(source, "web1"), seen(source, "web3")) == (before, None)
        engine.alter = lambda _, json: json
        for box in list(engine.world.boxes.values()):
            if box.name != "web2":
                engine.world.remove(box)
        await until(lambda: source.snapshot and not source.snapshot.unreadable, "the end of both")


@pytest.mark.parametrize("event", [[], "oops", {"Type": 7}, {"Type": "container", "Actor": 5}])
async def test_an_event_that_cannot_be_read_is_a_listing(
    engine: FakeEngine, event: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may have been about anybody, so Docker is listed soon; the stream goes on, also after a line of no JSON."""
    monkeypatch.setattr(connection, "UNREADABLE_EVENT", 0.01)
    two(engine.world)
    async with following(engine, resync=NEVER) as source:
        engine.babble()
        engine.alter = lambda kind, json: event if kind == "events" else json
        engine.world.run("web3", NET, ENABLED)
        await until(lambda: seen(source, "web3"), "web3")
        engine.alter = lambda _, json: json
        calls = engine.calls["events"]
        engine.world.run("web4", NET, ENABLED)
        await until(lambda: seen(source, "web4"), "web4")
        assert engine.calls["events"] == calls
