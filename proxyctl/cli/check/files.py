"""The files that `check` and `lab` leave: a JUnit file for CI, a page for people."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from proxyctl.errors import UsageError
from proxyctl.wording import of_system

if TYPE_CHECKING:  # aiohttp takes 0.2 s to import, and --help does not need it
    from proxyctl.check.report import Report


def writable(**files: Path | None) -> None:
    """Refuse a file that cannot be written, by its flag: before the work, not after ten minutes of it."""
    for flag, path in files.items():
        if path is None:
            continue
        if path.is_dir():
            raise UsageError(f"{flag}: {path} is a folder; give the name of a file")
        if not path.parent.is_dir():
            raise UsageError(f"{flag}: there is no folder {path.parent}")
        if not os.access(path if path.exists() else path.parent, os.W_OK):
            raise UsageError(f"{flag}: {path} cannot be written")


def write(report: Report, *, junit: Path | None, html: Path | None) -> None:
    """Write what was asked for; raise UsageError where it cannot be written after all."""
    from proxyctl.check.reports.junit import to_junit
    from proxyctl.check.reports.page import to_html

    _write("--junit", junit, to_junit, report)
    _write("--html", html, to_html, report)


def _write(flag: str, path: Path | None, rendered: Callable[[Report], str], report: Report) -> None:
    if path is None:
        return
    text = rendered(report)
    try:
        path.write_text(text, "utf-8")
    except OSError as exc:
        raise UsageError(f"{flag}: {path}: {of_system(exc)}") from exc
