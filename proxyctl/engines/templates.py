"""Template texts: the shipped files, each replaceable by a file of the same name in the user's folder."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from proxyctl.errors import TemplateError

FORM = 3
"""Counts the changes to the names that templates can use.

1 was before the engines' printed forms, 2 before `upgrades` of nginx's locations. A pinned generation of another number
is printed from the present templates: also of a greater one, after a step back to an earlier release.
"""


def shipped(engine: str) -> Path:
    """Return the folder of the shipped templates: in the wheel, or in the checkout beside the package."""
    package = Path(str(resources.files("proxyctl")))
    for folder in (package / "templates" / engine, package.parent / "templates" / engine):
        if folder.is_dir():
            return folder
    message = f"the templates for {engine} are missing from this installation: reinstall proxyctl"
    raise TemplateError(message)


def load(engine: str, override: Path | None) -> dict[str, str]:
    """Return the template texts by file name; a file in `override/ENGINE/` (or `override/`) replaces a shipped one."""
    folders = [shipped(engine)]
    if override is not None:
        folders.append(override / engine if (override / engine).is_dir() else override)
    texts = {}
    for folder in folders:
        for path in sorted(folder.glob("*.j2")):
            try:
                texts[path.name] = path.read_text("utf-8")
            except (OSError, UnicodeDecodeError) as exc:
                raise TemplateError(f"template {path}: {exc}") from exc
    return texts
