"""The nouns. They are imported from this package, whichever of its files has them.

`snapshot` has what Docker says, `findings` what was found out, `operators` what an operator decided, `desired` what the
proxy should do, `proxy` what it can do and what it answers. Values only, frozen and sorted, so that the same world
gives the same bytes. Next: `labels`.
"""

from __future__ import annotations

from proxyctl.core.model.desired import (
    BY_KEY,
    Balance,
    Desired,
    HealthCheck,
    Listener,
    Pool,
    Protocol,
    Route,
    Server,
    Setting,
)
from proxyctl.core.model.findings import Finding, Problem, Severity, Target
from proxyctl.core.model.operators import Override, Pin
from proxyctl.core.model.proxy import ConfigFiles, Features, Running, ServerCount, Tuning
from proxyctl.core.model.snapshot import (
    PREDEFINED,
    Attachment,
    Commands,
    Container,
    Crashes,
    Health,
    Owner,
    Snapshot,
    State,
    Unreadable,
)

__all__ = [
    "BY_KEY",
    "PREDEFINED",
    "Attachment",
    "Balance",
    "Commands",
    "ConfigFiles",
    "Container",
    "Crashes",
    "Desired",
    "Features",
    "Finding",
    "Health",
    "HealthCheck",
    "Listener",
    "Override",
    "Owner",
    "Pin",
    "Pool",
    "Problem",
    "Protocol",
    "Route",
    "Running",
    "Server",
    "ServerCount",
    "Setting",
    "Severity",
    "Snapshot",
    "State",
    "Target",
    "Tuning",
    "Unreadable",
]
