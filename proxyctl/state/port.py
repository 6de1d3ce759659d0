"""Values and Protocols of the state folder: inputs, generations, the pin."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Protocol

from proxyctl.core.labels.declaration import Options
from proxyctl.core.model import (
    ConfigFiles,
    Desired,
    Tuning,
)
from proxyctl.state.earlier import RecordedDesired


@dataclasses.dataclass(frozen=True, slots=True)
class Inputs:
    """What comes from files: re-read when they change; `held`: from the generation that an operator holds it at."""

    options: Options
    tuning: Tuning
    templates: Mapping[str, str]
    token: str
    held: int | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Generation:
    """One set of files on disk, with what it was made from; `held` as in `Inputs`."""

    number: int
    revision: str
    topology: str
    desired: Desired
    held: int | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class PinnedGeneration:
    """The generation that an operator holds the gateway at, since when (for a person), and all it was made from."""

    number: int
    since: str
    desired: RecordedDesired
    inputs: Inputs


class Generations(Protocol):
    """The generations on disk, of which `current` always loads."""

    def stage(
        self, files: ConfigFiles, desired: Desired, inputs: Inputs | None = None, changes: Sequence[str] = ()
    ) -> int:
        """Write a new generation beside the others and return its number; nothing uses it yet.

        Kept with it are what it was rendered from and, for people, what is new in it.
        """

    def path(self, number: int) -> str:
        """Return the generation's folder as the gateway sees it."""

    def switch(self, number: int) -> None:
        """Make `current` point to that generation, atomically."""

    def confirm(self, number: int) -> None:
        """Remember that the proxy was seen to do it; the oldest ones may go now."""

    def drop(self, number: int) -> None:
        """Remove a generation that is not current."""

    def current(self) -> Generation | None:
        """Return the current generation, if there is one that can be read."""
