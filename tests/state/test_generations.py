"""The generations on disk: which are kept, and that there is always a way back."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path

import pytest

from proxyctl.core import layout
from proxyctl.core.labels.declaration import Options
from proxyctl.core.model import ConfigFiles, Desired, Pool, Server, Tuning
from proxyctl.errors import ProxyctlError
from proxyctl.state.generations import KEEP, META, GenerationFolder
from proxyctl.state.history import target
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


def test_a_generation_that_was_staged_and_never_used_does_not_stand_in_the_way(folder: GenerationFolder) -> None:
    """`watch` ended between the two; the current one, which differs from it in servers only, is confirmed and kept."""
    for number in range(1, KEEP + 1):
        applied(folder, number, f"t{number}")
    folder.stage(files(KEEP + 1, f"t{KEEP}"), Desired())
    folder.confirm(KEEP)
    assert numbers(folder) == list(range(2, KEEP + 2))


def test_the_current_generation_is_never_dropped(folder: GenerationFolder) -> None:
    """Whoever asks for it; a number that is not there is no error."""
    applied(folder, 1, "t1")
    folder.drop(1)
    folder.drop(9)
    assert numbers(folder) == [1]


def test_what_a_full_disk_has_cut_off_leaves_no_trace(
    tmp_path: Path, folder: GenerationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The number is free for the next try."""

    def full(fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        folder.stage(files(1, "t1"), Desired())
    monkeypatch.undo()
    assert list((tmp_path / "generations").iterdir()) == []
    assert folder.stage(files(1, "t1"), Desired()) == 1


def test_what_a_crash_has_cut_off_is_removed_at_the_next_start(tmp_path: Path, folder: GenerationFolder) -> None:
    """It never had its name."""
    applied(folder, 1, "t1")
    (tmp_path / "generations" / ".new-2-00ff").mkdir()
    (tmp_path / ".current-new").symlink_to("generations/2-00ff")
    folder.prepare()
    assert [p.name for p in (tmp_path / "generations").iterdir()] == ["1-00000001"]
    applied(folder, 2, "t2")
    assert numbers(folder) == [1, 2]


def test_what_cannot_be_read_is_no_generation(tmp_path: Path, folder: GenerationFolder) -> None:
    """It is not current, not in the history, and nothing to pin the gateway to; nor is a folder of another name."""
    assert folder.current() is None
    assert folder.stage(files(1, "t1"), Desired()) == 1
    folder.switch(1)
    with pytest.raises(ProxyctlError, match="generation 1 does not say what it was made from: choose another one"):
        folder.pin(1, "now")
    (tmp_path / "generations" / "1-00000001" / META).write_text("{")
    (tmp_path / "generations" / "7 of mine").mkdir()
    assert (folder.current(), folder.history()) == (None, ())
    with pytest.raises(ProxyctlError, match="generation 2 does not say"):
        folder.pin(2, "now")
    (tmp_path / "generations" / "1-00000001" / META).unlink()
    assert folder.current() is None


def test_a_generation_has_the_files_that_the_proxy_reads(folder: GenerationFolder) -> None:
    """Not those of its own book-keeping."""
    applied(folder, 1, "t1")
    assert folder.files(1) == {"nginx.conf": "# 1"}
    assert folder.path(1) == f"{layout.GENERATIONS}/1-00000001"


def test_the_history_says_what_became_of_each(folder: GenerationFolder) -> None:
    """Which is current, which the proxy was seen to do, and what was new in it."""
    applied(folder, 1, "t1")
    folder.stage(files(2, "t2"), Desired(), changes=["pool web added"])
    one, two = folder.history()
    assert (one.current, one.applied, one.changes) == (True, True, ())
    assert (two.current, two.applied, two.changes) == (False, False, ("pool web added",))
    assert one.at <= two.at


WEB = Pool("web", servers=(Server("web1", "id1", "10.0.0.1", 80),))


def made(folder: GenerationFolder, number: int, *pools: Pool, templates: str = "") -> None:
    """Let a generation of these pools go all the way, as `watch` makes it: with what it was made from."""
    inputs = Inputs(Options(), Tuning(), {"a.j2": templates}, f"token{number}")
    assert folder.stage(files(number, f"t{number}"), Desired(pools=pools), inputs) == number
    folder.switch(number)
    folder.confirm(number)


def test_maintenance_and_servers_are_no_way_back(folder: GenerationFolder) -> None:
    """A rollback would bring back neither, so the generation of a maintenance is alike the one before it."""
    made(folder, 1, WEB, templates="old")
    made(folder, 2, WEB)
    made(folder, 3, dataclasses.replace(WEB, maintenance=True))
    made(folder, 4, dataclasses.replace(WEB, servers=()))
    one, two, three, four = (past.essence for past in folder.history())
    assert one != two == three == four
    assert target(folder.history(), None, None) == 1


def test_a_test_does_not_cost_the_way_back(folder: GenerationFolder) -> None:
    """Thirty generations of `check scenario` come and go; the user's ten are there before, meanwhile and after."""
    for number in range(1, KEEP + 1):
        made(folder, number, WEB, templates=str(number))
    for number in range(KEEP + 1, KEEP + 31):
        made(folder, number, WEB, Pool("check-0a1b2c"), templates=str(KEEP))
        assert numbers(folder) == [*range(1, KEEP + 1), number]
    made(folder, KEEP + 31, WEB, templates=str(KEEP))
    assert numbers(folder) == [*range(1, KEEP), KEEP + 31]
    assert target(folder.history(), None, None) == KEEP - 1


def test_a_generation_says_whose_addresses_it_has(tmp_path: Path, folder: GenerationFolder) -> None:
    """For a gateway that boots without `watch`: each container once, with the short id that Docker's DNS knows.

    A container that shares another one's network is known by the other's.
    """
    one = Server("web-1", "c0ffee" * 10, "172.18.0.2", 80)
    shares = Server("app", "bead" * 15, "172.18.0.3", 80, known_as=("vpn", "facade"))
    pools = (Pool("a", servers=(one,)), Pool("b", servers=(dataclasses.replace(one, port=81), shares)))
    number = folder.stage(files(1, "t"), Desired(pools=pools))
    (written,) = (tmp_path / "generations").glob(f"{number}-*/{layout.SERVERS}")
    assert written.read_text() == "172.18.0.2 c0ffeec0ffee web-1\n172.18.0.3 facade vpn\n"
    assert layout.SERVERS not in folder.files(number), "it is no configuration"
