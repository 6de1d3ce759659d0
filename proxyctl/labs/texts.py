"""Texts in the two languages of the labs, and which of them the reader wants."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Final, Literal

from rich.cells import cell_len, set_cell_size

Lang = Literal["ko", "en"]
LANGS: Final[tuple[Lang, ...]] = ("ko", "en")


@dataclasses.dataclass(frozen=True, slots=True)
class Text:
    """One text in both languages; Korean in 합니다체."""

    ko: str
    en: str

    def to(self, lang: Lang) -> str:
        """Return the text in one language."""
        return self.ko if lang == "ko" else self.en


Said = Text | str
"""A text, or what has no language: output of a command, names, addresses."""


def say(said: Said, lang: Lang) -> str:
    """Return what is said, in one language."""
    return said.to(lang) if isinstance(said, Text) else said


def language(environ: Mapping[str, str]) -> Lang:
    """Return the language of the locale: the first of LC_ALL, LC_MESSAGES and LANG that is set decides (POSIX)."""
    locale = next((environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if environ.get(name)), "")
    return "ko" if locale.lower().startswith("ko") else "en"


def aligned(rows: Sequence[Sequence[Said]], lang: Lang) -> list[str]:
    """Return rows of cells as lines with aligned columns; a Korean letter is two columns wide."""
    cells = [[say(cell, lang) for cell in row] for row in rows]
    columns = max(map(len, cells), default=0)
    widths = [max((cell_len(row[i]) for row in cells if i < len(row)), default=0) for i in range(columns)]
    return [
        "  ".join(set_cell_size(cell, width) for cell, width in zip(row, widths, strict=False)).rstrip()
        for row in cells
    ]
