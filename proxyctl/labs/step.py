"""What a lab is made of: plain data. A clip's module holds the data itself, `run` carries it out."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping

from proxyctl.labs.at import At
from proxyctl.labs.command import LABEL, Command, fill, placeholders
from proxyctl.labs.texts import Text

Check = Callable[[At], None]
"""Judges what the commands gave, by `at.note`, `at.expect`, `at.equal` and `at.skip`."""


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
    """One clip. `names` are placeholders for names that each run makes up.

    `images` says for each image used which one of the course it stands for.
    """

    id: str
    title: Text
    goal: Text
    names: tuple[str, ...]
    images: Mapping[str, Text]
    steps: tuple[Step, ...]


def label(lab: Lab) -> str:
    """Return the option that marks whatever a lab makes, so that `lab clean` finds it."""
    return f"--label {LABEL}={lab.id}"


def sketch(text: str, lab: Lab) -> str:
    """Return a command for reading only: names without the run's tag, `<what>` for what a step will find."""
    found = {name: f"<{name}>" for name in placeholders(text)}
    return fill(text, found | {name: f"lab-{name}" for name in lab.names} | {"label": label(lab)})
