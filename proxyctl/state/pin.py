"""The generation that an operator has pinned the gateway to, kept in the state folder until the pin is released.

The file is a copy of the generation, because old generations are removed.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pydantic

from proxyctl.core.model import Pin
from proxyctl.errors import ProxyctlError
from proxyctl.state.overrides import replace
from proxyctl.state.port import Inputs, PinnedGeneration

NAME = "held.json"

_FILE = pydantic.TypeAdapter(PinnedGeneration)


class PinFile:
    """Implements `operate.port.Pins` by one file."""

    def __init__(self, folder: Path) -> None:
        """Read the kept pin; raise when the file cannot be read, because no accident may release the pin."""
        self._path = folder / NAME
        self.pin: PinnedGeneration | None = None
        if self._path.exists():
            try:
                self.pin = _FILE.validate_json(self._path.read_bytes())
            except (OSError, pydantic.ValidationError) as exc:
                raise ProxyctlError(f"{self._path} cannot be read ({exc}): mend it, or remove it to let go") from exc

    @property
    def core_pin(self) -> Pin | None:
        """The pin without its inputs, as `core` takes it; None without a pin."""
        return Pin(self.pin.number, self.pin.since, self.pin.desired) if self.pin else None

    def inputs(self, token: str, label_prefix: str) -> Inputs | None:
        """Return the inputs of the pinned generation, with the present secret and prefix; None without a pin."""
        if self.pin is None:
            return None
        inputs = self.pin.inputs
        options = dataclasses.replace(inputs.options, label_prefix=label_prefix)
        return dataclasses.replace(inputs, options=options, token=token, pinned=self.pin.number)

    def keep(self, pin: PinnedGeneration | None) -> None:
        """Keep the pin on disk from now on; None removes it."""
        self.pin = pin
        if pin is None:
            self._path.unlink(missing_ok=True)
        else:
            replace(self._path, _FILE.dump_json(pin, by_alias=True).decode())
