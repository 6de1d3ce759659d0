"""The Protocol behind which each engine keeps its rules: what it cannot do, and what takes a reload. Pure.

`engines.nginx.rules` and `engines.haproxy.rules` implement it. Next: `decide.members`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Protocol

from proxyctl.core.labels.declaration import Membership
from proxyctl.core.model import Features, Severity
from proxyctl.core.plan import ReloadRules


@dataclasses.dataclass(frozen=True, slots=True)
class Inability:
    """A label that asks for something that the proxy binary cannot do; `label` is without the prefix, as `sticky`."""

    label: str
    reason: str
    severity: Severity = "error"


class Rules(ReloadRules, Protocol):
    """What one proxy binary can do, and what a change costs on it. Equal for equal binaries."""

    @property
    def features(self) -> Features:
        """The binary's version and build."""

    @property
    def checks_health(self) -> bool:
        """Whether the proxy makes the HTTP health check itself; if not, proxyctl does."""

    def inabilities(self, membership: Membership) -> Iterator[Inability]:
        """Yield the labels of a membership that the binary cannot carry out as they say."""
