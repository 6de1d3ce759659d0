"""Languages and aligned columns."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from proxyctl.labs.texts import Lang, Said, Text, aligned, language, say


@pytest.mark.parametrize(
    ("environ", "wanted"),
    [
        ({}, "en"),
        ({"LANG": "ko_KR.UTF-8"}, "ko"),
        ({"LANG": "C.UTF-8"}, "en"),
        ({"LANG": "ko_KR.UTF-8", "LC_MESSAGES": "en_US.UTF-8"}, "en"),
        ({"LANG": "en_US.UTF-8", "LC_MESSAGES": "ko"}, "ko"),
        ({"LANG": "ko", "LC_MESSAGES": "ko", "LC_ALL": "C"}, "en"),
        ({"LANG": "ko_KR.UTF-8", "LC_ALL": ""}, "ko"),
    ],
)
def test_the_locale_decides_the_language(environ: dict[str, str], wanted: Lang) -> None:
    """LC_ALL before LC_MESSAGES before LANG, and an empty one counts as not set."""
    assert language(environ) == wanted


def test_output_has_no_language() -> None:
    """A plain text is the same in both."""
    assert say("eth0", "ko") == say("eth0", "en") == "eth0"
    assert say(Text(ko="가", en="a"), "ko") == "가"


def test_columns_are_aligned_by_cells_not_letters() -> None:
    """A Korean letter is two cells wide."""
    rows: list[list[Said]] = [[Text(ko="호스트", en="host"), "1"], ["eth0", "2"]]
    assert aligned(rows, "ko") == ["호스트  1", "eth0    2"]
    assert aligned(rows, "en") == ["host  1", "eth0  2"]
    assert len({cell_len(line) for line in aligned(rows, "ko")}) == 1
