"""One apply in memory: at run time where that suffices, else by a proven reload, and back where that fails."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from proxyctl.core.model import ConfigFiles, Desired, Listener, Pool, Route, Running, Server
from proxyctl.core.plan import make
from proxyctl.errors import ConfigRefused, GatewayError, ReloadFailed
from proxyctl.reconcile import apply
from proxyctl.reconcile.apply import Applied, Applier
from proxyctl.reconcile.refusals import Refusals
from tests.core.states import A, B
from tests.core.worlds import HAPROXY, rules
from tests.reconcile.stage import Stage

ONE, TWO, THREE = "1" * 16, "2" * 16, "3" * 16  # revisions


def web(*servers: Server) -> Desired:
    """Return one pool."""
    return Desired((Listener(80, routes=(Route("", "/", "web"),)),), (Pool("web", servers=servers),))


def printed(revision: str, topology: str = "t") -> ConfigFiles:
    """Return files by their hashes."""
    return ConfigFiles((("haproxy.cfg", revision),), revision, topology)


async def applied(stage: Stage, desired: Desired, files: ConfigFiles) -> Applied:
    """Plan and apply."""
    return await stage.applier.apply(make(stage.applier.applied, desired, files, rules(HAPROXY)), files, stage.inputs)


async def test_the_first_takes_a_reload_and_a_join_does_not(tmp_path: Path) -> None:
    """What the proxy was confirmed to do is known afterwards, and the same files again are no apply."""
    stage = Stage(tmp_path)
    assert (await applied(stage, web(A), printed(ONE))).how == "reload"
    assert (await applied(stage, web(A, B), printed(TWO))).how == "runtime"
    assert (await applied(stage, web(A, B), printed(TWO))).how == "unchanged"
    assert stage.engine.does == stage.applier.previous == stage.applier.accepted == web(A, B)
    assert await stage.applier.still_true()
    assert [past.applied for past in stage.generations.history()] == [True, True]


async def test_files_that_were_refused_are_not_checked_again(tmp_path: Path) -> None:
    """The proxy goes on with what it had, and the current generation still loads."""
    stage = Stage(tmp_path)
    await applied(stage, web(A), printed(ONE))
    stage.engine.refuses = {TWO}
    for _ in range(2):
        with pytest.raises(ConfigRefused, match=f"unknown word {TWO}"):
            await applied(stage, web(), printed(TWO, "other"))
        assert stage.engine.checks == 2
    current = stage.generations.current()
    assert current is not None
    assert current.revision == ONE
    assert stage.engine.does == web(A)


async def test_a_reload_that_fails_is_undone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`current` points to what serves, and the reload is not tried again for the same files."""
    stage = Stage(tmp_path)
    await applied(stage, web(A), printed(ONE))

    async def fail(revision: str) -> None:
        raise ReloadFailed(revision)

    monkeypatch.setattr(stage.engine, "reload", fail)
    with pytest.raises(ReloadFailed):
        await applied(stage, web(), printed(TWO, "other"))
    current = stage.generations.current()
    assert current is not None
    assert current.revision == ONE
    monkeypatch.undo()
    with pytest.raises(ReloadFailed):
        await applied(stage, web(), printed(TWO, "other"))
    stage.refusals.forget()
    assert (await applied(stage, web(), printed(TWO, "other"))).how == "reload"


async def test_a_proxy_that_runs_the_current_generation_is_adopted(tmp_path: Path) -> None:
    """Without a reload; one that runs something else is not."""
    stage = Stage(tmp_path)
    await applied(stage, web(A), printed(ONE))
    again = Applier(stage.engine, stage.generations, Refusals())
    assert await again.adopt()
    assert again.previous == again.accepted == web(A)
    stage.engine.does = web(B)
    assert not await again.still_true()
    assert not await Applier(stage.engine, stage.generations, Refusals()).adopt()


async def test_a_proxy_of_other_routes_is_not_adopted(tmp_path: Path) -> None:
    """Though it has the same servers."""
    stage = Stage(tmp_path)
    await applied(stage, web(A), printed(ONE))
    stage.engine._topology = "other"
    assert not await stage.restarted().applier.adopt()


async def test_nothing_is_adopted_before_there_is_a_generation(tmp_path: Path) -> None:
    """Whatever the proxy runs; then there is nothing known either."""
    stage = Stage(tmp_path)
    assert not await stage.applier.adopt()
    assert not await stage.applier.still_true()
    assert stage.applier.previous == Desired()


async def test_a_proxy_that_was_just_started_is_given_time_to_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its generation is confirmed then; a proxy that never answers is not adopted, and has no confirmed state."""
    stage = Stage(tmp_path)
    await applied(stage, web(A), printed(ONE))
    again = stage.restarted()
    answers = iter([None, None, await again.engine.running()])

    async def slow() -> Running | None:
        return next(answers)

    monkeypatch.setattr(again.engine, "running", slow)
    assert await again.applier.adopt()

    async def silent() -> None:
        return None

    monkeypatch.setattr(apply, "BOOT", 0.03)
    monkeypatch.setattr(again.engine, "running", silent)
    assert not await again.applier.still_true()
    assert not await again.applier.adopt()
    assert again.applier.applied is None
    assert again.applier.previous == web(A), "no server is dropped for it"


async def test_a_generation_that_was_never_confirmed_is_confirmed_by_its_adoption(tmp_path: Path) -> None:
    """As after a crash in the middle of a reload: an operator can go back to it then."""
    stage = Stage(tmp_path)
    number = stage.generations.stage(printed(ONE), web(A), stage.inputs, ())
    stage.generations.switch(number)
    await stage.engine.reload(ONE)
    assert [past.applied for past in stage.generations.history()] == [False]
    assert await stage.applier.adopt()
    assert [past.applied for past in stage.generations.history()] == [True]


async def test_the_same_files_for_another_state_change_what_is_known(tmp_path: Path) -> None:
    """On nginx a server that drains and one that is not there are printed alike."""
    stage = Stage(tmp_path)
    await applied(stage, web(A), printed(ONE))
    drains = web(A, dataclasses.replace(B, draining=True))
    stage.inputs = dataclasses.replace(stage.inputs, pinned=1)
    assert (await applied(stage, drains, printed(ONE))).how == "unchanged"
    assert stage.applier.previous == stage.applier.accepted == drains
    assert stage.applier.applied is not None
    assert stage.applier.applied.pinned == 1


async def test_connections_of_a_drain_that_is_over_are_cut_before_the_server_leaves(tmp_path: Path) -> None:
    """Not those of a server that leaves for another reason, nor those of a server that stays."""
    stage = Stage(tmp_path)
    c = Server("c", "id-c", "10.0.0.3", 80)
    await applied(stage, web(A, B, c), printed(ONE))
    plan = make(stage.applier.applied, web(c), printed(TWO), rules(HAPROXY))
    await stage.applier.apply(plan, printed(TWO), stage.inputs, {("web", "id-a"), ("web", "id-c")})
    assert stage.engine.was_cut == [("web", "a")]


async def test_a_run_time_change_that_is_refused_becomes_a_reload(tmp_path: Path) -> None:
    """And the reason says so."""
    stage = Stage(tmp_path)
    await applied(stage, web(A), printed(ONE))
    stage.engine.does = web()
    done = await applied(stage, web(A, B), printed(TWO))
    assert (done.how, stage.engine.does) == ("reload", web(A, B))
    assert done.reasons == ("run-time change refused: the plan is one for another state, or for a reload",)


async def test_a_file_that_is_refused_after_a_run_time_change_leaves_the_change(tmp_path: Path) -> None:
    """The servers are as wanted already, and the file on disk is the last one that loads."""
    stage = Stage(tmp_path)
    await applied(stage, web(A), printed(ONE))
    stage.engine.refuses = {TWO}
    with pytest.raises(ConfigRefused):
        await applied(stage, web(A, B), printed(TWO))
    assert stage.engine.does == stage.applier.previous == web(A, B)
    assert stage.applier.accepted == web(A)
    assert [past.revision for past in stage.generations.history()] == [ONE]


async def test_a_full_disk_says_nothing_about_the_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are tried again."""
    stage = Stage(tmp_path)

    def full(*args: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(stage.generations, "stage", full)
    with pytest.raises(OSError, match="No space left"):
        await applied(stage, web(A), printed(ONE))
    monkeypatch.undo()
    assert (await applied(stage, web(A), printed(ONE))).how == "reload"


async def test_a_refusal_is_asked_for_without_a_trace(tmp_path: Path) -> None:
    """Nothing is applied, and no generation is left behind."""
    stage = Stage(tmp_path)
    await applied(stage, web(A), printed(ONE))
    stage.engine.refuses = {TWO}
    assert await stage.applier.refusal(web(B), printed(TWO), stage.inputs) == f"unknown word {TWO}"
    assert await stage.applier.refusal(web(B), printed(THREE), stage.inputs) == ""
    assert [past.revision for past in stage.generations.history()] == [ONE]
    assert stage.engine.does == web(A)


@pytest.mark.parametrize("exc", [ReloadFailed("no"), GatewayError("the gateway ended")])
async def test_a_first_reload_that_fails_has_no_way_back(tmp_path: Path, exc: Exception) -> None:
    """The error is the proxy's own; nothing counts as applied."""
    stage = Stage(tmp_path)
    stage.engine.fails = exc
    with pytest.raises(type(exc), match=str(exc)):
        await applied(stage, web(A), printed(ONE))
    assert stage.applier.applied is None


@pytest.mark.parametrize("ended", [True, False])
async def test_a_gateway_that_fails_during_a_reload_is_tried_again_with_the_same_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, ended: bool
) -> None:
    """It says nothing about them; until then the generation of before is current, and is not loaded once more."""
    stage = Stage(tmp_path)
    await applied(stage, web(A), printed(ONE))

    async def silent() -> None:
        return None

    if ended:
        monkeypatch.setattr(stage.engine, "running", silent)
    stage.engine.fails = GatewayError("the gateway ended")
    with pytest.raises(GatewayError):
        await applied(stage, web(), printed(TWO, "other"))
    assert stage.engine.reloads == 2
    assert [past.revision for past in stage.generations.history()] == [ONE]
    stage.engine.fails = None
    assert (await applied(stage, web(), printed(TWO, "other"))).how == "reload"


@pytest.mark.parametrize("says", [TWO, ""], ids=["it answers too late", "it does not say what it is"])
async def test_a_reload_that_loaded_and_was_not_confirmed_is_taken_back(
    says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The proxy would do what `current` does not say, as with a template of the user's that lost the revision."""
    stage = Stage(tmp_path)
    await applied(stage, web(A), printed(ONE))
    reload = stage.engine.reload

    async def late(revision: str) -> None:
        await reload(revision)
        if revision == TWO:
            stage.engine.revision = says
            raise ReloadFailed("it took too long")

    monkeypatch.setattr(stage.engine, "reload", late)
    with pytest.raises(ReloadFailed, match="too long"):
        await applied(stage, web(), printed(TWO, "other"))
    assert stage.engine.does == web(A)
    assert await stage.applier.still_true()


async def test_other_files_that_load_make_refused_ones_worth_a_try(tmp_path: Path) -> None:
    """What they were refused for may have been what was there before."""
    stage = Stage(tmp_path)
    await applied(stage, web(A), printed(ONE))
    stage.engine.refuses = {TWO}
    with pytest.raises(ConfigRefused):
        await applied(stage, web(), printed(TWO, "other"))
    stage.engine.refuses = set()
    await applied(stage, web(B), printed(THREE, "third"))
    assert (await applied(stage, web(), printed(TWO, "other"))).how == "reload"
