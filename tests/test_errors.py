"""`proxyctl.errors`: texts of others and mistakes of ours, as one line that a terminal can show."""

from __future__ import annotations

import pytest

from proxyctl.errors import mistake, printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("web1 is gone", "web1 is gone"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("a\nb\tc", "a\\nb\\tc"),
        ("abc\u202edcba", "abc\\u202edcba"),
        ("Grüße, 안녕", "Grüße, 안녕"),
    ],
)
def test_control_characters_become_text(text: str, shown: str) -> None:
    """So nobody's name moves the cursor, sets the title or turns the direction of writing."""
    assert printable(text) == shown


def test_a_mistake_is_told_with_its_place() -> None:
    """The innermost one, which is where to look; whatever the exception says stays one line."""
    with pytest.raises(KeyError) as caught:
        dict[str, int]()["a\nb"]
    assert mistake(caught.value).startswith("KeyError at test_errors.py:")
    assert mistake(ValueError()) == "ValueError at an unknown place"
    assert "\n" not in mistake(ValueError("one\ntwo"))
