"""The world as a decision sees it: one frozen value with everything that counts. Next: `decision`."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping

from proxyctl.core.decide.members import Survey
from proxyctl.core.decide.parts import Part
from proxyctl.core.model import Desired, Finding, Override, Target


@dataclasses.dataclass(frozen=True, slots=True)
class World:
    """All that a decision depends on.

    `survey` holds the snapshot and how it was read: options, rules, pin. `findings` say what was found out about its
    targets, `overrides` what operators asked for, by container id, and `maintenance` which pools they closed.
    `previous` is what the proxy does now: an incumbent keeps its route, and a server may drain, unless it is among
    `drained`, the (pool, container id) of servers whose time to drain is over. `retained` are the container ids that
    the last decision retained. `accepted` is what the proxy's own check last accepted, and `excluded` the parts beyond
    it that the check refused, with the proxy's reasons.
    """

    survey: Survey
    findings: Mapping[Target, Finding]
    overrides: Mapping[str, Override]
    maintenance: Collection[str]
    drained: Collection[tuple[str, str]]
    previous: Desired
    retained: Collection[str]
    accepted: Desired
    excluded: Mapping[Part, str]
