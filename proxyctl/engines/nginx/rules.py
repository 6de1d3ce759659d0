"""What nginx can do, by version and build, and what a change costs on it; pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from proxyctl.core.changes import Change
from proxyctl.core.labels.declaration import Membership
from proxyctl.core.model import Desired, Features
from proxyctl.core.rules import Inability

STICKY = (1, 29, 6)  # the first open-source nginx with `sticky`
H2C = (1, 29, 4)  # the first nginx with HTTP/2 to its servers
RANDOM_BY_RING = False  # `balance=random` picks servers by their weights: decision 0020

_RELOAD = "nginx reads its servers only when it loads its configuration"


@dataclasses.dataclass(frozen=True, slots=True)
class NginxRules:
    """Implements `core.rules.Rules`."""

    features: Features

    @property
    def checks_health(self) -> bool:
        """False: open source nginx has no active health check."""
        return False

    def reload_reason(self, change: Change, after: Desired) -> str:  # noqa: ARG002 - part of the protocol
        """Return the same reason for every change: nginx takes none at run time."""
        return _RELOAD

    def inabilities(self, membership: Membership) -> Iterator[Inability]:
        """Yield the labels that this nginx cannot carry out."""
        pool = membership.pool
        for wanted, label, value, needed in (
            (pool.sticky is not None, "sticky", pool.sticky, STICKY),
            (pool.protocol == "h2c", "protocol", pool.protocol, H2C),
        ):
            if wanted and not self.features.since(*needed):
                version = ".".join(map(str, needed))
                text = f"{label}={value} needs nginx {version}, this is {self.features.version_text}"
                yield Inability(label, f"{text}; or take engine haproxy")
        if pool.protocol == "tcp" and not self.features.stream_module:
            reason = "protocol=tcp needs nginx's stream module, which is missing here; or take engine haproxy"
            yield Inability("protocol", reason)
        if pool.protocol == "h2c" and pool.health and pool.health.port is None:
            reason = "on nginx the check speaks HTTP/1.1: give it a port that does, or take engine haproxy"
            yield Inability("health.port", reason)
        queue = {
            "maxconn": membership.maxconn is not None,
            "timeout.queue": f"{membership.at}timeout.queue" in membership.written,
        }
        for label in (name for name, asked in queue.items() if asked):
            yield Inability(label, "nginx has no queue: over maxconn it answers 502", "warning")
