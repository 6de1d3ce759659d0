"""Which configuration the proxy has loaded, by the revision in its answer, and which it would load now."""

from __future__ import annotations

import re
from pathlib import Path

_REVISION = re.compile(r"proxyctl revision=(\w*) topology=(\w*)")


def read_revision(text: str) -> tuple[str, str] | None:
    """Return the revision and topology in an answer of a running proxy; None where it names none."""
    found = _REVISION.search(text)
    return (found[1], found[2]) if found else None


def current_text(run_folder: Path, name: str) -> str:
    """Return the current configuration file, which the proxy would load now; empty while there is none."""
    try:
        return (run_folder.parent / "current" / name).read_text("utf-8")
    except OSError:
        return ""
