"""The templates and settings in use: the last that were read, or the last good ones where the proxy refuses these.

What a pass reads from Docker is no input in this sense: `one_pass` gathers it as a `World`.
"""

from __future__ import annotations

from collections.abc import Callable

from proxyctl.errors import ProxyctlError
from proxyctl.reconcile.refusals import Refusals
from proxyctl.state.port import Inputs


class InputsInUse:
    """Reads the inputs anew when their files changed, and goes back to the last good inputs."""

    def __init__(self, read: Callable[[], Inputs], refusals: Refusals) -> None:
        """Read the inputs for the first time; raise what `read` raises."""
        self._read, self._refusals = read, refusals
        self.now = read()
        self.stale = False
        """Whether a file has changed since the inputs were read."""
        self._good: Inputs | None = None

    @property
    def last_good(self) -> Inputs | None:
        """The inputs that the proxy took last, if other ones are in use now; else None."""
        return self._good if self._good != self.now else None

    def refresh(self) -> None:
        """Read the inputs anew if a file has changed; where that fails, the present inputs stay in use."""
        if not self.stale:
            return
        self.stale = False
        try:
            self.now = self._read()
        except ProxyctlError as exc:
            self._refusals.refuse_inputs(str(exc))
        else:
            self._refusals.inputs = ""
            self._refusals.forget()

    def taken(self) -> None:
        """Remember that the proxy took a configuration made from the present inputs."""
        self._good = self.now

    def go_back(self, good: Inputs, why: str) -> None:
        """Use the last good inputs: with the present ones the proxy refuses even the pools that serve already."""
        self._refusals.refuse_inputs(why)
        self.now = good
