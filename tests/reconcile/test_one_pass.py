"""One pass in memory: the gateway comes first, what is kept for gone containers goes, and every problem is told."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from proxyctl.core import codes, crashes
from proxyctl.core.model import Crashes, Override, Problem
from proxyctl.errors import DockerUnavailable, GatewayError
from proxyctl.reconcile import one_pass, refusals, wakes
from tests.core.worlds import NGINX, container, world
from tests.providers.docker.following import until
from tests.reconcile.stage import Stage

A, B = container("a", {"pool": "web"}), container("b", {"pool": "web"})
BAD = container("bad", {"host": "bad.example"})


def events(stage: Stage, kind: str) -> list[str]:
    """Return the events of a kind."""
    return [e.text for e in stage.journal.after() if e.kind == kind]


@pytest.mark.parametrize("exc", [GatewayError("no image"), DockerUnavailable("no image")])
async def test_without_a_gateway_nothing_is_decided(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exc: Exception
) -> None:
    """The reason is told, and the pass is tried again without an event."""
    monkeypatch.setattr(wakes, "RETRY_FIRST", 0.001)
    stage = Stage(tmp_path)
    stage.gateway.fails = exc
    await stage.sees(A, B)
    assert stage.reconciler.decided == 0
    assert stage.reasons == ["gateway: no image"]
    assert stage.reconciler._pass.unsettled
    async with stage.running():
        await until(lambda: stage.gateway.asked > 4, "another try")
        stage.gateway.fails = None
        await until(lambda: stage.serving == {"web": ["a", "b"]}, "the join that had to wait")


@pytest.mark.parametrize("exc", [GatewayError("publishes other ports"), DockerUnavailable("refused")])
async def test_a_gateway_that_runs_and_cannot_be_looked_after_serves_those_who_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exc: Exception
) -> None:
    """Above all a container that is stopped has to drain. The reason stands beside the other problems until it ends."""
    monkeypatch.setattr(wakes, "RETRY_FIRST", 0.001)
    stage = Stage(tmp_path)
    await stage.sees(A, container("odd", {"weight": "much"}))
    (odd,) = stage.reasons
    stage.gateway.fails = exc
    stage.source.gateway_changes += 1
    await stage.sees(A, B)
    assert stage.serving == {"web": ["a", "b"]}
    assert stage.reasons == [f"gateway: {exc}"]
    await stage.sees(A, B, container("odd", {"weight": "much"}))
    assert set(stage.reasons) == {odd, f"gateway: {exc}"}
    async with stage.running():
        await until(lambda: stage.gateway.asked > 4, "another try")
        stage.gateway.fails = None
        await until(lambda: stage.reasons == [odd], "the end of the problem")


async def test_the_gateway_is_asked_for_only_when_docker_told_of_it(tmp_path: Path) -> None:
    """A question costs a few milliseconds, and a pass in which a server joins should not."""
    stage = Stage(tmp_path)
    await stage.sees(A)
    await stage.sees(A, B)
    assert stage.gateway.asked == 1
    stage.source.gateway_changes += 1
    await stage.sees(A, B)
    assert stage.gateway.asked == 2


async def test_no_drain_waits_for_docker_to_say_how_the_gateway_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pass goes on with the gateway as it was; the answer counts as soon as it comes, and is asked for once."""
    monkeypatch.setattr(one_pass, "GATEWAY_PATIENCE", 0.01)
    stage = Stage(tmp_path)
    await stage.sees(A, B)
    stage.gateway.slow = asyncio.Event()
    stage.gateway.done = "connected"
    stage.source.gateway_changes += 1
    await stage.sees(A, dataclasses.replace(B, stopping=True))
    await stage.sees(A)
    assert stage.serving == {"web": ["a"]}
    async with stage.running():
        decided = stage.reconciler.decided
        await until(lambda: stage.reconciler.decided > decided, "a pass without the answer")
        assert events(stage, "gateway") == []
        stage.gateway.slow.set()
        await until(lambda: events(stage, "gateway"), "the answer about the gateway")
    assert stage.gateway.asked == 2


async def test_a_gateway_that_fails_in_the_middle_is_looked_after_at_once(tmp_path: Path) -> None:
    """The next pass asks for it, though Docker has told nothing of it."""
    stage = Stage(tmp_path)
    stage.engine.fails = GatewayError("proxyctl-web was removed a moment ago")
    await stage.sees(A)
    assert stage.reasons == ["gateway: proxyctl-web was removed a moment ago"]
    stage.engine.fails = None
    await stage.sees(A)
    assert (stage.gateway.asked, stage.reasons) == (2, [])


async def test_a_gateway_that_fails_in_the_middle_is_tried_again_without_an_event(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Further and further apart, until a pass goes well."""
    monkeypatch.setattr(wakes, "RETRY_FIRST", 0.001)
    stage = Stage(tmp_path)
    stage.source.snapshot = world(A)
    stage.engine.fails = GatewayError("the gateway ended")
    async with stage.running():
        await until(lambda: stage.engine.reloads > 3, "another try")
        assert stage.reconciler._wakes._retry > 0.004
        stage.engine.fails = None
        await until(lambda: stage.serving == {"web": ["a"]}, "the first server")
        await until(lambda: stage.reasons == [], "the end of the pass")
        assert stage.reconciler._wakes._retry == 0.001


async def test_a_gateway_that_is_started_is_tried_with_a_first_state_that_was_refused(tmp_path: Path) -> None:
    """It may be another binary."""
    stage = Stage(tmp_path)
    stage.engine.refuses = {"global"}
    await stage.sees(A)
    stage.engine.refuses = set()
    await stage.sees(A)
    assert stage.serving == {}, "the gateway is the same"
    stage.gateway.done, stage.source.gateway_changes = "started", 1
    await stage.sees(A)
    assert stage.serving == {"web": ["a"]}


async def test_a_running_gateway_is_adopted_without_a_reload(tmp_path: Path) -> None:
    """A proxy that does what the current generation says goes on with it, and that is told."""
    stage = Stage(tmp_path)
    await stage.sees(A)
    assert events(stage, "gateway") == []
    again = stage.restarted()
    await again.sees(A)
    assert again.engine.reloads == 0
    assert events(again, "gateway") == ["the running gateway was adopted as it is"]
    await again.sees(A, B)
    assert again.serving == {"web": ["a", "b"]}


async def test_a_gateway_that_was_started_is_told(tmp_path: Path) -> None:
    """With or without a generation to run at once."""
    stage = Stage(tmp_path)
    stage.gateway.done = "started"
    await stage.sees(A)
    assert events(stage, "gateway") == ["the gateway was started"]
    stage.gateway.done = "started"
    stage.source.gateway_changes += 1
    await stage.sees(A)
    assert events(stage, "gateway")[1:] == ["the gateway was started and runs its last generation"]
    assert stage.engine.reloads == 1


@pytest.mark.parametrize("starts", [True, False])
async def test_another_process_is_tried_with_what_was_refused(tmp_path: Path, *, starts: bool) -> None:
    """Another binary, or a port that is free now: also where Docker started the process again, which tells nothing."""
    stage = Stage(tmp_path)
    await stage.sees(A)
    stage.engine.refuses = {"bad.example"}
    await stage.sees(A, BAD)
    assert stage.serving == {"web": ["a"]}
    stage.engine.refuses = set()
    stage.source.gateway_changes += 1
    await stage.sees(A, BAD)
    assert stage.serving == {"web": ["a"]}, "the process is the same"
    stage.gateway.done, stage.source.gateway_changes = "started" if starts else "", stage.source.gateway_changes + 1
    if not starts:
        stage.engine.does = dataclasses.replace(stage.engine.does, pools=())
    await stage.sees(A, BAD)
    assert stage.serving == {"bad": ["bad"], "web": ["a"]}


async def test_what_was_refused_is_tried_again_after_a_while(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reason may lie outside, so a timer asks for a pass."""
    monkeypatch.setattr(refusals, "RETRY", 0.05)
    stage = Stage(tmp_path)
    await stage.sees(A)
    stage.engine.refuses = {"bad.example"}
    with capture_logs() as logs:
        await stage.sees(A, BAD)
        stage.engine.refuses = set()
        async with stage.running():
            await until(lambda: "to retry what was refused" in [e.get("reason") for e in logs], "the timer")
            await until(lambda: stage.serving == {"bad": ["bad"], "web": ["a"]}, "the part that was refused")


async def test_what_was_refused_is_forgotten_when_it_is_not_wanted(tmp_path: Path) -> None:
    """Its container went."""
    stage = Stage(tmp_path)
    await stage.sees(A)
    stage.engine.refuses = {"bad.example"}
    await stage.sees(A, BAD)
    assert stage.refusals
    await stage.sees(A)
    assert not stage.refusals


async def test_overrides_go_with_their_container_or_pool(tmp_path: Path) -> None:
    """Not while the container is only missing from Docker's list."""
    stage = Stage(tmp_path)
    stage.overrides.keep("id-a", Override(weight=5))
    stage.overrides.maintain("web", on=True)
    await stage.sees(A, B)
    assert (set(stage.overrides.all()), set(stage.overrides.maintenance)) == ({"id-a"}, {"web"})
    stage.source.snapshot = dataclasses.replace(world(B), missing=frozenset({"id-a"}))
    await stage.reconciler.one_pass()
    assert set(stage.overrides.all()) == {"id-a"}
    await stage.sees(B)
    assert (set(stage.overrides.all()), set(stage.overrides.maintenance)) == (set(), {"web"})
    await stage.sees()
    await stage.sees()
    assert set(stage.overrides.maintenance) == set()


async def test_connections_to_an_address_that_nobody_has_are_ended(tmp_path: Path) -> None:
    """Of a server that left, not of one that stays."""
    stage = Stage(tmp_path)
    await stage.sees(A, B)
    assert stage.severing.severed == set()
    await stage.sees(B)
    assert stage.severing.severed == {A.attachments[0].address}


async def test_a_drain_that_ends_wakes_the_loop(tmp_path: Path) -> None:
    """Docker tells nothing then."""
    stage = Stage(tmp_path)
    leaving, stays = (container(name, {"pool": "web", "drain": "50ms"}) for name in "ab")
    await stage.sees(leaving, stays)
    with capture_logs() as logs:
        await stage.sees(dataclasses.replace(leaving, stopping=True), stays)
        assert [s.draining for p in stage.engine.does.pools for s in p.servers] == [True, False]
        async with stage.running():
            await until(lambda: "the end of a drain" in [e.get("reason") for e in logs], "the timer")
            await until(lambda: stage.serving == {"web": ["b"]}, "the end of the drain")
    assert stage.engine.was_cut == [("web", "a")]


async def test_a_container_that_crashes_in_a_loop_joins_when_its_wait_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told meanwhile, and takes no part; nothing happens at the end of the wait but that the time comes."""
    monkeypatch.setattr(crashes, "LEAST", 0.05)
    stage, at = Stage(tmp_path, NGINX), time.monotonic()
    loop = Crashes("b", (at, at, at), 3, 0.0, looping=True)
    await stage.sees(A)
    reloads = stage.engine.reloads
    stage.source.snapshot = dataclasses.replace(world(A, B), crashes=(loop,))
    await stage.reconciler.one_pass()
    assert (stage.serving, stage.engine.reloads) == ({"web": ["a"]}, reloads)
    assert [(p.container, p.code) for p in stage.journal.problems] == [("b", codes.CRASHES)]
    stage.source.snapshot = dataclasses.replace(world(A, B), crashes=(crashes.started(loop, time.monotonic()),))
    async with stage.running():
        await until(lambda: stage.serving == {"web": ["a", "b"]}, "the end of the wait")
        await until(lambda: stage.journal.problems == (), "the end of the problem")


async def test_a_server_that_leaves_without_another_file_is_told(tmp_path: Path) -> None:
    """On nginx a server that drains is printed as one that is gone: the proxy need not do anything."""
    stage = Stage(tmp_path, NGINX)
    await stage.sees(A, B)
    await stage.sees(dataclasses.replace(A, stopping=True), B)
    reloads, told = stage.engine.reloads, len(stage.journal.after())
    await stage.sees(B)
    assert stage.engine.reloads == reloads
    (event,) = stage.journal.after(told)
    assert event.text.startswith("a left pool web")
    await stage.sees(B)
    assert stage.journal.after(told) == (event,)


async def test_what_is_odd_about_the_gateway_is_a_problem(tmp_path: Path) -> None:
    """It serves on; the problem goes with its cause."""
    stage = Stage(tmp_path)
    odd = Problem("", "", "proxyctl-web runs an earlier haproxy", "warning", code=codes.OTHER_IMAGE)
    stage.gateway.problems = (odd,)
    await stage.sees(A)
    assert [*stage.journal.problems] == [odd]
    stage.gateway.problems = ()
    await stage.sees(A)
    assert stage.journal.problems == ()


async def test_a_container_that_has_not_answered_leaves_the_pass_unsettled(tmp_path: Path) -> None:
    """`settled` returns once it has joined, and not before."""
    stage = Stage(tmp_path)
    stage.answers = lambda target: target.name == "a"
    async with stage.running():
        stage.source.snapshot = world(A, B)
        waiting = asyncio.create_task(stage.reconciler.settled())
        await until(lambda: stage.serving == {"web": ["a"]}, "the first server")
        passes = stage.reconciler.decided
        stage.reconciler.wake("again")
        await until(lambda: stage.reconciler.decided > passes, "another pass")
        assert not waiting.done()
        stage.answers = lambda _: True
        stage.reconciler.wake("an answer")
        status = await asyncio.wait_for(waiting, 5)
    assert [s.state for p in status.pools for s in p.servers] == ["up", "up"]


async def test_a_deferred_reload_leaves_the_pass_unsettled(tmp_path: Path) -> None:
    """A server waits for it."""
    stage = Stage(tmp_path, NGINX, spacing=60)
    await stage.sees(A)
    assert not stage.reconciler._pass.unsettled
    await stage.sees(A, B, at_once=False)
    assert stage.reconciler._pass.unsettled


async def test_a_gateway_that_was_cut_off_is_told(tmp_path: Path) -> None:
    """It is connected again by the time of the pass; it goes on with what it had."""
    stage = Stage(tmp_path)
    await stage.sees(A)
    stage.gateway.done = "connected"
    stage.source.gateway_changes += 1
    await stage.sees(A)
    assert events(stage, "gateway") == ["the gateway was cut off its network, and is connected again"]
    assert (stage.engine.reloads, stage.serving) == (1, {"web": ["a"]})
