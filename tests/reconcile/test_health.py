"""`proxyctl.reconcile.health`: from when on a server that fails the proxy's own check is told."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import cast

import pytest

from proxyctl.core.model import ServerCount
from proxyctl.engines.port import Engine
from proxyctl.reconcile import health
from proxyctl.reconcile.health import Health
from tests.providers.docker.following import until

PLACE = ("web", "a")
GRACE = 3.0


def count(*, up: bool | None, reason: str = "") -> ServerCount:
    """Return what the proxy says of server `a`."""
    return ServerCount(*PLACE, 0, up, reason)


def made() -> tuple[Health, list[str]]:
    """Return a health that asks nobody, and the list of its wake-ups."""
    wakes: list[str] = []
    return Health(cast("Engine", None), wakes.append, GRACE), wakes


def test_who_was_up_fails_at_once_with_the_first_reason() -> None:
    """Later checks may fail for other reasons, which are no news."""
    found, wakes = made()
    found.take([count(up=True)], 0)
    for n in range(3):
        found.take([count(up=False, reason=f"refused {n}")], 1 + n)
    assert (found.failing, len(wakes)) == ({PLACE: "refused 0"}, 1)
    found.take([count(up=True)], 5)
    assert (found.failing, len(wakes)) == ({}, 2)


def test_who_never_passed_has_a_grace() -> None:
    """As where proxyctl makes the checks; before the first check has ended there is no failure at all."""
    found, wakes = made()
    for now, reason in ((0.0, ""), (1.0, "refused"), (GRACE, "refused")):
        found.take([count(up=False, reason=reason)], now)
        assert (found.failing, wakes) == ({}, [])
    found.take([count(up=False, reason="refused")], 1 + GRACE)
    assert found.failing == {PLACE: "refused"}


def test_who_is_gone_is_forgotten() -> None:
    """Another server of its name begins anew."""
    found, _ = made()
    found.take([count(up=True)], 0)
    found.take([], 1)
    found.take([count(up=False, reason="refused")], 2)
    assert found.failing == {}


async def test_no_answer_and_a_mistake_leave_what_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that does not answer has not said that its servers are well; and the asking goes on."""
    monkeypatch.setattr(health, "EVERY", 0.001)

    def mistaken() -> tuple[ServerCount, ...]:
        raise ZeroDivisionError

    answers: list[Callable[[], tuple[ServerCount, ...]]] = [lambda: (count(up=True),), lambda: (), mistaken]
    done = asyncio.Event()

    class Odd:
        async def counts(self) -> tuple[ServerCount, ...]:
            if not answers:
                done.set()
                return (count(up=False, reason="refused"),)
            return answers.pop(0)()

    found = Health(cast("Engine", Odd()), lambda _: None, GRACE)
    running = asyncio.create_task(found.run(lambda: True))
    await asyncio.wait_for(done.wait(), 5)
    await until(lambda: found.failing, "who was up before, and fails now")
    assert found.failing == {PLACE: "refused"}
    running.cancel()


async def test_it_asks_while_there_is_something_to_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    """And not otherwise: without checks the proxy has nothing to tell."""
    monkeypatch.setattr(health, "EVERY", 0.001)
    asked, wanted = asyncio.Event(), False

    class Asked:
        async def counts(self) -> tuple[ServerCount, ...]:
            asked.set()
            return ()

    running = asyncio.create_task(Health(cast("Engine", Asked()), lambda _: None, GRACE).run(lambda: wanted))
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(asked.wait(), 0.05)
    assert not asked.is_set()
    wanted = True
    await asyncio.wait_for(asked.wait(), 5)
    running.cancel()
