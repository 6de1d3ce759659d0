"""Tells which servers fail the health check that the proxy itself makes; pure, after the other steps of `decision`.

They stay in the proxy's list, where the check goes on. Where proxyctl makes the checks, `standing` leaves them out.
"""

from __future__ import annotations

from collections.abc import Iterator

from proxyctl.core import codes
from proxyctl.core.decide.outcome import Outcome
from proxyctl.core.decide.world import World
from proxyctl.core.model import Problem


def failing(outcome: Outcome, world: World) -> Iterator[Problem]:
    """Yield a problem for each server that its container would serve and the proxy's check does not let."""
    for pool in outcome.desired.pools:
        for server in pool.servers:
            reason = world.failing.get((pool.name, server.name))
            if reason is not None and not server.draining:
                told = f"fails the health check of pool {pool.name}: {reason}"
                yield Problem(server.name, "", told, code=codes.UNCHECKED)
