"""Searches for the parts of a state that the proxy refuses: by halves, with a `check` that is an argument.

Knows neither proxies nor files, and remembers nothing: `refusals` does. `core.decide.parts` says which parts a state
has. Called by `reach`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from proxyctl.core.decide.parts import Part, build, only, parts, stages, useless
from proxyctl.core.model import Desired

T = TypeVar("T")

Check = Callable[[Desired], Awaitable[str]]
"""Returns why the proxy refuses a state that it does not run; an empty string when it accepts the state."""


async def admit(admitted: list[T], more: Sequence[T], check: Callable[[list[T]], Awaitable[str]]) -> dict[T, str]:
    """Return the items of `more` that are refused, with the reasons; add the other items to `admitted`.

    By halves: k refused items among n cost about k · log2(n) checks. The admitted items were accepted together. No
    item is refused without need, unless its acceptance depends on other items.
    """
    if not more:
        return {}
    reason = await check([*admitted, *more])
    if not reason:
        admitted += more
        return {}
    if len(more) == 1:
        return {more[0]: reason}
    half = len(more) // 2
    left_out = await admit(admitted, more[:half], check)
    return left_out | await admit(admitted, more[half:], check)


async def search(accepted: Desired, wanted: Desired, check: Check) -> dict[Part, str]:
    """Return the refused parts of `wanted`, with the reasons; `wanted` without its parts must be accepted."""

    async def try_parts(these: list[Part]) -> str:
        return await check(build(accepted, wanted, these))

    pools = parts(accepted, wanted)

    async def try_pools(these: list[str]) -> str:
        return await try_parts([p for name in these for p in pools[name]])

    whole: list[str] = []
    broken = await admit(whole, tuple(pools), try_pools)
    admitted = [p for name in whole for p in pools[name]]
    found: dict[Part, str] = {}
    for name in broken:
        before, refused = list(admitted), dict[Part, str]()
        for kind in stages(pools[name]):
            refused |= await admit(admitted, kind, try_parts)
        if why := useless(accepted, pools[name], refused):
            admitted, refused = before, dict.fromkeys(pools[name], why)
        found |= refused
    return found


async def culprits(state: Desired, check: Check) -> tuple[str, ...]:
    """Return the pools for which a state is refused; none where it would be refused without any pool, too."""

    async def try_pools(these: list[str]) -> str:
        return await check(only(state, these))

    if await try_pools([]):
        return ()
    return tuple(await admit([], [p.name for p in state.pools], try_pools))
