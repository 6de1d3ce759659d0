"""`proxyctl.operate.overrides`: an override is kept, carried out and confirmed, or the reason is told."""

from __future__ import annotations

import asyncio
import dataclasses
from pathlib import Path

import pytest

from proxyctl.api.port import Changes, Maintained, Overridden
from proxyctl.core.decide.outcome import Outcome, Waiting
from proxyctl.core.model import Override, Pool, Problem, Server
from proxyctl.errors import ProxyctlError
from proxyctl.operate import confirm
from proxyctl.operate.overrides import Overriding
from proxyctl.state.overrides import Overrides
from tests.operate.watched import WEB, MemoryWatched


@dataclasses.dataclass
class Desk:
    """The watch, where overrides are kept, and what carries them out."""

    watched: MemoryWatched
    kept: Overrides
    overriding: Overriding

    def web(self, *, maintenance: bool = False, **changes: object) -> None:
        """Have the next pass apply this to web1, or to its pool."""
        server = dataclasses.replace(Server("web1", "id-web1", "10.0.0.1", 80), **changes)  # type: ignore[arg-type]
        pool = Pool("web", maintenance=maintenance, servers=(server,))
        self.watched.next_pass = lambda: self.watched.do(dataclasses.replace(WEB, pools=(Pool("api"), pool)))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A watch on which web1 serves pool web, with the real files of its overrides."""
    watched, kept = MemoryWatched(), Overrides(tmp_path)
    return Desk(watched, kept, Overriding(watched, kept, watched.confirmation))


async def test_a_drain_is_answered_when_the_proxy_does_it(desk: Desk) -> None:
    """It is kept by the container's id, wakes the watch at once, and the answer says where it is done."""
    desk.web(draining=True)
    answer = await desk.overriding.override("web1", drain=True)
    assert answer == Overridden("web1", ("web",), (), draining=True, changes={"drain": True})
    assert desk.kept.all() == {"id-web1": Override(drain=True)}
    assert desk.watched.woken == ["operator, at once"]


async def test_a_drain_is_answered_when_the_server_gets_nothing_new(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Processes with an earlier configuration are waited for, but not longer than the answer may take."""
    desk.web(draining=True)
    desk.watched.is_quiet.clear()
    asked = asyncio.create_task(desk.overriding.override("web1", drain=True))
    await asyncio.sleep(0.05)
    assert (desk.watched.woken, asked.done()) == (["operator, at once"], False)
    desk.watched.is_quiet.set()
    assert (await asked).draining
    desk.watched.is_quiet.clear()
    desk.web(draining=True, weight=5)
    assert (await desk.overriding.override("web1", weight=5)).draining, "only a drain waits"
    monkeypatch.setattr(confirm, "ANSWERED", 0.05)
    assert (await desk.overriding.override("web1", drain=True)).draining


async def test_the_proxy_is_asked_what_runs_on_a_server(desk: Desk) -> None:
    """By the server's container, whichever pools that is in; an unknown name is refused with the known ones."""
    assert await desk.overriding.finished("web1")
    desk.watched.busy = {"id-web1"}
    assert not await desk.overriding.finished("web1")
    with pytest.raises(ProxyctlError, match="no server is named web9; known are web1"):
        await desk.overriding.finished("web9")


async def test_an_override_leaves_what_was_asked_before(desk: Desk) -> None:
    """A weight does not end a drain; `ready` takes both back, and nothing is kept then."""
    desk.web(draining=True)
    await desk.overriding.override("web1", drain=True)
    desk.web(draining=True, weight=5)
    await desk.overriding.override("web1", weight=5)
    assert desk.kept.all() == {"id-web1": Override(drain=True, weight=5)}
    desk.web()
    back: Changes = {"drain": False, "weight": None}
    assert not (await desk.overriding.override("web1", **back)).draining
    assert desk.kept.all() == {}


async def test_a_state_from_before_the_override_is_no_answer(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The proxy doing what was decided earlier says nothing: a decision has to have seen the override."""
    monkeypatch.setattr(confirm, "WITHIN", 0.1)
    with pytest.raises(ProxyctlError, match=r"not done it within 0 s, the decision is kept: `proxyctl status` shows"):
        await desk.overriding.override("web1", drain=True)
    assert desk.kept.all() == {"id-web1": Override(drain=True)}


async def test_a_server_that_has_not_joined_is_named_as_waiting(desk: Desk) -> None:
    """The override is kept until the container joins; the answer has no pool that does it."""
    waits = Waiting("id-web2", "web2", "web", "10.0.0.2", 80, "its health check has not passed yet")
    desk.watched.waiting = Outcome(WEB, waiting=(waits,))
    desk.watched.next_pass = lambda: desk.watched.do(WEB)
    answer = await desk.overriding.override("web2", weight=3)
    assert answer == Overridden("web2", (), ("web",), draining=False, changes={"weight": 3})


async def test_an_unknown_server_is_refused_with_the_known_ones(desk: Desk) -> None:
    """Nothing is kept, and the watch is not woken."""
    with pytest.raises(ProxyctlError, match="no server is named web9; known are web1"):
        await desk.overriding.override("web9", drain=True)
    assert (desk.kept.all(), desk.watched.woken) == ({}, [])


async def test_a_refusal_of_the_proxy_ends_the_wait(desk: Desk) -> None:
    """The reason is the proxy's own; a refusal that was known before is not taken for one of this override."""
    desk.watched.refused = "an older reason"
    passes = iter((None, "haproxy refused the configuration"))

    def refuse() -> None:
        desk.watched.refused = next(passes) or desk.watched.refused
        if desk.watched.refused == "an older reason":
            desk.watched.wake("again")

    desk.watched.next_pass = refuse
    with pytest.raises(ProxyctlError, match="does not do it, the decision is kept: haproxy refused the configuration"):
        await desk.overriding.override("web1", weight=2)


async def test_a_wait_that_is_over_tells_the_problems_of_now(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of the gateway, not those of containers, which have nothing to do with it."""
    monkeypatch.setattr(confirm, "WITHIN", 0.05)
    desk.watched.problems = (
        Problem("", "", "gateway: Docker does not answer", code="P501"),
        Problem("web9", "l", "bad label", code="P102"),
    )
    with pytest.raises(ProxyctlError, match=r"the wish is kept: gateway: Docker does not answer$"):
        await desk.overriding.maintain("web", on=True)
    assert set(desk.kept.maintenance) == {"web"}


async def test_maintenance_is_answered_when_the_pool_is_in_it(desk: Desk) -> None:
    """On and off; a pool that is not there is refused with the known ones."""
    desk.web(maintenance=True)
    assert await desk.overriding.maintain("web", on=True) == Maintained("web", maintenance=True)
    assert set(desk.kept.maintenance) == {"web"}
    desk.web()
    assert await desk.overriding.maintain("web", on=False) == Maintained("web", maintenance=False)
    assert set(desk.kept.maintenance) == set()
    with pytest.raises(ProxyctlError, match="no pool is named wbe; known are api, web"):
        await desk.overriding.maintain("wbe", on=True)
