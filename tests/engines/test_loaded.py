"""Which configuration is loaded, and which would be."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxyctl.engines import loaded


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("proxyctl revision=12ab topology=34cd\n", ("12ab", "34cd")),
        ("so: proxyctl revision= topology=", ("", "")),
        ("revision=12ab", None),
    ],
)
def test_what_is_loaded_is_read_back(text: str, expected: tuple[str, str] | None) -> None:
    """Both hashes, wherever they stand; nothing where a user's template has lost them."""
    assert loaded.read_revision(text) == expected


def test_the_current_configuration_is_the_one_that_would_be_loaded(tmp_path: Path) -> None:
    """Beside the folder of the sockets; there may be none yet."""
    assert loaded.current_text(tmp_path / "run", "x.cfg") == ""
    (tmp_path / "current").mkdir()
    (tmp_path / "current" / "x.cfg").write_text("hi")
    assert loaded.current_text(tmp_path / "run", "x.cfg") == "hi"
