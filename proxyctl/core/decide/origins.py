"""Keeps containers apart that share a pool's name only by chance; pure. Next: `desired`.

A pool is shared by those that name it, and by the replicas of one origin. Containers of two compose projects share it
only where both name it. Who has the pool keeps it, so a newcomer takes nothing away.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from proxyctl.core import codes
from proxyctl.core.decide.members import Member, present
from proxyctl.core.decide.world import World
from proxyctl.core.features.membership import POOL
from proxyctl.core.labels.origin import Origin, origin
from proxyctl.core.model import Problem

_REASON = (
    "pool {pool} is that of {owner}, and {this} takes no part in it: give it another {label}, or name the pool by that "
    "label on both"
)


def apart(world: World) -> World:
    """Return the world without the members that may not be in their pools; each of them has a problem instead."""
    survey = world.survey
    by_pool: dict[str, list[Member]] = {}
    for member in survey.members:
        by_pool.setdefault(member.membership.pool.name, []).append(member)
    refused: dict[int, Problem] = {}
    for name, own in by_pool.items():
        if len({_claim(m) for m in own}) > 1:
            served = {s.container for p in world.previous.pools if p.name == name for s in p.servers}
            refused |= _newcomers(own, served)
    if not refused:
        return world
    stay = tuple(m for m in survey.members if id(m) not in refused)
    problems = (p for m in survey.members if (p := refused.get(id(m))) and present(m.container))
    survey = dataclasses.replace(survey, members=stay, problems=(*survey.problems, *problems))
    return dataclasses.replace(world, survey=survey)


def _newcomers(own: Sequence[Member], served: set[str]) -> dict[int, Problem]:
    def rank(member: Member) -> tuple[bool, bool, bool, int, str, str]:
        c = member.container
        return c.id not in served, not present(c), not c.live, c.created, c.name, c.id

    admitted: dict[tuple[bool, Origin], Member] = {}
    refused: dict[int, Problem] = {}
    for member in sorted(own, key=rank):
        claim = _claim(member)
        other = next((m for c, m in admitted.items() if not _may_share(claim, c)), None)
        if other is None:
            admitted.setdefault(claim, member)
        else:
            refused[id(member)] = _problem(member, other)
    return refused


def _claim(member: Member) -> tuple[bool, Origin]:
    return member.membership.named, origin(member.container)


def _may_share(one: tuple[bool, Origin], other: tuple[bool, Origin]) -> bool:
    (one_named, mine), (other_named, theirs) = one, other
    if one_named and other_named:
        return True
    if one_named or other_named:
        return not mine.project or not theirs.project or mine.project == theirs.project
    return mine == theirs


def _problem(member: Member, owner: Member) -> Problem:
    label = f"{member.membership.at}{POOL.name}"
    reason = _REASON.format(
        pool=member.membership.pool.name,
        owner=origin(owner.container),
        this=origin(member.container),
        label=label,
    )
    return Problem(member.container.name, label, reason, code=codes.POOL_OF_OTHERS)
