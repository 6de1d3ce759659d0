"""A registry for the tests of pulling: the program of Debian's `docker-registry`, unpacked and never installed.

The package would start a service. Where it cannot be had, those tests are skipped: all else works.
"""

import shutil
import tempfile
from pathlib import Path

from scripts.machine import debian, places
from scripts.machine.rootfs import unpack
from scripts.machine.terminal import SetupError, Terminal

PROGRAM = "docker-registry"


def find() -> Path | None:
    """Return the program, the system's own or the one that set-up unpacked; None where there is none."""
    installed, ours = shutil.which(PROGRAM), places.cache() / PROGRAM
    return Path(installed) if installed else ours if ours.is_file() else None


def ensure(terminal: Terminal, cache: Path) -> str:
    """Make sure of the program; say its version, or what is left out without it."""
    if find() is None:
        try:
            _unpack(terminal, cache)
        except SetupError as exc:
            return f"none: the tests of pulling are skipped ({exc})"
    program = find()
    words = terminal.run(program, "--version").split() if program else []
    return f"{PROGRAM} {words[-1] if words else ''}"


def _unpack(terminal: Terminal, cache: Path) -> None:
    """Take the program out of the package of this system's own suite, whose libraries it runs with."""
    suite = debian.Suite(terminal, cache, debian.distribution()[1])
    packages = [package for package in suite.download(PROGRAM) if package.name.startswith(f"{PROGRAM}_")]
    with tempfile.TemporaryDirectory(dir=cache, prefix="build-") as work:
        unpack(terminal, packages, Path(work) / "packages")
        program = Path(work) / "packages/usr/bin" / PROGRAM
        terminal.run(program, "--version")
        shutil.copy2(program, cache / f"{PROGRAM}.new")
    (cache / f"{PROGRAM}.new").rename(cache / PROGRAM)
