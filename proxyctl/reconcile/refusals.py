"""The one memory of what the proxy refused and why, so that nothing is tried again until it or its surroundings change.

Knows neither proxies nor files. `search` finds the refused parts, `core.decide.exclude` leaves them out.
"""

from __future__ import annotations

from proxyctl.core.decide.parts import Part, parts
from proxyctl.core.model import Desired
from proxyctl.errors import ConfigRefused, ReloadFailed

RETRY = 60.0  # seconds until a refused part is tried again: the reason may lie outside, such as a port in use

_OF_INPUTS = "{}; the last good ones stay in use"


class Refusals:
    """Remembers refused parts of a state, refused states, refused files, and refused templates or settings."""

    def __init__(self) -> None:
        self.parts: dict[Part, str] = {}
        """The parts of the wanted state that the proxy refuses, with its reasons."""
        self.inputs = ""
        """Why the newest templates or settings are not in use, for people; empty when they are in use."""
        self.last_pass = ""
        """Why the proxy refused what the last pass decided, or the newest inputs; empty when it refused neither."""
        self._whole: tuple[Desired, str] | None = None
        self._files: dict[str, ConfigRefused | ReloadFailed] = {}
        self._until = 0.0

    def __bool__(self) -> bool:
        """Whether a wanted part or the whole wanted state is refused, and is to be tried again later."""
        return bool(self.parts) or self._whole is not None

    # ------------------------------------------------------------------ parts and wholes

    def add(self, found: dict[Part, str]) -> None:
        """Remember refused parts with the proxy's reasons."""
        self.parts |= found

    def prune(self, accepted: Desired, wanted: Desired) -> None:
        """Forget the parts that are not wanted any more."""
        if self.parts:
            own = [p for pool in parts(accepted, wanted).values() for p in pool]
            self.parts = {p: self.parts[p] for p in own if p in self.parts}

    def give_up(self, wanted: Desired, reason: str) -> ConfigRefused:
        """Remember that no part of `wanted` is accepted; return the error that says so."""
        self._whole = wanted, reason
        return ConfigRefused(reason)

    def in_vain(self, wanted: Desired) -> str:
        """Return the reason that `give_up` remembered for `wanted`; an empty string for any other state."""
        return self._whole[1] if self._whole and self._whole[0] == wanted else ""

    # ------------------------------------------------------------------ files

    def raise_known(self, revision: str) -> None:
        """Raise the error with which the proxy refused the files of that revision, if it did."""
        if known := self._files.get(revision):
            raise type(known)(str(known))

    def add_files(self, revision: str, exc: ConfigRefused | ReloadFailed) -> None:
        """Remember the error with which the proxy refused the files of that revision."""
        self._files[revision] = exc

    def forget_files(self) -> None:
        """Forget all refused files: the proxy has loaded others since."""
        self._files.clear()

    def forget_checks(self) -> None:
        """Forget the files that a check refused, not those of a failed reload: each such reload costs connections."""
        self._files = {r: exc for r, exc in self._files.items() if isinstance(exc, ReloadFailed)}

    # ------------------------------------------------------------------ templates and settings

    def refuse_inputs(self, why: str) -> None:
        """Remember why new templates or settings are not in use."""
        self.inputs = _OF_INPUTS.format(why)

    # ------------------------------------------------------------------ trying again

    def hold_off(self, now: float) -> None:
        """Start the time anew after which refused parts are tried again."""
        self._until = now + RETRY

    def expire(self, now: float) -> None:
        """Forget refused parts, states and checks once their time is over."""
        if self and now >= self._until:
            self._forget_states()
            self.forget_checks()

    def wait(self, now: float) -> float | None:
        """Return the seconds until refused parts are tried again; None when no part is refused."""
        return self._until - now if self else None

    def forget(self) -> None:
        """Forget all states and files: their surroundings have changed, such as the templates or the proxy process."""
        self._forget_states()
        self.forget_files()

    def _forget_states(self) -> None:
        self.parts.clear()
        self._whole = None
