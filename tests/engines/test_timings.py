"""`proxyctl.engines.timings`: the timings of the steps of a pass."""

from __future__ import annotations

import asyncio

import pytest

from proxyctl.engines.timings import timed, timings


async def test_timings_are_gathered_through_awaits_and_added_up() -> None:
    """Steps timed in coroutines below count for the pass around them, in their order; failed ones too."""

    async def step(name: str) -> None:
        with timed(name):
            await asyncio.sleep(0)

    with timings() as took:
        await step("check")
        first = took["check"]
        await step("reload")
        await step("check")
        with pytest.raises(KeyError), timed("failed"):
            raise KeyError
    assert list(took) == ["check", "reload", "failed"]
    assert took["check"] > first > 0


async def test_laps_of_one_pass_are_not_those_of_another() -> None:
    """Outside of a pass they go nowhere, and passes side by side do not mix."""
    with timed("nobody's"):
        pass

    async def one(name: str) -> list[str]:
        with timings() as took:
            await asyncio.sleep(0)
            with timed(name):
                await asyncio.sleep(0)
        return list(took)

    first, second = await asyncio.gather(one("a"), one("b"))
    assert (first, second) == (["a"], ["b"])
