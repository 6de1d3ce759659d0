"""One command of a lab: plain data, and how its placeholders become the names of a run.

A placeholder is a name in braces, such as `{web1}`. A lab's own names, the option `{label}`, and whatever a step has
found take its place. Next: `shell` runs commands.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Literal

LABEL = "proxyctl.lab"
"""The key of the label on whatever a lab makes; its value is the lab's id."""

# `{name}`, but not Docker's own `{{.Name}}` nor the shell's `${NAME}`
_PLACEHOLDER = re.compile(r"(?<![{$])\{([a-z][a-z0-9_-]*)\}(?!\})")


@dataclasses.dataclass(frozen=True, slots=True)
class Command:
    """A command as a person types it, how it has to end (exit code 0, another, any), and its seconds."""

    text: str
    ends: Literal["well", "badly", "either"] = "well"
    within: float = 20.0


def fails(text: str) -> Command:
    """Return a command that has to end with an error."""
    return Command(text, "badly")


def either(text: str) -> Command:
    """Return a command that may end well or badly: the step's check judges that."""
    return Command(text, "either")


def as_command(command: str | Command) -> Command:
    """Return a plain text as a command that has to end well."""
    return command if isinstance(command, Command) else Command(command)


def fill(text: str, names: Mapping[str, str]) -> str:
    """Return the text with names in place of its placeholders; raise KeyError for one that has no name."""
    return _PLACEHOLDER.sub(lambda match: names[match[1]], text)


def placeholders(text: str) -> set[str]:
    """Return the names of a text's placeholders."""
    return set(_PLACEHOLDER.findall(text))
