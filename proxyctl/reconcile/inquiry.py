"""Finds out whether targets are ready: asks DNS for their names, and the prober for their containers' answers.

The same for `watch`, which asks in every pass, and for `plan`, `render` and `explain`, which ask once. Next:
`dns_names`.
"""

from __future__ import annotations

from collections.abc import Iterable

from proxyctl.core.decide.readiness import merged, unproven
from proxyctl.core.model import Desired, Finding, Target
from proxyctl.engines.timings import timed
from proxyctl.gateway.port import Prober
from proxyctl.reconcile.dns_names import DnsNames


class Inquiry:
    """Asks in the background; each call returns what was answered by now."""

    def __init__(self, prober: Prober, names: DnsNames) -> None:
        """Take the prober, which asks the containers, and `names`, which asks DNS."""
        self._prober, self._names = prober, names
        self.names_pending = False
        """Whether DNS has not answered yet for some name of the last call."""

    async def findings(self, targets: Iterable[Target], previous: Desired) -> dict[Target, Finding]:
        """Return the finding of each target that was answered; DNS is not asked for a server of `previous`."""
        targets = tuple(targets)
        self._prober.follow(targets)  # starts beside DNS; an answer counts only once the name resolves
        with timed("dns"):
            names = await self._names.check(unproven(targets, previous))
        self.names_pending = None in names.values()
        return merged(self._prober.findings(), names)
