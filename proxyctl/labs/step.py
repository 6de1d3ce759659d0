"""What a lab is made of: plain data. `run` gives it life; a clip's module holds the data itself.

Commands have placeholders in braces: those in `Lab.names` become names of this run, `{label}` the option that
marks what is made, and all others are what an earlier step or `Step.find` has found.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Literal

from proxyctl.labs.texts import Text

if TYPE_CHECKING:
    from proxyctl.labs.at import At

LABEL = "proxyctl.lab"

Check = Callable[["At"], None]
"""Looks at what the commands gave, and says so by `at.note`, `at.expect`, `at.equal` and `at.skip`."""

# `{name}`, but not Docker's own `{{.Name}}` nor the shell's `${NAME}`
_PLACEHOLDER = re.compile(r"(?<![{$])\{([a-z][a-z0-9_-]*)\}(?!\})")


@dataclasses.dataclass(frozen=True, slots=True)
class Command:
    """A command as a person types it, how it has to end (exit code 0, another, any), and its seconds."""

    text: str
    ends: Literal["well", "badly", "either"] = "well"
    within: float = 20.0


def fails(text: str) -> Command:
    """Return a command that is there to show its error."""
    return Command(text, "badly")


def either(text: str) -> Command:
    """Return a command whose end the check judges."""
    return Command(text, "either")


@dataclasses.dataclass(frozen=True, slots=True)
class Need:
    """Something that not every machine has; a step that needs it is skipped there, with the reason."""

    name: str
    met: Callable[[], bool]
    reason: Text


def no_check(_: At) -> None:
    """Take the commands' good end for proof enough."""


@dataclasses.dataclass(frozen=True, slots=True)
class Step:
    """One statement: the goal, the commands that show it, the check that judges it, and why it is so.

    `find` runs first and finds names for placeholders. Commands run in order, or beside each other where
    `at_once`. After a `vital` step that fails the rest of the lab makes no sense and is skipped.
    """

    id: str
    goal: Text
    why: Text
    commands: tuple[str | Command, ...] = ()
    check: Check = no_check
    find: Check = no_check
    needs: tuple[Need, ...] = ()
    at_once: bool = False
    vital: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Lab:
    """One clip. `images` says for each image used which one of the course it stands for."""

    id: str
    title: Text
    goal: Text
    names: tuple[str, ...]
    images: Mapping[str, Text]
    steps: tuple[Step, ...]


def as_command(command: str | Command) -> Command:
    """Return a plain text as a command that has to end well."""
    return command if isinstance(command, Command) else Command(command)


def label(lab: Lab) -> str:
    """Return the option that marks whatever a lab makes, so that `lab clean` finds it."""
    return f"--label {LABEL}={lab.id}"


def fill(text: str, names: Mapping[str, str]) -> str:
    """Put names in place of placeholders; raise KeyError for one that was not found."""
    return _PLACEHOLDER.sub(lambda match: names[match[1]], text)


def sketch(text: str, lab: Lab) -> str:
    """Return a command for reading only: names without the run's tag, `<what>` for what will be found."""
    known = {name: f"lab-{name}" for name in lab.names} | {"label": label(lab)}
    return _PLACEHOLDER.sub(lambda match: known.get(match[1], f"<{match[1]}>"), text)


def placeholders(text: str) -> set[str]:
    """Return the names of a text's placeholders."""
    return set(_PLACEHOLDER.findall(text))
