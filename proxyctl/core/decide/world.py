"""All that `decide` looks at, in one frozen value. Next: `decision`."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping

from proxyctl.core.decide.members import Survey
from proxyctl.core.decide.parts import Part
from proxyctl.core.model import Desired, Finding, Override, Target


@dataclasses.dataclass(frozen=True, slots=True)
class World:
    """All that the outcome of `decide` depends on.

    `survey` holds the snapshot and how it was read (options, rules, pin), `findings` the readiness of its targets.
    `overrides` are what operators asked for, by container id, `maintenance` the pools that operators put in
    maintenance.
    `previous` is what the proxy does now: an incumbent keeps its route, and a server that leaves drains first.
    `drained` are the (pool, container id) of servers whose drain is over, `retained` the container ids that the last
    outcome retained. `accepted` is what the proxy's own check last accepted, `excluded` the further parts that the
    check refused, with the proxy's reasons. `failing` are the (pool, server name) that fail the health checks that the
    proxy itself makes, with what the check found. `crashing` are the containers, by name, that crash again and
    again, with the reason why they may not serve yet (`core.crashes`).
    """

    survey: Survey
    findings: Mapping[Target, Finding]
    overrides: Mapping[str, Override]
    maintenance: Collection[str]
    drained: Collection[tuple[str, str]]
    previous: Desired
    retained: Collection[str]
    accepted: Desired
    failing: Mapping[tuple[str, str], str]
    crashing: Mapping[str, str]
    excluded: Mapping[Part, str]
