"""Which templates and settings are in use."""

from __future__ import annotations

import dataclasses

import pytest

from proxyctl.core.labels.declaration import Options
from proxyctl.core.model import Desired, Tuning
from proxyctl.errors import ConfigRefused, TemplateError
from proxyctl.reconcile.inputs import InputsInUse
from proxyctl.reconcile.refusals import Refusals
from proxyctl.state.port import Inputs

OLD = Inputs(Options(), Tuning(), {"nginx.conf.j2": "old"}, "secret")
NEW = dataclasses.replace(OLD, templates={"nginx.conf.j2": "new"})


class Disk:
    """The files: what is read from them, or why they cannot be read."""

    def __init__(self) -> None:
        self.holds: Inputs | TemplateError = OLD
        self.reads = 0

    def read(self) -> Inputs:
        """Read them."""
        self.reads += 1
        if isinstance(self.holds, TemplateError):
            raise self.holds
        return self.holds


def test_files_are_read_when_they_have_changed() -> None:
    """Once for each change, not in every pass."""
    disk = Disk()
    inputs = InputsInUse(disk.read, Refusals())
    disk.holds = NEW
    inputs.refresh()
    assert (inputs.now, disk.reads) == (OLD, 1)
    inputs.stale = True
    inputs.refresh()
    inputs.refresh()
    assert (inputs.now, disk.reads) == (NEW, 2)


def test_the_first_inputs_must_be_readable() -> None:
    """Without them there is nothing to go on with."""
    disk = Disk()
    disk.holds = TemplateError("template x, line 1: no")
    with pytest.raises(TemplateError):
        InputsInUse(disk.read, Refusals())


def test_files_that_cannot_be_read_leave_the_inputs_of_before() -> None:
    """The reason is told until they can, and what was refused stays so: nothing has changed for it."""
    disk, refusals = Disk(), Refusals()
    inputs = InputsInUse(disk.read, refusals)
    refusals.add_files("r1", ConfigRefused("no"))
    disk.holds, inputs.stale = TemplateError("template x, line 1: no"), True
    inputs.refresh()
    assert inputs.now == OLD
    assert refusals.inputs == "template x, line 1: no; the last good ones stay in use"
    with pytest.raises(ConfigRefused):
        refusals.raise_known("r1")
    disk.holds, inputs.stale = NEW, True
    inputs.refresh()
    assert (inputs.now, refusals.inputs) == (NEW, "")


def test_new_inputs_are_tried_with_what_was_refused() -> None:
    """The reason may have been in them."""
    disk, refusals = Disk(), Refusals()
    inputs = InputsInUse(disk.read, refusals)
    refusals.give_up(Desired(), "no")
    inputs.stale = True
    inputs.refresh()
    assert not refusals


def test_the_last_good_inputs_are_those_that_the_proxy_took() -> None:
    """There is a way back only where they are other ones."""
    disk, refusals = Disk(), Refusals()
    inputs = InputsInUse(disk.read, refusals)
    assert inputs.last_good is None
    inputs.taken()
    assert inputs.last_good is None
    disk.holds, inputs.stale = NEW, True
    inputs.refresh()
    assert inputs.last_good == OLD
    inputs.go_back(OLD, "unknown word")
    assert (inputs.now, inputs.last_good) == (OLD, None)
    assert refusals.inputs == "unknown word; the last good ones stay in use"
