"""The history of generations, and the generation that a rollback goes back to. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from proxyctl.core.describe import describe
from proxyctl.core.plan import Plan
from proxyctl.errors import UsageError

NAMED = 3  # changes that a summary names; a storm of joins would hide the rest


@dataclasses.dataclass(frozen=True, slots=True)
class Past:
    """One generation: when it was made (Unix time), what was new in it, and whether the proxy confirmed it.

    `topology` is the hash of all but the servers. `pinned` is the generation that the gateway was pinned to
    when this one was made, else None.
    """

    number: int
    revision: str
    topology: str
    at: float
    changes: tuple[str, ...] = ()
    pinned: int | None = None
    applied: bool = False
    current: bool = False


def summary(plan: Plan, reasons: Iterable[str], pinned: int | None) -> tuple[str, ...]:
    """Return what is new in a generation, in a few words: the plan's changes, else the reasons of its reload."""
    texts = tuple(text for _, text in describe(plan)) or tuple(reasons)
    if len(texts) > NAMED:
        texts = (*texts[:NAMED], f"and {len(texts) - NAMED} more")
    return texts if pinned is None else (f"held at generation {pinned}", *texts)


def target(history: Iterable[Past], asked: int | None, pinned: int | None) -> int:
    """Return the generation to go back to; raise UsageError that lists the generations where there is none.

    If none is `asked` for, it is the newest applied generation before the current one (or before the `pinned` one)
    that differs from it in more than its servers: servers are never rolled back.
    """
    known = sorted(history, key=lambda p: p.number)
    there = ", ".join(str(p.number) for p in known if p.applied) or "none"
    if asked is not None:
        if any(p.number == asked and p.applied for p in known):
            return asked
        raise UsageError(f"there is no generation {asked} to go back to; there are {there}")
    now = next((p for p in known if p.current), None)
    if now is not None:
        before = pinned or now.number
        found = [p.number for p in known if p.applied and p.number < before and p.topology != now.topology]
        if found:
            return found[-1]
    message = f"no earlier generation differs in more than its servers; there are {there}: `proxyctl history`"
    raise UsageError(message)
