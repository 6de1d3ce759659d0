"""Labs on a terminal or a pipe: one block a step, 80 columns, Korean characters counted as two."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text as Line

from proxyctl.labs.command import as_command
from proxyctl.labs.fold import fold
from proxyctl.labs.report import LabResult, Status, StepResult
from proxyctl.labs.step import Lab, sketch
from proxyctl.labs.texts import Lang, Text

MARKS: dict[Status, tuple[str, str]] = {
    "ok": ("✔", "green"),
    "failed": ("✘", "red"),
    "skipped": ("\N{EN DASH}", "yellow"),
}
_INDENT = "      "

_SKIPPED = Text(ko="건너뜀", en="skipped")
_FAILED = Text(ko="실패", en="failed")
_NEEDS = Text(ko="필요한 것", en="needs")
_STEPS = Text(ko="단계", en="steps")
_GO_ON = Text(ko="계속하려면 Enter", en="Enter to go on")
_KEPT = Text(ko="남겨 두었습니다. 지우려면: proxyctl lab clean", en="kept; to remove it: proxyctl lab clean")


class View:
    """Prints labs in one language."""

    def __init__(self, console: Console, lang: Lang) -> None:
        self._console, self._lang = console, lang

    def catalog(self, labs: Sequence[Lab]) -> None:
        """Print one line a lab, and its goal."""
        for lab in labs:
            steps = f"{len(lab.steps)} {_STEPS.en}" if self._lang == "en" else f"{len(lab.steps)}{_STEPS.ko}"
            self._print(f"{lab.id}  {lab.title.to(self._lang)} ({steps})", style="bold")
            self._print(lab.goal.to(self._lang), indent="       ")

    def head(self, lab: Lab) -> None:
        """Print what a lab is about."""
        self._print(f"{lab.id}  {lab.title.to(self._lang)}", style="bold")
        self._print(lab.goal.to(self._lang))
        for image, stands_for in lab.images.items():
            self._print(f"{image}: {stands_for.to(self._lang)}", style="dim")
        self._print("")

    def plan(self, lab: Lab) -> None:
        """Print what a lab will do, without running it."""
        self.head(lab)
        for number, step in enumerate(lab.steps, 1):
            self._goal(f"{number:2}/{len(lab.steps)}  ", step.goal.to(self._lang), "")
            for command in step.commands:
                self._command(sketch(as_command(command).text, lab))
            self._print(step.why.to(self._lang), indent=_INDENT, style="dim")
            if step.needs:
                needs = ", ".join(need.name for need in step.needs)
                self._print(f"{_NEEDS.to(self._lang)}: {needs}", indent=_INDENT, style="dim")
            self._print("")

    def step(self, number: int, lab: Lab, result: StepResult) -> None:
        """Print one step that has ended."""
        mark, colour = MARKS[result.status]
        self._goal(f"{number:2}/{len(lab.steps)} {mark} ", result.step.goal.to(self._lang), colour)
        for command in result.commands:
            self._command(command)
        for line in result.observed_in(self._lang).splitlines():
            self._print(line.expandtabs(), indent=f"{_INDENT}│ ")
        if result.reason:
            word = (_FAILED if result.status == "failed" else _SKIPPED).to(self._lang)
            self._print(f"{word}: {result.reason.to(self._lang)}", indent=_INDENT, style=colour)
        self._print(result.step.why.to(self._lang), indent=_INDENT, style="dim")
        self._print("")

    def summary(self, results: Sequence[LabResult], *, kept: bool) -> None:
        """Print how the labs ended."""
        for result in results:
            counts = [f"{MARKS[status][0]} {result.count(status)}" for status in MARKS if result.count(status)]
            colour = MARKS["ok" if result.ok else "failed"][1]
            left = f"  lab-{result.tag}-*: {_KEPT.to(self._lang)}" if kept else ""
            self._print(f"{result.lab.id}  {'  '.join(counts)}  {result.seconds:.1f} s{left}", style=colour)

    @property
    def to_go_on(self) -> str:
        """What `--pause` asks for."""
        return _GO_ON.to(self._lang)

    def _goal(self, head: str, goal: str, colour: str) -> None:
        lines = Line(goal).wrap(self._console, self._width - cell_len(head))
        for line in lines:
            line.rstrip()
            self._console.print(Line.assemble((head, colour), (line.plain, "bold")))
            head = " " * cell_len(head)

    def _command(self, command: str) -> None:
        """Print a command whole: a line that is too long for the terminal is left to the terminal."""
        lead = f"{_INDENT}$ "
        for line in fold(command, self._width - len(lead)):
            self._console.print(Line(lead + line, style="cyan"), soft_wrap=True)
            lead = f"{_INDENT}  "

    def _print(self, text: str, *, indent: str = "", style: str = "") -> None:
        for line in Line(text).wrap(self._console, self._width - cell_len(indent)):
            line.rstrip()
            self._console.print(Line((indent + line.plain).rstrip(), style=style))

    @property
    def _width(self) -> int:
        return min(self._console.width, 100)
