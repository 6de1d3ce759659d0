"""What the check of a step works with: the commands that ran, their output, the run's names, and ways to judge.

Checks of all clips are written against this class alone.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NoReturn, TypeVar

from proxyctl.labs import cleaning, subnets
from proxyctl.labs.command import Command, as_command, fill
from proxyctl.labs.scene import Scene
from proxyctl.labs.shell import Background, Ran
from proxyctl.labs.subnets import Subnet
from proxyctl.labs.texts import Said, Text, aligned, say
from proxyctl.providers.docker.client import Client

T = TypeVar("T")

_LOOK_EVERY = 0.02


class Differs(Exception):
    """What was observed is not what the step states."""

    def __init__(self, reason: Text) -> None:
        super().__init__(reason.en)
        self.reason = reason


class Skip(Exception):
    """The step cannot be shown here; not a failure."""

    def __init__(self, reason: Text) -> None:
        super().__init__(reason.en)
        self.reason = reason


class At:
    """One step of one run."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.ran: list[Ran] = []
        self.notes: list[Said] = []

    @property
    def client(self) -> Client:
        """Docker's API, for facts that the program reads itself."""
        return self.scene.client

    @property
    def out(self) -> list[str]:
        """What each command printed so far."""
        return [ran.out for ran in self.ran]

    def __getitem__(self, key: str) -> str:
        """Return the name in this run that a placeholder stands for."""
        return self.scene.names[key]

    def __contains__(self, key: str) -> bool:
        """Return whether a placeholder has a name in this run."""
        return key in self.scene.names

    def found(self, **names: str) -> None:
        """Name what was found, for the placeholders of this and later commands; `a_b` is for `{a_b}`."""
        self.scene.names.update(names)

    # running

    def sh(self, text: str, ends: Literal["well", "badly", "either"] = "well") -> str:
        """Run one more command, shown like the step's own; return what it printed."""
        return self.beside(Command(text, ends))[0].out

    def beside(self, *commands: str | Command) -> list[Ran]:
        """Run commands beside each other; raise Differs when one does not end as it has to."""
        wanted = [as_command(command) for command in commands]
        filled = [Command(fill(c.text, self.scene.names), c.ends, c.within) for c in wanted]
        ran = self.scene.shell.run(filled)
        self.ran += ran
        for command, one in zip(filled, ran, strict=True):
            _judge_end(command, one)
        return ran

    def quiet(self, text: str) -> Ran:
        """Run a command that is not shown: for facts beside the point, or what a person need not type."""
        return self.scene.shell.run([Command(fill(text, self.scene.names), "either")])[0]

    def container(self, key: str) -> Mapping[str, Any]:
        """Return Docker's inspect of a container of this run."""
        entry: Mapping[str, Any] = self.client.inspect_container(self[key])
        return entry

    def network(self, key: str) -> Mapping[str, Any]:
        """Return Docker's inspect of a network of this run."""
        entry: Mapping[str, Any] = self.client.inspect_network(self[key])
        return entry

    def defer(self, undo: Callable[[], object]) -> None:
        """Call `undo` when the lab ends, however it ends, and before its containers are removed."""
        self.scene.undo.callback(undo)

    def folder(self, key: str) -> Path:
        """Make a folder for files that a container mounts, with a placeholder of that name; removed at the end."""
        folder = Path(tempfile.mkdtemp(prefix=f"{cleaning.FILES}{self.scene.tag}-{key}-"))
        folder.chmod(0o755)  # also for a container's user that is not root
        if not self.scene.keep:
            self.defer(lambda: shutil.rmtree(folder, ignore_errors=True))
        self.scene.names[key] = str(folder)
        return folder

    def background(self, text: str) -> Background:
        """Start a command that goes on until the lab ends; it is shown with `&`."""
        filled = fill(text, self.scene.names)
        file, log = tempfile.mkstemp(prefix=f"{cleaning.FILES}{self.scene.tag}-", suffix=".log")
        os.close(file)
        started = Background(filled, Path(log))
        self.defer(lambda: Path(log).unlink(missing_ok=True))
        self.defer(started.end)
        self.ran.append(Ran(f"{filled} &", 0, ""))
        return started

    def free_subnet(self) -> Subnet:
        """Return a /24 that overlaps nothing in use on this host."""
        return subnets.free(subnets.taken(self.client))

    def until(self, condition: Callable[[], T], what: Text, within: float = 15.0) -> T:
        """Return the first true value of `condition`; raise Differs, naming what was awaited, when none comes."""
        deadline = time.monotonic() + within
        while not (value := condition()):
            if time.monotonic() > deadline:
                raise Differs(
                    Text(
                        ko=f"{within:.0f}초 안에 일어나지 않았습니다: {what.ko}",
                        en=f"did not come within {within:.0f} s: {what.en}",
                    )
                )
            time.sleep(_LOOK_EVERY)
        return value

    # judging

    def note(self, *lines: Said) -> None:
        """Say what was observed; without any note it is what the commands printed."""
        self.notes += lines

    def table(self, *rows: Sequence[Said]) -> None:
        """Note rows of cells as lines whose columns are aligned, in both languages."""
        self.notes += [
            Text(ko=ko, en=en) if ko != en else ko
            for ko, en in zip(aligned(rows, "ko"), aligned(rows, "en"), strict=True)
        ]

    def expect(self, true: object, otherwise: Text) -> None:
        """Fail the step, with the reason, unless it is true."""
        if not true:
            raise Differs(otherwise)

    def equal(self, what: Said, seen: object, expected: object) -> None:
        """Fail the step unless `seen` equals `expected`."""
        if seen != expected:
            raise Differs(
                Text(
                    ko=f"{say(what, 'ko')}: {expected!r}이어야 하는데 {seen!r}입니다",
                    en=f"{say(what, 'en')} is {seen!r}, not {expected!r}",
                )
            )

    def skip(self, reason: Text) -> NoReturn:
        """End the step as one that cannot be shown here."""
        raise Skip(reason)


def _judge_end(command: Command, ran: Ran) -> None:
    last = ran.out.rpartition("\n")[2][:200]
    text = f"{command.text}: {last}" if last else command.text
    if command.ends == "well" and ran.code != 0:
        raise Differs(
            Text(
                ko=f"명령이 {ran.code}번 코드로 끝났습니다: {text}",
                en=f"ended with exit code {ran.code}: {text}",
            )
        )
    if command.ends == "badly" and ran.code == 0:
        raise Differs(
            Text(ko=f"실패해야 하는데 성공했습니다: {command.text}", en=f"should fail and did not: {command.text}")
        )
