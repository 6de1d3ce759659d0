"""What was refused, by whom and why: the one memory of it, so that nothing is tried again until it changes.

Knows neither proxies nor files. `search` finds out what is refused, `core.decide.exclude` leaves it out.
"""

from __future__ import annotations

from proxyctl.core.decide.parts import Part, parts
from proxyctl.core.model import Desired
from proxyctl.errors import ConfigRefused, ReloadFailed

RETRY = 60.0  # seconds until what was refused is tried again: its reason may lie outside, as a taken port

_OF_INPUTS = "{}; the last good ones stay in use"


class Refusals:
    """Remembers refused parts of a state, whole states, rendered files, and templates or settings."""

    def __init__(self) -> None:
        self.parts: dict[Part, str] = {}
        """The parts of the wanted state that the proxy refuses, with its reasons."""
        self.inputs = ""
        """Why templates or settings as they are now are not in use, for people; empty when they are."""
        self.last_pass = ""
        """Why the last pass could not have the proxy do what it wanted; empty when it could."""
        self._whole: tuple[Desired, str] | None = None
        self._files: dict[str, ConfigRefused | ReloadFailed] = {}
        self._until = 0.0

    def __bool__(self) -> bool:
        """Whether a part or the whole of what is wanted is refused, and has to be tried again some time."""
        return bool(self.parts) or self._whole is not None

    # ------------------------------------------------------------------ parts and wholes

    def add(self, found: dict[Part, str]) -> None:
        """Remember refused parts."""
        self.parts |= found

    def prune(self, accepted: Desired, wanted: Desired) -> None:
        """Forget the parts that are not wanted any more."""
        if self.parts:
            own = [p for pool in parts(accepted, wanted).values() for p in pool]
            self.parts = {p: self.parts[p] for p in own if p in self.parts}

    def give_up(self, wanted: Desired, reason: str) -> ConfigRefused:
        """Remember that no part of `wanted` can be had; return the error that says so."""
        self._whole = wanted, reason
        return ConfigRefused(reason)

    def in_vain(self, wanted: Desired) -> str:
        """Return why no part of `wanted` can be had, if that was found out already."""
        return self._whole[1] if self._whole and self._whole[0] == wanted else ""

    # ------------------------------------------------------------------ files

    def raise_known(self, revision: str) -> None:
        """Raise what the proxy said of these files, if it refused them."""
        if known := self._files.get(revision):
            raise type(known)(str(known))

    def add_files(self, revision: str, exc: ConfigRefused | ReloadFailed) -> None:
        """Remember that the proxy refused these files."""
        self._files[revision] = exc

    def forget_files(self) -> None:
        """Forget all files that failed: others were loaded."""
        self._files.clear()

    def forget_checks(self) -> None:
        """Forget what a check refused; a reload that failed is not tried again, for that costs connections."""
        self._files = {r: exc for r, exc in self._files.items() if isinstance(exc, ReloadFailed)}

    # ------------------------------------------------------------------ templates and settings

    def refuse_inputs(self, why: str) -> None:
        """Remember why new templates or settings are not in use."""
        self.inputs = _OF_INPUTS.format(why)

    # ------------------------------------------------------------------ trying again

    def hold_off(self, now: float) -> None:
        """Count the time until what is refused is tried again from now on."""
        self._until = now + RETRY

    def expire(self, now: float) -> None:
        """Forget parts, wholes and failed checks when their time is over."""
        if self and now >= self._until:
            self._forget_states()
            self.forget_checks()

    def wait(self, now: float) -> float | None:
        """Return the seconds until something is tried again; None when nothing has to be."""
        return self._until - now if self else None

    def forget(self) -> None:
        """Forget all states and files: something beside them has changed, as the templates or the proxy's process."""
        self._forget_states()
        self.forget_files()

    def _forget_states(self) -> None:
        self.parts.clear()
        self._whole = None
