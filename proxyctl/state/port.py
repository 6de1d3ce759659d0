"""Values and Protocols of the state folder: inputs, generations, the pin."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Annotated, Protocol

import pydantic

from proxyctl.core.labels.declaration import Options
from proxyctl.core.model import (
    ConfigFiles,
    Desired,
    Tuning,
)
from proxyctl.state.recorded import RecordedDesired


@dataclasses.dataclass(frozen=True, slots=True)
class Inputs:
    """What a configuration is rendered from beside the desired state: settings, templates and the secret of `check`.

    `pinned` is the number of the generation that they come from while the gateway is pinned, else None. `form` says
    which names the templates use, by `engines.templates.FORM`; a file without it is of a release that had no count.
    """

    options: Options
    tuning: Tuning
    templates: Mapping[str, str]
    token: str
    pinned: Annotated[int | None, pydantic.Field(alias="held")] = None  # the name in the files that are kept
    form: int = 1


@dataclasses.dataclass(frozen=True, slots=True)
class Generation:
    """One set of rendered files on disk, and the desired state that it prints; `pinned` as in `Inputs`."""

    number: int
    revision: str
    topology: str
    desired: Desired
    pinned: int | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class PinnedGeneration:
    """The generation that the gateway is pinned to, since when (for a person), and all that it was made from."""

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

        The generation keeps its inputs and, for people, the `changes` in it.
        """

    def path(self, number: int) -> str:
        """Return the generation's folder as the gateway sees it."""

    def switch(self, number: int) -> None:
        """Make `current` point to that generation, atomically."""

    def confirm(self, number: int) -> None:
        """Remember that the proxy was seen to do the generation; the oldest may be dropped now."""

    def drop(self, number: int) -> None:
        """Remove a generation that is not current."""

    def current(self) -> Generation | None:
        """Return the current generation, if there is one that can be read."""
