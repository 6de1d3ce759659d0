"""A browser for the tests of the HTML report. Without one they are skipped: all else works."""

import os
import shutil

from scripts.machine import debian
from scripts.machine.packages import install_packages
from scripts.machine.terminal import Terminal

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")


def ensure(terminal: Terminal) -> str:
    """Make sure that there is a browser where that is ours to do; say which, or what is left out without it."""
    if _find() is None and os.geteuid() == 0 and debian.distribution()[0] == "debian":
        install_packages(terminal, "chromium", purpose="a browser")  # Ubuntu has a snap
    program = _find()
    if program is None:
        return "no chromium: the tests of the HTML report in a browser are skipped"
    words = terminal.run(program, "--no-sandbox", "--version").split()
    return " ".join(words[:2])


def _find() -> str | None:
    return next(filter(None, map(shutil.which, PROGRAMS)), None)
