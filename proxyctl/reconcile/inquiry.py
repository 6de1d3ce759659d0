"""What is found out about the targets of a survey: DNS and the containers themselves are asked.

The same for `watch`, which asks in every pass, and for `plan`, `render` and `explain`, which ask once.
"""

from __future__ import annotations

from collections.abc import Iterable

from proxyctl.core.decide.readiness import merged, unproven
from proxyctl.core.model import Desired, Finding, Target
from proxyctl.engines.timings import timed
from proxyctl.gateway.port import Prober
from proxyctl.reconcile.names import Names


class Inquiry:
    """Asks in the background; each call returns what is known by then."""

    def __init__(self, prober: Prober, names: Names) -> None:
        """Take what asks the containers, and what asks DNS."""
        self._prober, self._names = prober, names
        self.names_pending = False
        """Whether DNS has still not said something about a name of the last call."""

    async def findings(self, targets: Iterable[Target], previous: Desired) -> dict[Target, Finding]:
        """Return what is known of the targets; the name of a server of `previous` counts as proved."""
        targets = tuple(targets)
        self._prober.follow(targets)  # while DNS is asked; what it finds counts once the name does
        with timed("dns"):
            names = await self._names.check(unproven(targets, previous))
        self.names_pending = None in names.values()
        return merged(self._prober.findings(), names)
