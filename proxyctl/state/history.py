"""The history of generations, and the generation that a rollback goes back to. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from proxyctl.core.describe import describe
from proxyctl.core.labels.declaration import Options
from proxyctl.core.model import Desired, Tuning
from proxyctl.core.plan import Plan, diff
from proxyctl.errors import UsageError
from proxyctl.state.port import Inputs, PinnedGeneration

NAMED = 3  # changes that a summary names; a storm of joins would hide the rest
_ALIKE = "differs in servers and maintenance alone, which no rollback brings back, from"


@dataclasses.dataclass(frozen=True, slots=True)
class Past:
    """One generation: when it was made (Unix time), what was new in it, and whether the proxy confirmed it.

    `essence` names all that a rollback to it brings back, and nothing else: neither servers nor maintenance. `pinned`
    is the generation that the gateway was pinned to when this one was made, else None.
    """

    number: int
    revision: str
    essence: str
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
    that differs from it in what a rollback brings back: servers and maintenance are never rolled back.
    """
    known = sorted(history, key=lambda p: p.number)
    there = ", ".join(str(p.number) for p in known if p.applied) or "none"
    now = next((p for p in known if p.current), None)
    if asked is not None:
        found_one = next((p for p in known if p.number == asked and p.applied), None)
        if found_one is None:
            raise UsageError(f"there is no generation {asked} to go back to; there are {there}")
        if pinned is None and now is not None and found_one.essence == now.essence:
            message = f"generation {asked} would change nothing: it {_ALIKE} what serves now: `proxyctl history`"
            raise UsageError(message)
        return asked
    if now is not None:
        before = pinned or now.number
        found = [p.number for p in known if p.applied and p.number < before and p.essence != now.essence]
        if found:
            return found[-1]
    message = f"no earlier generation would change anything: each {_ALIKE} what serves now; there are {there}"
    raise UsageError(f"{message}: `proxyctl history`")


def differences(now: PinnedGeneration, then: PinnedGeneration) -> tuple[str, ...]:
    """Return what a rollback from one generation to another changes, in sentences: servers and maintenance stay."""
    texts = [text for _, text in describe(diff(brought_back(now.desired), brought_back(then.desired)))]
    if now.inputs.templates != then.inputs.templates:
        texts.append("templates as they were then")
    if _settings(now.inputs) != _settings(then.inputs):
        texts.append("settings of proxyctl.toml and flags as they were then")
    return tuple(texts)


def _settings(inputs: Inputs) -> tuple[Options, Tuning]:
    return dataclasses.replace(inputs.options, label_prefix=""), inputs.tuning


def brought_back(desired: Desired) -> Desired:
    """Return a desired state without what no rollback brings back."""
    pools = tuple(dataclasses.replace(p, servers=(), maintenance=False) for p in desired.pools)
    return dataclasses.replace(desired, pools=pools)
