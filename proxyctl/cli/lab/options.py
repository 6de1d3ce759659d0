"""The arguments and options that the commands of `lab` share, and the view in the language that is wanted."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console

if TYPE_CHECKING:
    from proxyctl.labs.console import View
    from proxyctl.labs.texts import Lang

Clips = Annotated[list[str], typer.Argument(metavar="CLIP...", help="clip1, clip2 and so on, or all.")]
LangOption = Annotated[
    Literal["ko", "en"] | None, typer.Option("--lang", metavar="ko|en", help="Language (from the locale).")
]


def language(given: Lang | None) -> Lang:
    """Return the language that was given, else that of the locale."""
    from proxyctl.labs import texts

    return given or texts.language(os.environ)


def view(lang: Lang) -> View:
    """Return the view that prints labs on this terminal, or into this pipe."""
    from proxyctl.labs.console import View

    if hasattr(sys.stdout, "reconfigure"):  # a terminal that has no Korean, or no ✔, gets `?` instead of an error
        sys.stdout.reconfigure(errors="replace")
    return View(Console(emoji=False, highlight=False, markup=False), lang)
