"""Whether one container serves, drains or waits in one pool, and what it waits for. Pure. Next: `desired`."""

from __future__ import annotations

import dataclasses

from proxyctl.core import codes
from proxyctl.core.decide.members import Member
from proxyctl.core.decide.world import World
from proxyctl.core.model import Override, Server

_NO_OVERRIDE = Override()
_RUNS_ON = "was told to stop and runs on: it gets nothing new until `{}` starts it again, or `{}` ends it"


@dataclasses.dataclass(frozen=True, slots=True)
class Standing:
    """How a member takes part: as a `server`, waiting for `reason`, or not at all where both are empty.

    `problem` is what its owner should mend, and `code` its kind. `leaving`: its container ends or fails, and either the
    proxy still has it, or it is not over by now; its drain is timed.
    """

    member: Member
    server: Server | None = None
    reason: str = ""
    problem: str = ""
    code: str = codes.UNHEALTHY
    leaving: bool = False


def stand(member: Member, world: World, before: Server | None) -> Standing:
    """Return the standing of a member; `before` is its server in the pool now, if it has one."""
    override = world.overrides.get(member.container.id, _NO_OVERRIDE)
    container = member.container
    sick = ""
    if container.live and not container.stopping and container.health == "unhealthy":
        command = world.survey.snapshot.commands.inspect.format(container=container.name)
        sick = f"its HEALTHCHECK says unhealthy: {command} shows what it answered"
    away = before is not None and (bool(sick) or not member.target.address)
    if container.state == "paused" or (container.live and (container.stopping or away)):
        return _leave(member, world, before, sick)
    if not container.live and container.state != "restarting":
        return Standing(member)
    crashing = world.crashing.get(container.name, "")
    if reason := crashing or sick or _obstacle(member):
        code = codes.CRASHES if crashing else codes.UNHEALTHY
        return Standing(member, reason=reason, problem=crashing or sick, code=code)
    finding = world.findings.get(member.target)
    undecided = finding is None or not (finding.ok or finding.late)
    if undecided and before and (before.address, before.port) == _endpoint(member):
        # It has not answered yet, as after a restart of proxyctl: no answer is not a bad answer.
        return Standing(member, _server(member, override, before, drain=before.draining))
    if finding is None or not finding.ok:
        reason = (finding.reason if finding else "") or "has not answered yet"
        late = finding is not None and finding.late
        code = finding.code if finding else codes.NOT_READY
        return Standing(member, reason=reason, problem=reason if late else "", code=code)
    return Standing(member, _server(member, override, before, drain=False))


def _leave(member: Member, world: World, before: Server | None, sick: str) -> Standing:
    """Return the standing of a member that gets nothing new: it drains, and is out once that is over."""
    container = member.container
    over = (member.membership.pool.name, container.id) in world.drained
    if over and container.stopping and container.live:
        commands = world.survey.snapshot.commands
        told = _RUNS_ON.format(*(c.format(container=container.name) for c in (commands.restart, commands.kill)))
        return Standing(member, reason=told, problem=told, code=codes.RUNS_ON, leaving=True)
    override = world.overrides.get(container.id, _NO_OVERRIDE)
    server = _server(member, override, before, drain=True) if before and not over else None
    # A stop signal outlasts a pause, and counts for a container that never was in the pool: its time goes on.
    leaving = before is not None or container.stopping
    return Standing(member, server, reason=sick if over else "", problem=sick, leaving=leaving)


def _obstacle(member: Member) -> str:
    """Return what keeps a container from serving before it is even asked; an empty string when nothing does."""
    if member.container.state == "restarting":
        return "Docker is restarting it"
    if member.container.owner and member.container.owner.lost:
        return f"shares the network of {member.container.owner.name}, and that is lost"
    if not member.target.address:
        return "has no address on the network yet"
    if member.container.health == "starting":
        return "its HEALTHCHECK has not passed yet"
    return ""


def _endpoint(member: Member) -> tuple[str, int]:
    return member.target.address, member.target.port


def _server(member: Member, override: Override, before: Server | None, *, drain: bool) -> Server:
    labels, container = member.membership, member.container
    return Server(
        name=container.name,
        container=container.id,
        address=member.target.address or (before.address if before else ""),
        port=labels.port,
        weight=labels.weight if override.weight is None else override.weight,
        backup=labels.backup,
        maxconn=labels.maxconn,
        draining=drain or override.drain,
        known_as=member.target.known_as,
    )
