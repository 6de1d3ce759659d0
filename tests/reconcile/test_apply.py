"""One apply in memory: at run time where that suffices, else by a proven reload, and back where that fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxyctl.core.model import ConfigFiles, Desired, Listener, Pool, Route, Server
from proxyctl.core.plan import make
from proxyctl.errors import ConfigRefused, ReloadFailed
from proxyctl.reconcile.apply import Applied, Applier
from proxyctl.reconcile.refusals import Refusals
from tests.core.states import A, B
from tests.core.worlds import HAPROXY, rules
from tests.reconcile.stage import Stage

ONE, TWO = "1" * 16, "2" * 16  # revisions


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
