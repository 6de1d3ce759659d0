"""Keeps containers apart that share a network namespace and say the same port; pure. Next: `desired`.

Only one of them can listen there, so the other would get its requests under the first one's answers. A container that
serves keeps the port; then the owner of the namespace comes before containers that share it.
"""

from __future__ import annotations

import dataclasses

from proxyctl.core import codes
from proxyctl.core.decide.members import Member, present
from proxyctl.core.decide.world import World
from proxyctl.core.features.server import PORT
from proxyctl.core.model import Problem

_REASON = (
    "port {port} in the network of {owner} is {first}'s, and two containers cannot listen on it: give one of them "
    "another {label}"
)


def apart(world: World) -> World:
    """Return the world without the members whose port belongs to another container; each of them has a problem."""
    survey = world.survey
    shared = {m.container.namespace for m in survey.members if m.container.namespace != m.container.id}
    if not shared:
        return world
    served = {s.container for pool in world.previous.pools for s in pool.servers}

    def rank(member: Member) -> tuple[bool, bool, int, str]:
        c = member.container
        return c.id not in served, c.namespace != c.id, c.created, c.name

    first: dict[tuple[str, int], Member] = {}
    refused: dict[int, Problem] = {}
    own = (m for m in survey.members if m.container.namespace in shared and present(m.container))
    for member in sorted(own, key=rank):
        holder = first.setdefault((member.container.namespace, member.membership.port), member)
        if holder.container.id != member.container.id:
            refused[id(member)] = _problem(member, holder)
    if not refused:
        return world
    stay = tuple(m for m in survey.members if id(m) not in refused)
    survey = dataclasses.replace(survey, members=stay, problems=(*survey.problems, *refused.values()))
    return dataclasses.replace(world, survey=survey)


def _problem(member: Member, holder: Member) -> Problem:
    owner = member.container.owner or holder.container.owner
    label = f"{member.membership.at}{PORT.name}"
    reason = _REASON.format(
        port=member.membership.port,
        owner=owner.name if owner else member.container.name,
        first=holder.container.name,
        label=label,
    )
    return Problem(member.container.name, label, reason, code=codes.SAME_PORT)
