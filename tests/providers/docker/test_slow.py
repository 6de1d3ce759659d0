"""The source against an engine that is slow, away, upgraded, or behind a proxy: slow is not away."""

from __future__ import annotations

import asyncio
import time

import pytest
import structlog

from proxyctl.core import codes
from proxyctl.errors import DockerUnavailable
from proxyctl.providers.docker import connection, link, questions
from proxyctl.providers.docker import source as docker_source
from tests.providers.docker.fake_engine import UNCLOSED, FakeEngine
from tests.providers.docker.following import ENABLED, NET, NEVER, following, fresh, make_source, seen, two, until
from tests.providers.docker.world import Box

pytestmark = pytest.mark.filterwarnings(UNCLOSED)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every second that is waited before something is told or done a fiftieth of one."""
    for module, name in (
        (questions, "TOLD_AFTER"),
        (questions, "LATE_AFTER"),
        (connection, "POLL_EVERY"),
        (docker_source, "DESCRIBED_WITHIN"),
    ):
        monkeypatch.setattr(module, name, getattr(module, name) / 50)
    monkeypatch.setattr(link, "POLL_EVERY", connection.POLL_EVERY)


def named(engine: FakeEngine, name: str) -> Box:
    """Return a container of the world."""
    return next(b for b in engine.world.boxes.values() if b.name == name)


# ------------------------------------------------------------------ slow


async def test_a_slow_listing_is_waited_for_and_told_once(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A start takes as long as Docker does; a source that runs goes on with its stream, and does not reconnect."""
    monkeypatch.setattr(questions, "LATE_AFTER", 10.0)
    two(engine.world)
    engine.slow(0.6, ("list",))
    with structlog.testing.capture_logs() as told:
        async with following(engine, resync=0.1) as source:
            for _ in range(3):
                synced = source.synced_at
                await until(lambda synced=synced: source.synced_at != synced, "a resync")  # type: ignore[misc]
                assert (source.connected, source.problem, source.problems) == (True, "", ())
            assert engine.calls["events"] == 1
    assert [line["event"] for line in told if "list" in line["event"]] == [
        "docker takes long to list its containers, the gateway serves on meanwhile"
    ]


async def test_events_do_not_wait_for_a_slow_listing(engine: FakeEngine) -> None:
    """What happens while a listing runs is known at once; the listing, which is older, does not undo it."""
    two(engine.world)
    async with following(engine, resync=0.05) as source:
        engine.slow(1.0, ("list",))
        engine.settle()
        calls = engine.calls["list"]
        await until(lambda: engine.calls["list"] == calls + 3, "a listing that runs")
        began, synced = time.monotonic(), source.synced_at
        engine.world.signal(named(engine, "web1"), 15)
        engine.world.remove(named(engine, "web2"))
        engine.world.run("web3", NET, ENABLED)
        await until(lambda: (c := seen(source, "web1")) and c.stopping, "the drain")
        await until(lambda: seen(source, "web3") and not seen(source, "web2"), "the others")
        assert time.monotonic() - began < 0.5
        assert source.synced_at == synced
        engine.alter = lambda kind, json: {**json, "State": "exited"} if kind == "list" else json
        await until(lambda: source.synced_at != synced, "the end of the listing")
        assert (c := seen(source, "web1"))
        assert c.stopping
        assert not seen(source, "web2")
        assert source.drift == 0


async def test_a_listing_does_not_undo_events_that_came_while_it_ran(engine: FakeEngine) -> None:
    """Docker may have made its answer before them: here the listing is that of the time when it was asked for."""
    two(engine.world)
    old = {b.name: engine.world.listing(b) for b in engine.world.boxes.values()}
    async with following(engine, resync=NEVER) as source:
        engine.alter = lambda kind, json: old.get(json["Names"][0][1:], json) if kind == "list" else json
        engine.slow(0.3, ("list",))
        engine.settle()
        listing = asyncio.create_task(source.list_all())
        await asyncio.sleep(0.1)
        engine.world.pause(named(engine, "web1"))
        engine.world._container(named(engine, "web2"), "destroy")  # which the listing has still
        await until(lambda: (c := seen(source, "web1")) and c.state == "paused" and not seen(source, "web2"), "both")
        assert await listing == set()
        assert (c := seen(source, "web1"))
        assert c.state == "paused"
        assert not seen(source, "web2")


async def test_a_container_that_docker_does_not_describe_harms_no_other(engine: FakeEngine) -> None:
    """Its problem names it, its drain does not wait for the answer, and the stream goes on."""
    two(engine.world)
    engine.timeout = 0.5
    hung = named(engine, "web1")
    async with following(engine, resync=NEVER) as source:
        engine.hang = hung.id
        engine.world.signal(hung, 15)
        engine.world.run("web3", NET, ENABLED)
        await until(lambda: seen(source, "web3"), "another", within=0.4)
        await until(lambda: "inspecting: Docker has not answered" in source.problem, "the lateness")
        assert not source.connected
        await until(lambda: source.snapshot and source.snapshot.unreadable, "a word about it")
        assert "timed out" in source.snapshot.unreadable[0].reason  # type: ignore[union-attr]
        await until(lambda: source.connected and not source.problem, "the end of it")
        assert engine.calls["events"] == 1
        engine.hang = ""
        await source.list_all()
        assert source.snapshot == await fresh(engine) or seen(source, "web1").stopping  # type: ignore[union-attr]
        assert source.snapshot.unreadable == ()  # type: ignore[union-attr]


async def test_a_stop_signal_drains_although_the_inspect_is_late(
    engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`docker stop` kills after 10 s, an inspect may take 12; a SIGTERM that is not the stop signal is taken back."""
    monkeypatch.setattr(docker_source, "DRAINED_WITHIN", 0.02)
    engine.world.run("web1", NET, ENABLED)
    engine.world.run("quits", NET, ENABLED, stop_signal=3)
    async with following(engine, resync=NEVER) as source:
        engine.slow(0.5, ("inspect",))
        began = time.monotonic()
        for name in ("web1", "quits"):
            engine.world.signal(named(engine, name), 15)
        await until(lambda: all((c := seen(source, n)) and c.stopping for n in ("web1", "quits")), "the drain")
        assert time.monotonic() - began < 0.4
        await until(lambda: (c := seen(source, "quits")) and not c.stopping, "the inspect")
        assert (c := seen(source, "web1"))
        assert c.stopping


async def test_a_first_listing_serves_before_everything_is_described(engine: FakeEngine) -> None:
    """What the listing shows is enough for most containers; the rest is added when Docker describes it."""
    two(engine.world)
    engine.world.create("rests", NET, ENABLED)
    engine.slow(1.0, ("inspect",))
    began = time.monotonic()
    woken: list[str] = []
    source = make_source(engine, resync=NEVER)
    task = asyncio.create_task(source.run(woken.append))
    await until(lambda: seen(source, "web1") if source.snapshot else None, "the first snapshot")
    assert time.monotonic() - began < 0.9
    assert "listed, and some containers are not described yet" in woken
    assert [u.name for u in source.snapshot.unreadable] == ["rests"]  # type: ignore[union-attr]
    await until(lambda: (c := seen(source, "rests")) and c.ports == (80,), "the rest")
    assert source.snapshot == await fresh(engine)
    task.cancel()


async def test_a_listing_that_fails_half_way_changes_nothing(engine: FakeEngine) -> None:
    """Docker answers the listing, and fails at an inspect that it needs: whoever is gone is still there."""
    two(engine.world)
    async with following(engine, resync=NEVER) as source:
        engine.lose(99)
        engine.world.create("rests", NET, ENABLED)
        engine.world.remove(named(engine, "web1"))
        engine.trouble("error", ("inspect",))
        engine.settle()
        with pytest.raises(DockerUnavailable):
            await source.list_all()
        source._publish()
        assert seen(source, "web1")
        engine.heal()
        await source.list_all()
        assert seen(source, "rests")
        assert not seen(source, "web1")


async def test_an_end_that_is_told_while_the_first_listing_runs_is_believed(engine: FakeEngine) -> None:
    """Of a container that the proxy serves since before: it is not missing, it is gone."""
    two(engine.world)
    gone = named(engine, "web1")
    engine.slow(0.5, ("list",))
    source = make_source(engine, resync=NEVER)
    source.expect([gone.id])
    task = asyncio.create_task(source.run(lambda _: None))
    await until(lambda: engine.calls["list"] == 3, "the listing")
    engine.world.remove(gone)
    engine.world.signal(named(engine, "web2"), 1)
    await until(lambda: source.snapshot, "the first snapshot")
    assert source.snapshot is not None
    assert source.synced_at is not None, "some containers are not the world"
    assert source.snapshot.missing == frozenset()
    assert [c.name for c in source.snapshot.containers] == ["web2"]
    task.cancel()


async def test_slow_pings_end_nothing(engine: FakeEngine) -> None:
    """They show as lateness while nothing else is answered either; an answer to anything else is as good."""
    two(engine.world)
    async with following(engine, resync=NEVER) as source:
        engine.slow(0.7, ("ping",))
        await until(lambda: "ping: Docker has not answered" in source.problem, "the lateness")
        await until(lambda: source.problem == "", "the answer")
        engine.world.run("web3", NET, ENABLED)
        await until(lambda: seen(source, "web3"), "web3")
        assert engine.calls["events"] == 1


# ------------------------------------------------------------------ event streams of proxies


async def test_a_stream_without_a_header_is_confirmed_by_its_first_event(engine: FakeEngine) -> None:
    """Until then Docker is listed every few seconds, and the reason is told; then once more, and events come."""
    two(engine.world)
    engine.trouble("held", ("events",))
    source = make_source(engine, resync=NEVER)
    task = asyncio.create_task(source.run(lambda _: None))
    await until(lambda: source.snapshot, "the first snapshot", within=5)
    await until(lambda: source.problems, "the problem")
    assert [p.code for p in source.problems] == [codes.NO_EVENTS]
    assert not source.connected
    engine.lose(99)
    engine.world.run("quiet", NET, ENABLED)
    await until(lambda: seen(source, "quiet"), "what no event told")
    engine.heal()
    engine.world.run("web3", NET, ENABLED)
    await until(lambda: source.connected and not source.problems, "the stream")
    lists = engine.calls["list"]
    engine.world.run("web4", NET, ENABLED)
    await until(lambda: seen(source, "web4"), "an event")
    assert (source.drift, engine.calls["list"], engine.calls["events"]) == (0, lists, 1)
    task.cancel()


@pytest.mark.parametrize("fault", ["plain", "crumble"])
async def test_it_does_not_matter_how_a_proxy_cuts_the_stream(engine: FakeEngine, fault: str) -> None:
    """Without chunks, as to HTTP/1.0, or each byte alone: events are events, with their letters."""
    two(engine.world)
    if fault == "plain":
        engine.trouble("plain", ("events",))
    async with following(engine, resync=NEVER) as source:
        if fault == "crumble":
            engine.crumble()
            engine.settle()
        engine.world.run("web3", NET, {**ENABLED, "note": "größer"})
        await until(lambda: seen(source, "web3"), "web3")
        assert (source.problem, source.drift, engine.calls["events"]) == ("", 0, 1)


async def test_what_happens_between_two_streams_is_told_by_the_next(engine: FakeEngine) -> None:
    """Proxies end silent streams every minute: a stop signal in that moment, which no listing shows, is not lost."""
    two(engine.world)
    async with following(engine, resync=NEVER) as source:
        engine.world.signal(named(engine, "web2"), 1)
        await asyncio.sleep(0.05)
        engine.end_streams()
        engine.settle()
        engine.world.signal(named(engine, "web1"), 15)
        await until(lambda: (c := seen(source, "web1")) and c.stopping, "the drain")
        assert source.problem == ""


async def test_streams_that_end_at_once_are_not_asked_for_all_the_time(
    engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pauses grow although every listing works."""
    monkeypatch.setattr(link, "POLL_EVERY", 5.0)  # 0.1 s here, where the first pause is 10 ms
    two(engine.world)
    async with following(engine, resync=NEVER) as source:
        engine.trouble("cut", ("events",))
        engine.end_streams()
        await asyncio.sleep(1.0)
        first = engine.calls["events"]
        assert source.snapshot is not None
        await asyncio.sleep(1.0)
    assert engine.calls["events"] - first <= 20


async def test_a_listing_that_takes_longer_than_any_stream_comes_to_its_end(engine: FakeEngine) -> None:
    """Where a proxy ends every stream at once, the listing of that connection is waited for."""
    two(engine.world)
    engine.trouble("cut", ("events",))
    engine.slow(0.4, ("list",))
    source = make_source(engine, resync=NEVER)
    task = asyncio.create_task(source.run(lambda _: None))
    await until(lambda: source.snapshot, "the first snapshot", within=5)
    task.cancel()


# ------------------------------------------------------------------ proxies that refuse


async def test_refused_events_are_told_as_refused(engine: FakeEngine) -> None:
    """Docker is there: nobody says that it does not answer."""
    two(engine.world)
    engine.trouble("forbidden", ("events", "ping"))
    source = make_source(engine, resync=NEVER)
    with structlog.testing.capture_logs() as told:
        task = asyncio.create_task(source.run(lambda _: None))
        await until(lambda: seen(source, "web1") if source.snapshot else None, "the first snapshot")
        engine.world.run("web3", NET, ENABLED)
        await until(lambda: seen(source, "web3"), "the next listing")
        task.cancel()
    assert source.problem == ""
    (problem,) = source.problems
    assert "refuses GET /events (403 Forbidden)" in problem.reason
    assert "<" not in problem.reason
    assert len([line for line in told if "events do not come" in line["event"]]) == 1


async def test_refused_listings_are_told_as_refused(engine: FakeEngine) -> None:
    """With what to allow; the pools stay."""
    two(engine.world)
    async with following(engine) as source:
        with structlog.testing.capture_logs() as told:
            engine.trouble("forbidden", ("list",))
            await until(lambda: "refuses GET /containers/json (403 Forbidden)" in source.problem, "the refusal")
        assert [line["event"] for line in told if "refuse" in str(line)] == [
            "docker refuses what proxyctl must know, the pools stay as they are"
        ]
        assert seen(source, "web1")


# ------------------------------------------------------------------ away and back


async def test_the_return_is_noticed_at_once(engine: FakeEngine) -> None:
    """However long Docker was away: the pause is cut short when its socket answers."""
    two(engine.world)

    async def never(_: float) -> None:
        await asyncio.Event().wait()

    async with following(engine) as source:
        source._link._sleep = never
        engine.vanish()
        await until(lambda: not source.connected, "the loss")
    source = make_source(engine)
    source._link._sleep = never
    task = asyncio.create_task(source.run(lambda _: None))
    await until(lambda: "is the engine running?" in source.problem, "the loss")
    engine.up()
    await until(lambda: source.connected, "the return", within=1.5)
    task.cancel()


@pytest.mark.parametrize(("how", "returns"), [("error", False), ("forbidden", False), ("nobody", True)])
async def test_who_answers_errors_is_not_hurried(engine: FakeEngine, how: str, returns: bool) -> None:
    """The pauses stay as they are; only a proxy that has nobody behind it is asked once a second."""
    asked: list[float] = []

    async def long(seconds: float) -> None:
        asked.append(seconds)
        await asyncio.sleep(3600)

    engine.trouble(how, ("list", "events", "version", "ping"))  # type: ignore[arg-type]
    source = make_source(engine)
    source._link._sleep = long
    task = asyncio.create_task(source.run(lambda _: None))
    await until(lambda: asked, "a pause")
    calls = engine.calls.total()
    await asyncio.sleep(1.2)
    assert engine.calls.total() - calls <= (2 if returns else 0)
    engine.heal()
    if returns:
        await until(lambda: source.connected, "the return", within=3)
    task.cancel()
