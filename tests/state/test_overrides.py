"""The state folder's files when they cannot be read or written: one line with the path and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxyctl.errors import ProxyctlError
from proxyctl.state import overrides


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
    with pytest.raises(ProxyctlError, match=f"^{tmp_path}/{name}.*Is a directory.*run as the user that r[ua]n"):
        use(tmp_path)
