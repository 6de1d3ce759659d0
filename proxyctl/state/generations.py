"""The generations on disk: `proxy/generations/<n>-<revision>/` and `proxy/current`, which always loads.

Writes a new folder beside the others, syncs it, then renames it: a crash leaves the old generation or the new one.
Decides nothing: `reconcile.apply` does.
"""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import os
import re
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

import pydantic

from proxyctl.core import layout
from proxyctl.core.model import ConfigFiles, Desired
from proxyctl.errors import ProxyctlError
from proxyctl.state.history import Past, brought_back
from proxyctl.state.port import Generation, Inputs, PinnedGeneration
from proxyctl.state.recorded import RecordedDesired

KEEP = 10
META = "desired.json"
APPLIED = ".applied"  # exists once the proxy was seen to do the generation
_FORM = re.compile(r"([0-9]+)-([0-9a-f]+)")


class _Meta(pydantic.BaseModel):
    revision: str
    topology: str
    desired: RecordedDesired
    inputs: Inputs | None = None  # None: written by an older proxyctl
    at: float = 0.0
    changes: tuple[str, ...] = ()


class GenerationFolder:
    """Implements `state.port.Generations` in the state folder's `proxy/` part."""

    def __init__(self, folder: Path) -> None:
        """Take the `proxy/` folder, which need not exist before the first `stage`."""
        self._folder = folder
        self._remembered: dict[int, tuple[str, bool]] = {}

    def prepare(self) -> None:
        """Make the folders that the gateway mounts."""
        for name in ("generations", "run"):
            (self._folder / name).mkdir(parents=True, exist_ok=True)
        (self._folder / "generations").chmod(0o700)  # each configuration has the secret of `check`
        for left in (self._folder / "generations").glob(".new-*"):
            shutil.rmtree(left)

    def stage(
        self, files: ConfigFiles, desired: Desired, inputs: Inputs | None = None, changes: Sequence[str] = ()
    ) -> int:
        """Write a new generation, with what it was made from and what is new in it, and return its number."""
        number = max(self._all(), default=0) + 1
        new = self._folder / "generations" / f".new-{number}-{files.revision}"
        new.mkdir(parents=True)
        meta = _Meta(
            revision=files.revision,
            topology=files.topology,
            desired=desired,
            inputs=inputs,
            at=time.time(),
            changes=tuple(changes),
        )
        own = ((META, meta.model_dump_json(by_alias=True)), (layout.SERVERS, _servers(desired)))
        try:
            for name, text in (*files.files, *own):
                with (new / name).open("w", encoding="utf-8") as file:
                    file.write(text)
                    file.flush()
                    os.fsync(file.fileno())
        except OSError:
            shutil.rmtree(new)
            raise
        new.rename(new.with_name(f"{number}-{files.revision}"))
        return number

    def path(self, number: int) -> str:
        """Return a generation's folder as the gateway sees it."""
        return f"{layout.GENERATIONS}/{self._all()[number].name}"

    def switch(self, number: int) -> None:
        """Point `current` to the generation, atomically."""
        link = self._folder / ".current-new"
        link.unlink(missing_ok=True)
        link.symlink_to(f"generations/{self._all()[number].name}")
        link.rename(self._folder / "current")
        fd = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def _least_missed(self, numbers: list[int]) -> int:
        """Return the generation to drop: the oldest that is alike the next (no way back), else the oldest.

        It is never the current one, which need not be the newest: `watch` may have ended right after a `stage`.
        """
        current = self._current_name()
        spare = [n for n in numbers if self._all()[n].name != current]
        next_of = dict(itertools.pairwise(numbers))
        alike = (n for n in spare if n in next_of and self._essence(n) == self._essence(next_of[n]))
        return next(alike, spare[0])

    def _essence(self, number: int) -> str:
        return self._known(number)[0]

    def _known(self, number: int) -> tuple[str, bool]:
        """Return a generation's essence, and whether a test made it."""
        if number not in self._remembered:
            meta = self._meta(number)
            self._remembered[number] = (_essence(meta), _of_test(meta)) if meta else ("", False)
        return self._remembered[number]

    def confirm(self, number: int) -> None:
        """Mark a generation that the proxy was seen to do, then drop the oldest: until now it may be the way back.

        Generations of a test go first, and are not counted: it shall not cost the way back to what was there before it.
        """
        (self._all()[number] / APPLIED).touch()
        for passed in [n for n in self._all() if n != number and self._known(n)[1]]:
            self.drop(passed)
        while len(there := sorted(n for n in self._all() if not self._known(n)[1])) > KEEP:
            self.drop(self._least_missed(there))

    def drop(self, number: int) -> None:
        """Remove a generation, unless it is current."""
        folder = self._all().get(number)
        if folder is not None and folder.name != self._current_name():
            self._remembered.pop(number, None)
            shutil.rmtree(folder)

    def current(self) -> Generation | None:
        """Return the current generation; None when there is none or it cannot be read."""
        match = _FORM.fullmatch(self._current_name())
        if match is None:
            return None
        number = int(match[1])
        meta = self._meta(number)
        if meta is None:
            return None
        return Generation(number, meta.revision, meta.topology, meta.desired, _pinned(meta))

    def history(self) -> tuple[Past, ...]:
        """Return all generations that can be read, oldest first."""
        current, past = self._current_name(), []
        for number, folder in sorted(self._all().items()):
            if (meta := self._meta(number)) is not None:
                past.append(
                    Past(
                        number,
                        meta.revision,
                        _essence(meta),
                        meta.at,
                        meta.changes,
                        _pinned(meta),
                        applied=(folder / APPLIED).exists(),
                        current=folder.name == current,
                    )
                )
        return tuple(past)

    def pin(self, number: int, since: str) -> PinnedGeneration:
        """Return a generation as something to pin the gateway to; raise ProxyctlError when it cannot be read."""
        meta = self._meta(number)
        if meta is None or meta.inputs is None:
            raise ProxyctlError(f"generation {number} does not say what it was made from: choose another one")
        return PinnedGeneration(number, since, meta.desired, meta.inputs)

    def _meta(self, number: int) -> _Meta | None:
        try:
            return _Meta.model_validate_json((self._all()[number] / META).read_bytes())
        except (KeyError, OSError, pydantic.ValidationError):
            return None

    def files(self, number: int) -> dict[str, str]:
        """Return the configuration files of a generation by name."""
        folder = self._all()[number]
        return {
            p.name: p.read_text("utf-8")
            for p in sorted(folder.iterdir())
            if p.name not in {META, APPLIED, layout.SERVERS}
        }

    def _current_name(self) -> str:
        try:
            return (self._folder / "current").readlink().name
        except OSError:
            return ""

    def _all(self) -> dict[int, Path]:
        found = ((_FORM.fullmatch(p.name), p) for p in (self._folder / "generations").glob("[0-9]*"))
        return {int(match[1]): p for match, p in found if match}


def _essence(meta: _Meta) -> str:
    """Return a hash of all that a rollback to a generation brings back."""
    if meta.inputs is None:
        return meta.topology
    inputs = dataclasses.replace(
        meta.inputs, token="", pinned=None, options=dataclasses.replace(meta.inputs.options, label_prefix="")
    )
    alone = _Meta(revision="", topology="", desired=brought_back(meta.desired), inputs=inputs)
    return hashlib.sha256(alone.model_dump_json(by_alias=True).encode()).hexdigest()


def _of_test(meta: _Meta) -> bool:
    return any(layout.is_throwaway(pool.name) for pool in meta.desired.pools)


def _servers(desired: Desired) -> str:
    """Return what `boot.sh` asks DNS for: each server's address, and the names to ask for, ids before names."""
    servers = (s for pool in desired.pools for s in pool.servers)
    named = ((s.address, s.known_as or (s.name, s.container[: layout.SHORT_ID])) for s in servers)
    seen = {(address, *reversed(names)) for address, names in named}
    return "".join(f"{' '.join(words)}\n" for words in sorted(seen))


def _pinned(meta: _Meta) -> int | None:
    return meta.inputs.pinned if meta.inputs else None
