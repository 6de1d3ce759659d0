"""The generations on disk: `proxy/generations/<n>-<revision>/` and `proxy/current`, which always loads.

Writes beside, syncs, then renames: a crash leaves the old one or the new. Decides nothing; `proxyctl.apply` does.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pydantic

from proxyctl.core import layout
from proxyctl.core.model import ConfigFiles, Desired
from proxyctl.ports import Generation

KEEP = 10
META = "desired.json"
_FORM = re.compile(r"([0-9]+)-([0-9a-f]+)")


class _Meta(pydantic.BaseModel):
    revision: str
    topology: str
    desired: Desired


class GenerationFolder:
    """Implements `ports.Generations` in the state folder's `proxy/` part."""

    def __init__(self, folder: Path) -> None:
        """Take the `proxy/` folder, which need not exist before the first `stage`."""
        self._folder = folder

    def prepare(self) -> None:
        """Make the folders that the gateway mounts."""
        for name in ("generations", "run"):
            (self._folder / name).mkdir(parents=True, exist_ok=True)
        for left in (self._folder / "generations").glob(".new-*"):
            shutil.rmtree(left)

    def stage(self, files: ConfigFiles, desired: Desired) -> int:
        """Write a new generation and return its number."""
        number = max(self._all(), default=0) + 1
        new = self._folder / "generations" / f".new-{number}-{files.revision}"
        new.mkdir(parents=True)
        meta = _Meta(revision=files.revision, topology=files.topology, desired=desired)
        for name, text in (*files.files, (META, meta.model_dump_json())):
            with (new / name).open("w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
        new.rename(new.with_name(f"{number}-{files.revision}"))
        return number

    def path(self, number: int) -> str:
        """Return the folder as the gateway sees it."""
        return f"{layout.GENERATIONS}/{self._all()[number].name}"

    def switch(self, number: int) -> None:
        """Point `current` to the generation, atomically, and let go of the oldest ones."""
        link = self._folder / ".current-new"
        link.unlink(missing_ok=True)
        link.symlink_to(f"generations/{self._all()[number].name}")
        link.rename(self._folder / "current")
        fd = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
        for old in sorted(self._all())[:-KEEP]:
            if old != number:
                self.drop(old)

    def drop(self, number: int) -> None:
        """Remove a generation; the current one stays."""
        folder = self._all().get(number)
        if folder is not None and folder.name != self._current_name():
            shutil.rmtree(folder)

    def current(self) -> Generation | None:
        """Return the current generation; None when there is none or it cannot be read."""
        match = _FORM.fullmatch(self._current_name())
        if match is None:
            return None
        folder = self._folder / "generations" / match[0]
        try:
            meta = _Meta.model_validate_json((folder / META).read_bytes())
        except (OSError, pydantic.ValidationError):
            return None
        return Generation(int(match[1]), meta.revision, meta.topology, meta.desired)

    def files(self, number: int) -> dict[str, str]:
        """Return the configuration files of a generation by name."""
        folder = self._all()[number]
        return {p.name: p.read_text("utf-8") for p in sorted(folder.iterdir()) if p.name != META}

    def _current_name(self) -> str:
        try:
            return (self._folder / "current").readlink().name
        except OSError:
            return ""

    def _all(self) -> dict[int, Path]:
        found = ((_FORM.fullmatch(p.name), p) for p in (self._folder / "generations").glob("[0-9]*"))
        return {int(match[1]): p for match, p in found if match}
