"""Decides what the proxy should do. `watch`, `plan`, `render` and `explain` all come through here.

Pure; the order of the containers in the snapshot makes no difference. Next: `core.plan`.
"""

from __future__ import annotations

import dataclasses

from proxyctl.core.decide import addresses, origins, ports
from proxyctl.core.decide.desired import desired
from proxyctl.core.decide.exclude import exclude
from proxyctl.core.decide.failing import failing
from proxyctl.core.decide.outcome import Outcome
from proxyctl.core.decide.retain import retain
from proxyctl.core.decide.unserved import unserved
from proxyctl.core.decide.world import World


def decide(world: World) -> Outcome:
    """Return what the proxy should do in this world, with a problem for each container that is not served as asked.

    In five steps: keep apart what shares a pool's name by chance, or a port, take what the labels ask for, retain
    servers that are only missing from one listing, exclude the parts that the proxy refused, take out servers whose
    address another container has.
    """
    world = ports.apart(origins.apart(world))
    outcome = addresses.settle(exclude(retain(desired(world), world), world), world)
    problems = sorted({*outcome.problems, *failing(outcome, world), *unserved(outcome, world)})
    return dataclasses.replace(outcome, problems=tuple(problems))
