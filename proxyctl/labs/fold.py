"""Breaks long commands so that they fit a terminal and can still be pasted."""

from __future__ import annotations

import re

# a word of a shell command, with the spaces inside its quotes
_WORD = re.compile(r"""(?:'[^']*'|"(?:\\.|[^"\\])*"|\\.|[^\s'"\\])+""")

_MARGIN = 8  # of the lines after the first: four spaces in front, and the backslash


def fold(command: str, width: int) -> list[str]:
    """Return the command in lines of at most `width`, where its words allow it, continued by backslashes.

    One of several lines (a here-document) stays as it is.
    """
    if "\n" in command:
        return command.split("\n")
    lines, line = [], ""
    for word in _units(_WORD.findall(command), width):
        if line and len(line) + len(word) + 3 > width:
            lines.append(line + " \\")
            line = "    " + word
        else:
            line = f"{line} {word}" if line else word
    return [*lines, line]


def _units(words: list[str], width: int) -> list[str]:
    """Join an option to its value, so that no line breaks between them."""
    units: list[str] = []
    for word in words:
        last = units[-1] if units else ""
        if re.fullmatch(r"--?[\w-]+", last) and not word.startswith("-") and len(last) + len(word) + _MARGIN < width:
            units[-1] = f"{last} {word}"
        else:
            units.append(word)
    return units
