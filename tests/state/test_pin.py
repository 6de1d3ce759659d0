"""The pin on disk: it lasts until it is released, and no accident releases it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from proxyctl.core.labels.declaration import Options
from proxyctl.core.model import Desired, Pin, Pool, Tuning
from proxyctl.errors import ProxyctlError
from proxyctl.state.pin import NAME, PinFile
from proxyctl.state.port import Inputs, PinnedGeneration

INPUTS = Inputs(Options(label_prefix="old"), Tuning(maxconn=7), {"nginx.conf.j2": "mine"}, "old secret")
PINNED = PinnedGeneration(4, "yesterday", Desired(pools=(Pool("web"),)), INPUTS)


def test_a_pin_lasts_until_it_is_released(tmp_path: Path) -> None:
    """Also over a restart; a release of what is not pinned is none."""
    pins = PinFile(tmp_path)
    assert (pins.pin, pins.core_pin) == (None, None)
    pins.keep(PINNED)
    again = PinFile(tmp_path)
    assert again.pin == PINNED
    assert again.core_pin == Pin(4, "yesterday", PINNED.desired)
    assert (tmp_path / NAME).stat().st_mode & 0o777 == 0o600
    again.keep(None)
    again.keep(None)
    assert again.core_pin is None
    assert PinFile(tmp_path).pin is None


def test_a_pinned_configuration_has_the_secret_and_the_prefix_of_now(tmp_path: Path) -> None:
    """Else `check` could not ask the gateway, and no container would be seen; all else is as it was."""
    pins = PinFile(tmp_path)
    assert pins.inputs("new secret", "new") is None
    pins.keep(PINNED)
    expected = dataclasses.replace(INPUTS, options=Options(label_prefix="new"), token="new secret", pinned=4)
    assert pins.inputs("new secret", "new") == expected


def test_a_pin_that_cannot_be_read_is_not_taken_for_none(tmp_path: Path) -> None:
    """The gateway must not leave its generation by a damaged file."""
    (tmp_path / NAME).write_text("{")
    with pytest.raises(ProxyctlError, match=r"(?s)held\.json cannot be read .*: mend it, or remove it to let go"):
        PinFile(tmp_path)
