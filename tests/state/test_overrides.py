"""The state folder's files when they cannot be read or written: one line with the path and what to do."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from proxyctl.core.model import Override
from proxyctl.errors import ProxyctlError
from proxyctl.state import overrides
from proxyctl.state.overrides import Overrides


def test_the_secret_is_made_once_and_is_its_owner_s_alone(tmp_path: Path) -> None:
    """Who only looks makes none."""
    assert overrides.known_token(tmp_path) is None
    token = overrides.check_token(tmp_path)
    assert token == overrides.known_token(tmp_path) == overrides.check_token(tmp_path)
    assert (tmp_path / "check.token").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("name", "use"), [("check.token", overrides.known_token), ("watch.lock", overrides.lock)], ids=["token", "lock"]
)
def test_what_cannot_be_opened_is_one_line(tmp_path: Path, name: str, use: object) -> None:
    """Another user's file; a folder in its place stands for that here, since root may read everything."""
    (tmp_path / name).mkdir()
    assert callable(use)
    with pytest.raises(ProxyctlError, match=f"^{tmp_path}/{name}.*it is a folder.*run as the user that r[ua]n"):
        use(tmp_path)


def test_overrides_outlive_the_process_that_kept_them(tmp_path: Path) -> None:
    """Each change is on disk before it is answered; the default override keeps nothing."""
    kept = Overrides(tmp_path)
    kept.keep("id-a", Override(drain=True))
    kept.keep("id-b", Override(weight=3))
    assert set(Overrides(tmp_path).all()) == {"id-a", "id-b"}
    kept.maintain("web", on=True)
    kept.maintain("api", on=True)
    again = Overrides(tmp_path)
    assert again.all() == {"id-a": Override(drain=True), "id-b": Override(weight=3)}
    assert set(again.maintenance) == {"web", "api"}
    again.maintain("api", on=False)
    again.keep("id-a", Override())
    again = Overrides(tmp_path)
    assert (again.all(), set(again.maintenance)) == ({"id-b": Override(weight=3)}, {"web"})
    assert (tmp_path / "decisions.json").stat().st_mode & 0o777 == 0o600


def test_what_is_gone_is_forgotten_for_good(tmp_path: Path) -> None:
    """A pass in which nothing went writes nothing."""
    kept = Overrides(tmp_path)
    for name in "ab":
        kept.keep(f"id-{name}", Override(drain=True))
        kept.maintain(name, on=True)
    written = (tmp_path / "decisions.json").stat().st_ino
    kept.forget_except(["id-a", "id-b", "id-c"])
    kept.forget_pools_except(["a", "b", "c"])
    assert (tmp_path / "decisions.json").stat().st_ino == written
    kept.forget_except(["id-b"])
    assert set(Overrides(tmp_path).all()) == {"id-b"}
    kept.forget_pools_except(["b"])
    assert set(Overrides(tmp_path).maintenance) == {"b"}


@pytest.mark.parametrize("text", ["{", '{"containers": {"id": {"drain": "perhaps"}}}', '{"pools": []}'])
def test_overrides_that_cannot_be_read_are_not_taken_for_none(tmp_path: Path, text: str) -> None:
    """A drain must not end by a damaged file; a word that this release does not know is no reason to lose it."""
    (tmp_path / "decisions.json").write_text(text)
    with pytest.raises(ProxyctlError, match=r"(?s)decisions\.json cannot be read .*: mend it, or remove it"):
        Overrides(tmp_path)


def test_a_state_folder_is_for_one_watch(tmp_path: Path) -> None:
    """The second is told which process has it; it is free again when the first ends."""
    with overrides.lock(tmp_path), pytest.raises(ProxyctlError, match=rf"another .* \(process {os.getpid()}\) has"):
        overrides.lock(tmp_path)
    overrides.lock(tmp_path).close()


def test_a_folder_that_is_not_there_has_no_secret(tmp_path: Path) -> None:
    """`check` may run before any `watch`; a file in the place of the folder is the same."""
    assert overrides.known_token(tmp_path / "none") is None
    (tmp_path / "file").touch()
    assert overrides.known_token(tmp_path / "file") is None
