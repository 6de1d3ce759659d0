"""The generations on disk: which are kept, and that there is always a way back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from proxyctl.core.labels.declaration import Options
from proxyctl.core.model import ConfigFiles, Desired, Tuning
from proxyctl.state.generations import KEEP, META, GenerationFolder
from proxyctl.state.pin import NAME, PinFile
from proxyctl.state.port import Inputs


@pytest.fixture
def folder(tmp_path: Path) -> GenerationFolder:
    """An empty one."""
    made = GenerationFolder(tmp_path)
    made.prepare()
    return made


def test_nobody_else_may_read_configurations(tmp_path: Path, folder: GenerationFolder) -> None:
    """The secret of `check` is in each of them."""
    applied(folder, 1, "one")
    assert (tmp_path / "generations").stat().st_mode & 0o777 == 0o700


def files(number: int, topology: str) -> ConfigFiles:
    """Return a configuration of its own."""
    return ConfigFiles((("nginx.conf", f"# {number}"),), f"{number:08x}", topology)


def applied(folder: GenerationFolder, number: int, topology: str) -> None:
    """Let a generation go all the way."""
    assert folder.stage(files(number, topology), Desired()) == number
    folder.switch(number)
    folder.confirm(number)


def numbers(folder: GenerationFolder) -> list[int]:
    """Return those that are kept."""
    return [past.number for past in folder.history()]


def test_the_one_before_is_there_until_the_next_is_confirmed(folder: GenerationFolder) -> None:
    """Ten that differ, then one that differs from the last in servers only, and does not load: back is possible."""
    for number in range(1, KEEP + 1):
        applied(folder, number, f"t{number}")
    folder.stage(files(KEEP + 1, f"t{KEEP}"), Desired())
    folder.switch(KEEP + 1)
    folder.switch(KEEP)
    folder.drop(KEEP + 1)
    assert numbers(folder) == list(range(1, KEEP + 1))
    current = folder.current()
    assert current is not None
    assert current.number == KEEP


def test_those_that_differ_in_servers_only_go_first(folder: GenerationFolder) -> None:
    """Ten are kept; a number that is used again is judged anew."""
    applied(folder, 1, "t1")
    for number in range(2, KEEP + 4):
        applied(folder, number, "t2")
    assert numbers(folder) == [1, *range(5, KEEP + 4)]
    folder.stage(files(KEEP + 4, "t2"), Desired())
    folder.drop(KEEP + 4)
    applied(folder, KEEP + 4, "t3")
    applied(folder, KEEP + 5, "t4")
    assert numbers(folder) == [1, *range(7, KEEP + 6)]


def test_the_number_of_a_pin_keeps_its_name_in_files(tmp_path: Path, folder: GenerationFolder) -> None:
    """`held` is what every release has written and read, in a generation and in the file of the pin."""
    made = Inputs(Options(), Tuning(), {}, "secret", pinned=4)
    folder.stage(files(1, "t1"), Desired(), made)
    meta = json.loads(next(tmp_path.glob(f"generations/1-*/{META}")).read_text())
    assert meta["inputs"]["held"] == 4
    assert folder.history()[0].pinned == 4
    pins = PinFile(tmp_path)
    pins.keep(folder.pin(1, "now"))
    assert json.loads((tmp_path / NAME).read_text())["inputs"]["held"] == 4
    assert PinFile(tmp_path).pin == pins.pin
