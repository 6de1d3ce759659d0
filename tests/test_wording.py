"""`proxyctl.wording`: no text of a library reaches a person."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from proxyctl import wording
from proxyctl.errors import UsageError

MENDED = {
    "engine = nginx\n": ("line 1", '"engine = nginx"', "quotes"),
    "a = 1\nengine nginx\nb = 2\n": ("line 2", '"engine nginx"', "KEY = VALUE"),
    "grace = 5s\n": ("line 1", '"grace = 5s"', "quotes"),
    "a = 1\na = 2\n": ("line 2", '"a = 2"', "twice"),
    "[proxy]\n[proxy]\n": ("line 2", '"[proxy]"', "twice"),
    'a = 1\nengine = "nginx\n': ("line 2", '"engine = \\"nginx"', "not closed"),
    "= 3\n": ("line 1", '"= 3"', "KEY = VALUE"),
    "[proxy\n": ("line 1", '"[proxy"', "[TABLE]"),
    'a = "\\q"\n': ("line 1", "backslash"),
    "\x00": ("line 1", "KEY = VALUE"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "parts"), MENDED.items())
def test_a_mistake_in_toml_shows_the_line_and_how_it_should_be(
    text: str, parts: tuple[str, ...], tmp_path: Path
) -> None:
    """The file, the number of the line, the line itself, and what a line looks like."""
    path = tmp_path / "some.toml"
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        wording.read_toml(path)
    line = str(caught.value)
    assert line.startswith(f"{path}, line ")
    for part in parts:
        assert part in line
    assert "column" not in line
    assert "\n" not in line


def test_what_is_no_text_is_told_as_such(tmp_path: Path) -> None:
    """A picture, a folder, a file that is not there."""
    path = tmp_path / "some.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match=r"it is not text in UTF-8$"):
        wording.read_toml(path)
    with pytest.raises(UsageError, match=f"^--config: {tmp_path}: it is a folder, not a file$"):
        wording.read_toml(tmp_path, "--config")


def test_the_mark_that_some_editors_put_in_front_is_no_mistake(tmp_path: Path) -> None:
    """Editors of Windows begin a file in UTF-8 with a byte order mark."""
    path = tmp_path / "some.toml"
    path.write_bytes(b'\xef\xbb\xbfengine = "nginx"\n')
    assert wording.read_toml(path) == {"engine": "nginx"}


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("x", '"x" is not accepted: a number'),
        ("", "it is empty: a number"),
        (3, "3 is not accepted: a number"),
        (True, "true is not accepted: a number"),
        ("\x1b[31m", '"\\u001b[31m" is not accepted: a number'),
        ({"a": "b" * 90}, '{"a": "' + "b" * 53 + "... is not accepted: a number"),
    ],
)
def test_a_value_is_shown_as_it_was_written_and_obeyed_by_no_terminal(value: object, said: str) -> None:
    """Text in quotes and short, control characters as escapes."""
    assert wording.not_accepted(value, "a number") == said


def test_the_nearest_name_is_offered_and_else_all_of_them() -> None:
    """A slip of the finger gets the one that was meant; a guess gets the list."""
    known = ["grace", "resync", "label_prefix"]
    assert wording.unknown("grase", known, "key") == "unknown key; did you mean grace?"
    assert wording.unknown("label-prefx", known, "key") == "unknown key; did you mean label_prefix?"
    assert wording.unknown("zzz", known, "key") == "unknown key; known are grace, label_prefix, resync"


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.ENOENT, "there is no such file or folder"),
        (errno.EACCES, "this user may not use it"),
        (errno.EADDRINUSE, "somebody listens there already"),
        (errno.EIO, "input/output error"),
    ],
)
def test_the_system_s_reasons(number: int, said: str) -> None:
    """Those that users meet are in our words, the rest without a number."""
    assert wording.of_system(OSError(number, "Input/output error", "/x")) == said
