"""Excludes the parts that the proxy refused from an outcome; pure.

`parts` says which parts a state has; `proxyctl.reconcile.search` finds the refused ones.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from proxyctl.core import codes
from proxyctl.core.decide.outcome import Exclusion, Outcome
from proxyctl.core.decide.parts import Part, Place, build, parts
from proxyctl.core.decide.world import World
from proxyctl.core.model import Desired, Problem, Server


def exclude(outcome: Outcome, world: World) -> Outcome:
    """Return the outcome without the refused parts, with a problem for each container concerned."""
    if not world.excluded:
        return outcome
    accepted, wanted = world.accepted, outcome.wanted
    own = [p for pool in parts(accepted, wanted).values() for p in pool]
    found = exclusions(accepted, wanted, world.excluded)
    problems = {*outcome.problems, *_problems(outcome, found)}
    return dataclasses.replace(
        outcome,
        desired=build(accepted, wanted, [p for p in own if p not in world.excluded]),
        problems=tuple(sorted(problems)),
        exclusions=found,
    )


def exclusions(accepted: Desired, wanted: Desired, refused: Mapping[Part, str]) -> tuple[Exclusion, ...]:
    """Return an exclusion for each refused part of `wanted`, in words for people."""
    found = []
    for name, own in parts(accepted, wanted).items():
        pool, new = wanted.pool(name), accepted.pool(name) is None
        for part in (p for p in own if p in refused):
            change, reason = part.change, refused[part]
            if isinstance(change, Server):
                found.append(Exclusion(name, f"is left out of pool {name}: {reason}", "error", change.name))
            elif isinstance(change, Place):
                where = f"{change.route.host or 'any host '}{change.route.path} on port {change.port}"
                found.append(Exclusion(name, f"route {where} is left out: {reason}", "error"))
            elif new:
                found.append(Exclusion(name, f"pool {name} is left out: {reason}", "error", left_out=pool))
                break
            else:
                found.append(Exclusion(name, f"pool {name} keeps its previous settings: {reason}", "warning"))
    return tuple(found)


def _problems(outcome: Outcome, found: tuple[Exclusion, ...]) -> set[Problem]:
    """Return a problem for each container that an exclusion concerns."""
    names: dict[str, list[str]] = {p.name: [s.name for s in p.servers] for p in outcome.wanted.pools}
    for waiting in outcome.waiting:
        names[waiting.pool].append(waiting.name)
    return {
        Problem(container, "", x.text, x.severity, code=codes.PART_REFUSED)
        for x in found
        for container in ([x.container] if x.container else names[x.pool])
    }
