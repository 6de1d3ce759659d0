"""The parts of one process: which inputs count while the gateway is pinned."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from docker import APIClient

from proxyctl.app import parts
from proxyctl.app.parts import inputs_of, pinned_inputs
from proxyctl.engines import templates
from proxyctl.gateway.netns import LocalView
from proxyctl.settings import Settings
from proxyctl.state.pin import PinFile
from tests.state.test_recorded import RECORDED

TOKEN = "0" * 32


@pytest.fixture
def pins(tmp_path: Path) -> PinFile:
    """A pin that an earlier release has kept."""
    (tmp_path / "held.json").write_bytes((RECORDED / "held.json").read_bytes())
    return PinFile(tmp_path)


def test_a_pin_of_an_earlier_release_is_printed_from_the_present_templates(tmp_path: Path, pins: PinFile) -> None:
    """Its own templates use names that are gone; its settings stay."""
    settings = Settings(network="web", state=tmp_path)
    inputs = pinned_inputs(pins, settings, TOKEN)
    assert inputs is not None
    assert inputs.templates == templates.load(settings.engine, None)
    assert (inputs.pinned, inputs.options.defaults) == (1, (("timeout.server", "5m"),))


def test_a_pin_of_this_release_keeps_its_own_templates(tmp_path: Path, pins: PinFile) -> None:
    """A pin that this release has kept is read back with the templates that it was made from."""
    settings = Settings(network="web", state=tmp_path)
    own = dataclasses.replace(inputs_of(settings, TOKEN), templates={"nginx.conf.j2": "mine"})
    assert pins.pin is not None
    pins.keep(dataclasses.replace(pins.pin, inputs=own))
    inputs = pinned_inputs(PinFile(tmp_path), settings, TOKEN)
    assert inputs is not None
    assert inputs.templates == {"nginx.conf.j2": "mine"}


def test_without_a_pin_there_are_no_pinned_inputs(tmp_path: Path) -> None:
    """The inputs of now count."""
    assert pinned_inputs(PinFile(tmp_path), Settings(network="web", state=tmp_path), TOKEN) is None


@pytest.mark.parametrize(
    ("own", "local"),
    [
        (None, False),
        ({"web"}, False),
        ({"web", "shop"}, True),
        ({"shop", "web", "more"}, True),
    ],
)
def test_names_are_asked_directly_where_all_networks_are_seen(
    own: set[str] | None, local: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A `watch` in a container that is not on a joined network would not find the names there: the gateway does."""
    found = None if own is None else {"NetworkSettings": {"Networks": dict.fromkeys(own)}}
    monkeypatch.setattr(parts, "own_container", lambda _: found)
    made = parts.build(Settings(network="web", join=("shop",), state=tmp_path), APIClient(version="1.41"))
    assert isinstance(made.view, LocalView) == local
