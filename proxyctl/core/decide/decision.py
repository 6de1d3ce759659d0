"""The one door from what is known to what the proxy should do: `watch`, `plan`, `render` and `explain` go through it.

Pure, and independent of any order. Next: `core.plan`.
"""

from __future__ import annotations

from proxyctl.core.decide.desired import desired
from proxyctl.core.decide.exclude import exclude
from proxyctl.core.decide.outcome import Outcome
from proxyctl.core.decide.retained import retain
from proxyctl.core.decide.world import World


def decide(world: World) -> Outcome:
    """Return what the proxy should do in this world, and what there is to say about its containers.

    First what the labels ask for, then with the servers that one listing must not take out, then without what the
    proxy is known to refuse.
    """
    return exclude(retain(desired(world), world), world)
