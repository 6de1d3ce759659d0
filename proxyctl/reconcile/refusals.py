"""The search for what a proxy refuses: by halves, with a `check` that is handed in; and what is known of it.

Knows neither proxies nor files. What can be left out is decided by `core.decide.quarantine`. Called by `reconciler`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from proxyctl.core.decide import quarantine
from proxyctl.core.decide.desired import Outcome
from proxyctl.core.decide.quarantine import Part
from proxyctl.core.model import Desired
from proxyctl.errors import ConfigRefused

T = TypeVar("T")

Check = Callable[[Desired], Awaitable[str]]
"""Tries a state, which nothing uses yet; returns why it is refused, or an empty string."""


async def admit(held: list[T], more: Sequence[T], check: Callable[[list[T]], Awaitable[str]]) -> dict[T, str]:
    """Add to `held`, which is accepted, as many of `more` as are accepted too; return the others with their reasons.

    By halves: k that are refused among n cost about k · log2(n) checks. What is held in the end was accepted as a
    whole, and where one never cures or causes another's refusal, nobody is left out without need.
    """
    if not more:
        return {}
    reason = await check([*held, *more])
    if not reason:
        held += more
        return {}
    if len(more) == 1:
        return {more[0]: reason}
    half = len(more) // 2
    left_out = await admit(held, more[:half], check)
    return left_out | await admit(held, more[half:], check)


class Quarantine:
    """Remembers what was refused, by what it is made of, so that it is not tried again until that changes."""

    def __init__(self) -> None:
        self._refused: dict[Part, str] = {}
        self._in_vain: tuple[Desired, str] | None = None

    def __bool__(self) -> bool:
        """Whether anything is known to be refused."""
        return bool(self._refused) or self._in_vain is not None

    def hold(self, accepted: Desired, outcome: Outcome) -> Outcome:
        """Return the outcome without what is known to be refused; what nobody wants any more is forgotten."""
        if not self._refused:
            return outcome
        wanted = outcome.desired
        own = [p for pool in quarantine.parts(accepted, wanted).values() for p in pool]
        self._refused = {p: self._refused[p] for p in own if p in self._refused}
        state = quarantine.build(accepted, wanted, [p for p in own if p not in self._refused])
        return quarantine.told(outcome, state, quarantine.refusals(accepted, wanted, self._refused))

    async def find(self, accepted: Desired, wanted: Desired, check: Check, why: str, *, inputs_are_new: bool) -> str:
        """Find out what is refused of `wanted`, which was refused for `why`; return an empty string when that is known.

        Where what serves already is refused as well, new templates or settings are to blame: return that reason, with
        the pools that it is about. Raise ConfigRefused where they are not new.
        """
        serves = quarantine.build(accepted, wanted, ())
        reason = await check(serves)
        if not reason:
            await self.search(accepted, wanted, check)
            return ""
        pools = await culprits(serves, check)
        place = f", for pool {', '.join(pools)}" if pools else ""
        if not inputs_are_new:
            raise self.give_up(wanted, f"{why}{place}")
        return f"{reason}{place}"

    async def search(self, accepted: Desired, wanted: Desired, check: Check) -> None:
        """Find out which parts of `wanted` are refused; without any of them it must be accepted."""

        async def try_parts(these: list[Part]) -> str:
            return await check(quarantine.build(accepted, wanted, these))

        pools = quarantine.parts(accepted, wanted)

        async def try_pools(these: list[str]) -> str:
            return await try_parts([p for name in these for p in pools[name]])

        whole: list[str] = []
        broken = await admit(whole, tuple(pools), try_pools)
        held = [p for name in whole for p in pools[name]]
        for name in broken:
            before, refused = list(held), dict[Part, str]()
            for kind in quarantine.stages(pools[name]):
                refused |= await admit(held, kind, try_parts)
            if useless := quarantine.useless(accepted, pools[name], refused):
                held, refused = before, dict.fromkeys(pools[name], useless)
            self._refused |= refused

    def in_vain(self, wanted: Desired) -> str:
        """Return why `wanted` cannot be had in part either, if that was found out already."""
        return self._in_vain[1] if self._in_vain and self._in_vain[0] == wanted else ""

    def give_up(self, wanted: Desired, reason: str) -> ConfigRefused:
        """Remember that no part of `wanted` can be had; return the error that says so."""
        self._in_vain = wanted, reason
        return ConfigRefused(reason)

    def forget(self) -> None:
        """Try everything again: something else than the pools has changed."""
        self._refused.clear()
        self._in_vain = None


async def culprits(state: Desired, check: Check) -> tuple[str, ...]:
    """Return the pools of a refused state that it is refused for; none where it is refused without any pool, too."""

    async def try_pools(these: list[str]) -> str:
        return await check(quarantine.only(state, these))

    if await try_pools([]):
        return ()
    return tuple(await admit([], [p.name for p in state.pools], try_pools))
