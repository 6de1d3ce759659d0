"""Breaks long commands so that they fit a terminal and can still be pasted."""

from __future__ import annotations

import re

# a word of a shell command, with the spaces inside its quotes
_WORD = re.compile(r"""(?:'[^']*'|"(?:\\.|[^"\\])*"|\\.|[^\s'"\\])+""")


def fold(command: str, width: int) -> list[str]:
    """Return the command in lines of at most `width`, where its words allow it, continued by backslashes.

    One of several lines (a here-document) stays as it is.
    """
    if "\n" in command:
        return command.split("\n")
    lines, line = [], ""
    for word in _WORD.findall(command):
        if line and len(line) + len(word) + 3 > width:
            lines.append(line + " \\")
            line = "    " + word
        else:
            line = f"{line} {word}" if line else word
    return [*lines, line]
