"""Passes in memory: what the proxy does after one, what is refused, and what is tried again."""

from __future__ import annotations

import asyncio
import dataclasses
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from proxyctl.core import codes
from proxyctl.core.model import Override, Problem, Tuning
from proxyctl.errors import TemplateError
from proxyctl.reconcile import dns_pulse, wakes
from tests.core.worlds import NGINX, container, world
from tests.providers.docker.following import until
from tests.reconcile.stage import Stage

A, B = container("a", {"pool": "web"}), container("b", {"pool": "web"})
BAD = container("bad", {"host": "bad.example"})


async def test_a_pass_brings_the_proxy_to_what_docker_says(tmp_path: Path) -> None:
    """The first by a reload, a join at run time, and a pass in which nothing changed costs nothing."""
    stage = Stage(tmp_path)
    await stage.sees(A)
    assert stage.serving == {"web": ["a"]}
    await stage.sees(A, B)
    assert stage.serving == {"web": ["a", "b"]}
    checks = stage.engine.checks
    await stage.sees(A, B)
    assert stage.engine.checks == checks
    assert [e.text.rpartition("(")[2].partition(",")[0] for e in stage.journal.after() if "web" in e.text] == [
        "reload",
        "reload",
        "runtime",
    ]


async def test_before_docker_has_answered_nothing_is_done(tmp_path: Path) -> None:
    """No answer is not an empty answer."""
    stage = Stage(tmp_path)
    assert await stage.reconciler.one_pass() is None
    assert (stage.reconciler.applied, stage.reconciler.decided) == (None, 0)


async def test_what_the_proxy_refuses_is_left_out_and_not_tried_again(tmp_path: Path) -> None:
    """The rest serves; the next pass neither checks it again nor forgets why; once it changes it is tried."""
    stage = Stage(tmp_path)
    await stage.sees(A)
    stage.engine.refuses = {"bad.example"}
    await stage.sees(A, B, BAD)
    assert stage.serving == {"web": ["a", "b"]}
    assert stage.reasons == ["pool bad is left out: haproxy refused it: unknown word bad.example"]
    assert stage.reconciler.refused == ""
    checks = stage.engine.checks
    await stage.sees(A, B, BAD)
    assert stage.engine.checks == checks
    await stage.sees(A, B, container("bad", {"host": "good.example", "drain": "9s"}))
    assert stage.serving == {"bad": ["bad"], "web": ["a", "b"]}
    assert stage.reasons == []


async def test_new_templates_that_are_refused_are_not_used(tmp_path: Path) -> None:
    """The last good ones stay in use, also for what joins then; the reason stays told until they are mended."""
    stage = Stage(tmp_path)
    await stage.sees(A)
    good = stage.inputs
    broken = {name: f"{text}\n# nonsense" for name, text in good.templates.items()}
    stage.inputs, stage.engine.refuses = dataclasses.replace(good, templates=broken), {"nonsense"}
    stage.reconciler.files_changed("templates")
    await stage.sees(A)
    await stage.sees(A, B)
    assert stage.serving == {"web": ["a", "b"]}
    assert stage.reasons == ["haproxy refused it: unknown word nonsense; the last good ones stay in use"]
    assert "last good ones" in stage.reconciler.refused
    stage.inputs = good
    stage.reconciler.files_changed("templates")
    await stage.sees(A, B)
    assert (stage.reasons, stage.reconciler.refused) == ([], "")


async def test_templates_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    """Those of before stay in use."""
    stage = Stage(tmp_path)
    await stage.sees(A)

    def unreadable() -> None:
        message = "template x, line 1: no"
        raise TemplateError(message)

    stage.read = unreadable  # type: ignore[assignment]
    stage.reconciler.files_changed("templates")
    await stage.sees(A, B)
    assert stage.serving == {"web": ["a", "b"]}
    assert stage.reasons == ["template x, line 1: no; the last good ones stay in use"]


async def test_a_first_state_that_is_refused_as_a_whole_is_given_up_once(tmp_path: Path) -> None:
    """The reason is told, and the same state is not checked again."""
    stage = Stage(tmp_path)
    stage.engine.refuses = {"global"}
    await stage.sees(A)
    assert "haproxy refused the configuration, the old one serves on: unknown word global" in stage.reasons[0]
    assert stage.reconciler.refused == stage.reasons[0]
    checks = stage.engine.checks
    await stage.sees(A)
    assert stage.engine.checks == checks


async def test_a_reload_is_deferred_unless_an_operator_asks(tmp_path: Path) -> None:
    """After a reload the next one waits, and a wake-up at once does not."""
    stage = Stage(tmp_path, NGINX, spacing=60)
    await stage.sees(A)
    await stage.sees(A, B, at_once=False)
    assert stage.serving == {"web": ["a"]}
    await stage.sees(A, B)
    assert stage.serving == {"web": ["a", "b"]}


async def test_a_drain_that_is_over_asks_for_one_more_pass(tmp_path: Path) -> None:
    """The pass after the server left may remove its pool; that pass asks for no other."""
    stage = Stage(tmp_path)
    leaving, stays = (container(name, {"pool": "web", "drain": "1ms"}) for name in "ab")
    await stage.sees(leaving, stays)
    await stage.sees(dataclasses.replace(leaving, stopping=True), stays)
    await asyncio.sleep(0.01)
    with capture_logs() as logs:
        for _ in range(3):
            await stage.reconciler.one_pass()
    assert stage.serving == {"web": ["b"]}
    assert [e["reason"] for e in logs if e["event"] == "woken"] == ["a drain is over"]


async def test_an_override_counts_in_the_next_pass(tmp_path: Path) -> None:
    """A server that an operator drains is wanted draining, and `decided` shows that a pass has seen it."""
    stage = Stage(tmp_path)
    await stage.sees(A, B)
    looks = stage.reconciler.decided
    stage.overrides.keep("id-a", Override(drain=True))
    await stage.sees(A, B)
    assert stage.reconciler.decided == looks + 1
    assert [s.name for p in stage.reconciler.desired.pools for s in p.servers if s.draining] == ["a"]


async def test_the_loop_makes_a_pass_for_a_wake_up_and_survives_a_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told while it lasts, and tried again by itself; afterwards everything that waits joins."""
    monkeypatch.setattr(wakes, "RETRY_FIRST", 0.001)
    stage = Stage(tmp_path)
    stage.source.snapshot = world(A)
    stage_files, full = stage.generations.stage, [True] * 4

    def stage_or_fail(*args: Any) -> int:
        if full.pop() if full else False:
            raise OSError(28, "No space left on device")
        return stage_files(*args)

    monkeypatch.setattr(stage.generations, "stage", stage_or_fail)
    async with stage.running():
        status = await asyncio.wait_for(stage.reconciler.settled(), 5)
    assert [p.name for p in status.pools] == ["web"]
    assert any("the state folder cannot be written" in e.text for e in stage.journal.after())
    assert stage.reasons == []


async def test_a_mistake_in_a_pass_is_told_and_the_next_pass_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever nobody thought of ends no watch: it says where, the proxy serves on, and it is tried again."""
    monkeypatch.setattr(wakes, "RETRY_FIRST", 0.001)
    stage = Stage(tmp_path)
    await stage.sees(A)
    mistakes, check = [True], stage.engine.check

    async def check_or_fail(*args: Any) -> None:
        if mistakes.pop() if mistakes else False:
            raise ZeroDivisionError("nobody thought of this")
        await check(*args)

    monkeypatch.setattr(stage.engine, "check", check_or_fail)
    async with stage.running():
        stage.source.snapshot = world(A, B)
        stage.reconciler.wake("b came")
        await until(lambda: any("mistake" in e.text for e in stage.journal.after()), "a word about it")
        await until(lambda: stage.serving == {"web": ["a", "b"]} and stage.reasons == [], "the next pass")
    told = [e.text for e in stage.journal.after() if "mistake" in e.text]
    assert [t.partition(" at ")[0] for t in told] == [
        "proxyctl itself made a mistake, the proxy serves on as it is: ZeroDivisionError"
    ]


async def test_a_change_of_files_asks_for_a_pass(tmp_path: Path) -> None:
    """Docker tells nothing then."""
    stage = Stage(tmp_path)
    await stage.sees(A)
    async with stage.running():
        await until(lambda: stage.reconciler.decided > 1, "the first pass of the loop")
        stage.inputs = dataclasses.replace(stage.inputs, tuning=Tuning(client_timeout_ms=1234))
        stage.reconciler.files_changed("settings")
        await until(lambda: stage.engine.reloads == 2, "a reload")
        await until(lambda: stage.journal.after()[-1].kind == "reload", "the event of the reload")
    assert stage.journal.after()[-1].text.startswith("templates or settings changed (")


async def test_a_watch_whose_first_state_is_refused_is_not_settled(tmp_path: Path) -> None:
    """Nothing serves yet."""
    stage = Stage(tmp_path)
    stage.source.snapshot = world(A)
    stage.engine.refuses = {"global"}
    async with stage.running():
        settled = asyncio.create_task(stage.reconciler.settled())
        await until(lambda: stage.reasons, "the refusal")
        stage.reconciler.wake("again")
        await until(lambda: stage.reconciler.decided > 1 and not stage.reconciler._pass.unsettled, "another pass")
        await asyncio.wait([settled], timeout=0.02)
        assert not settled.done()
        settled.cancel()


async def test_what_a_client_of_the_gateway_meets_is_told(tmp_path: Path) -> None:
    """After the first pass the ports that it listens on are asked for; what is found is a problem like any other."""
    stage = Stage(tmp_path)
    problem = Problem("", "", "port 80 is published, and nothing answers there", code=codes.NO_ROAD)
    stage.road.problems = (problem,)
    await stage.sees(A)
    async with stage.running():
        asking = asyncio.create_task(stage.reconciler.follow_road())
        await until(lambda: problem in stage.journal.problems, "the problem")
        assert stage.road.asked == [{80}]
        asking.cancel()


async def test_a_dns_without_answers_is_one_problem_and_containers_join(tmp_path: Path, monkeypatch: Any) -> None:
    """What Docker says of their addresses, and an answering port, are enough; no container is blamed."""
    monkeypatch.setattr(dns_pulse, "PATIENCE", 0.2)
    monkeypatch.setattr(dns_pulse, "AGAIN", 0.05)
    stage = Stage(tmp_path)
    stage.dns.silent = True
    async with stage.running():
        asking = asyncio.create_task(stage.reconciler.follow_dns())
        stage.source.snapshot = world(A)
        stage.reconciler.wake("a container")
        await until(lambda: stage.serving == {"web": ["a"]}, "a server")
        await until(lambda: [p.code for p in stage.journal.problems] == [codes.NO_DNS], "the problem")
        assert not any("a does not resolve" in event.text for event in stage.journal.after())
        stage.dns.silent = False
        await until(lambda: not stage.journal.problems, "an answer")
        asking.cancel()
