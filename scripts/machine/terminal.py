"""What set-up says and runs: one line per step, everything else in a log file.

Knows nothing about what the steps are; `__main__` comes before it, all others use it.
"""

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

NAME_WIDTH = 16
TAIL_LINES = 12
WIPE = "\r\033[K"


class SetupError(Exception):
    """A step cannot be done: one line of what is wrong, and the command (or deed) that mends it."""

    def __init__(self, what: str, *, remedy: str = "", show_log: bool = False) -> None:
        super().__init__(what)
        self.remedy = remedy
        self.show_log = show_log


class Terminal:
    """Runs steps and programs; `log` gets every command with its output."""

    def __init__(self, log: Path) -> None:
        log.parent.mkdir(parents=True, exist_ok=True)
        self.log = log
        log.write_bytes(b"")

    def step(self, name: str, act: Callable[[], str]) -> None:
        """Run `act` and print one line with what it returns; a SetupError is printed in full and raised."""
        wipe = WIPE if sys.stdout.isatty() else ""
        if wipe:
            print(f"… {name}", end="", flush=True)
        start = time.monotonic()
        try:
            found = act()
        except (SetupError, KeyboardInterrupt) as exc:
            print(f"{wipe}✘ {name:<{NAME_WIDTH}} {str(exc) or 'interrupted'}", flush=True)
            if isinstance(exc, SetupError):
                self._explain(exc)
            raise
        seconds = time.monotonic() - start
        took = f"  ({seconds:.1f} s)" if seconds > 1 else ""
        print(f"{wipe}✔ {name:<{NAME_WIDTH}} {found}{took}", flush=True)

    def _explain(self, exc: SetupError) -> None:
        if exc.show_log:
            lines = self.log.read_text(errors="replace").splitlines()[-TAIL_LINES:]
            print(*(f"    {line}" for line in lines), f"    (all of it: {self.log})", sep="\n")
        if exc.remedy:
            print(f"  → {exc.remedy}", flush=True)

    def run(
        self,
        *command: str | Path,
        folder: Path | None = None,
        environment: Mapping[str, str] | None = None,
        remedy: str = "",
    ) -> str:
        """Run a program to its end and return its stdout; SetupError when it fails or is not there."""
        done = self.attempt(*command, folder=folder, environment=environment)
        if done.returncode:
            words = [word for word in map(str, command[1:]) if not set("-/=").intersection(word)]
            name = " ".join([Path(command[0]).name, *words[:2]])
            raise SetupError(f"`{name}` failed (exit {done.returncode})", remedy=remedy, show_log=True)
        return done.stdout

    def attempt(
        self,
        *command: str | Path,
        folder: Path | None = None,
        environment: Mapping[str, str] | None = None,
        deadline: float | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run a program whose failure is an answer; exit 127: it is not there, 124: no end after `deadline` s."""
        words = [str(word) for word in command]
        try:
            done = subprocess.run(
                words,
                cwd=folder,
                env={**os.environ, **(environment or {})},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=deadline,
                check=False,
            )
        except FileNotFoundError:
            done = subprocess.CompletedProcess(words, 127, "", f"{words[0]}: not found\n")
        except subprocess.TimeoutExpired:
            done = subprocess.CompletedProcess(words, 124, "", f"no answer within {deadline} s\n")
        self.note(words, done.stdout + done.stderr)
        return done

    def pipe(self, source: Sequence[str], sink: Sequence[str]) -> str:
        """Run `source | sink`; return what `sink` prints; SetupError when either fails."""
        with subprocess.Popen(source, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as first:
            done = subprocess.run(sink, stdin=first.stdout, capture_output=True, text=True, check=False)
        self.note([*source, "|", *sink], done.stdout + done.stderr)
        if first.returncode or done.returncode:
            raise SetupError(f"`{source[0]} | {sink[0]} {sink[1]}` failed", show_log=True)
        return done.stdout

    def note(self, words: Sequence[str], output: str) -> None:
        """Append a command and what it said to the log."""
        with self.log.open("a", errors="replace") as log:
            log.write(f"$ {shlex.join(words)}\n{output}")
