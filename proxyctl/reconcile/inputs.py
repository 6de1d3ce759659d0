"""The templates and settings in use: those that were read last, unless the proxy refuses them."""

from __future__ import annotations

from collections.abc import Callable

from proxyctl.errors import ProxyctlError
from proxyctl.reconcile.refusals import Refusals
from proxyctl.state.port import Inputs


class InputsInUse:
    """Reads them anew when they changed, and goes back to the last good ones."""

    def __init__(self, read: Callable[[], Inputs], refusals: Refusals) -> None:
        """Read them for the first time; raise what `read` raises."""
        self._read, self._refusals = read, refusals
        self.now = read()
        self.stale = False
        """Whether the files have changed since."""
        self._good: Inputs | None = None

    @property
    def last_good(self) -> Inputs | None:
        """The ones that the proxy took before; None when it took those of now, or none yet."""
        return self._good if self._good != self.now else None

    def refresh(self) -> None:
        """Read them anew if the files have changed; where that fails, those of now stay in use."""
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
        """Remember that the proxy took those of now."""
        self._good = self.now

    def go_back(self, good: Inputs, why: str) -> None:
        """Use the last good ones: what serves already would be refused with those of now."""
        self._refusals.refuse_inputs(why)
        self.now = good
