"""The scene of one run: what all its steps share. `at` acts on it, `run` sets it up and clears it."""

from __future__ import annotations

import contextlib
import dataclasses

from proxyctl.labs.shell import Shell
from proxyctl.providers.docker.client import Client


@dataclasses.dataclass(frozen=True, slots=True)
class Scene:
    """Docker's client, the run's tag, the names of placeholders so far, and the shell that commands run in.

    `undo` is called when the run ends, before its containers are removed. With `keep` they are not.
    """

    client: Client
    tag: str
    names: dict[str, str]
    shell: Shell
    undo: contextlib.ExitStack
    keep: bool
