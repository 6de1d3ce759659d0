"""Decides what the proxy should do. `watch`, `plan`, `render` and `explain` all come through here.

Pure, and independent of any order. Next: `core.plan`.
"""

from __future__ import annotations

from proxyctl.core.decide.desired import desired
from proxyctl.core.decide.exclude import exclude
from proxyctl.core.decide.outcome import Outcome
from proxyctl.core.decide.retain import retain
from proxyctl.core.decide.world import World


def decide(world: World) -> Outcome:
    """Return what the proxy should do in this world, with a problem for each container that is not served as asked.

    In three steps: take what the labels ask for, add the servers that one listing must not take out, leave out the
    parts that the proxy is known to refuse.
    """
    return exclude(retain(desired(world), world), world)
