"""What was applied, generation by generation, and which one an operator means to go back to. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from proxyctl.core.describe import describe
from proxyctl.core.plan import Plan
from proxyctl.errors import UsageError

TOLD = 3  # changes that a summary names; a storm of joins is not a history


@dataclasses.dataclass(frozen=True, slots=True)
class Past:
    """One generation: when it was made (Unix time), what was new in it, and whether the proxy confirmed it.

    `topology` is the hash of all but the servers. `held` is the generation that it repeats after a rollback.
    """

    number: int
    revision: str
    topology: str
    at: float
    changes: tuple[str, ...] = ()
    held: int | None = None
    applied: bool = False
    current: bool = False


def summary(plan: Plan, reasons: Iterable[str], held: int | None) -> tuple[str, ...]:
    """Say in a few words what is new: the changes of the plan, or else why the proxy had to reload."""
    texts = tuple(text for _, text in describe(plan)) or tuple(reasons)
    if len(texts) > TOLD:
        texts = (*texts[:TOLD], f"and {len(texts) - TOLD} more")
    return texts if held is None else (f"held at generation {held}", *texts)


def target(history: Iterable[Past], asked: int | None, held: int | None) -> int:
    """Return the generation to go back to; raise UsageError with those that there are.

    Not asked for one: the last applied one before the current, or before the one that the gateway is `held` at,
    that differs in more than its servers, which are never rolled back.
    """
    known = sorted(history, key=lambda p: p.number)
    there = ", ".join(str(p.number) for p in known if p.applied) or "none"
    if asked is not None:
        if any(p.number == asked and p.applied for p in known):
            return asked
        raise UsageError(f"there is no generation {asked} to go back to; there are {there}")
    now = next((p for p in known if p.current), None)
    if now is not None:
        before = held or now.number
        found = [p.number for p in known if p.applied and p.number < before and p.topology != now.topology]
        if found:
            return found[-1]
    message = f"no earlier generation differs in more than its servers; there are {there}: `proxyctl history`"
    raise UsageError(message)
