"""The virtual environment of the checkout, from requirements/dev.txt.

`.venv/set-up.json` says what it was made from and is written last: an interrupted run starts again.
"""

import hashlib
import json
import sys
import tomllib
from pathlib import Path

from scripts.machine.packages import install_packages
from scripts.machine.terminal import Terminal


def ensure(terminal: Terminal, root: Path) -> str:
    """Make `.venv`, or bring it up to date with the lock and pyproject.toml; say what is in it."""
    venv = root / ".venv"
    stamp = venv / "set-up.json"
    wanted = {"lock": _digest(root / "requirements/dev.txt"), "package": _package(root)}
    found: dict[str, str] = {}
    version = terminal.attempt(venv / "bin/python", "--version").stdout.strip()
    if version and stamp.exists():
        found = json.loads(stamp.read_text())
    if found == wanted:
        return f"{version}, {_locked(root)} packages as locked"

    if not found:
        _create(terminal, venv)
    stamp.unlink(missing_ok=True)
    pip = (venv / "bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    remedy = "pip must reach a package index (see `pip config list`); then run `make setup` again"
    if found.get("lock") != wanted["lock"]:
        # the lock is whole: left to resolve, pip takes a newer release for `coverage[toml]` than the one that is pinned
        terminal.run(
            *pip, "--require-hashes", "--no-deps", "--requirement", root / "requirements/dev.txt", remedy=remedy
        )
    terminal.run(*pip, "--no-deps", "--no-build-isolation", "--editable", root)
    stamp.write_text(json.dumps(wanted))
    version = terminal.run(venv / "bin/python", "--version").strip()
    return f"{version}, {_locked(root)} packages installed"


def _create(terminal: Terminal, venv: Path) -> None:
    if terminal.attempt(sys.executable, "-c", "import ensurepip, venv").returncode:
        install_packages(terminal, "python3-venv", purpose="a virtual environment")  # Debian splits it off
    terminal.run(sys.executable, "-m", "venv", "--clear", venv)


def _locked(root: Path) -> int:
    return (root / "requirements/dev.txt").read_text().count("==")


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _package(root: Path) -> str:
    """Digest what an installation depends on: not the settings of the linters."""
    project = tomllib.loads((root / "pyproject.toml").read_text())
    parts = [project["project"], project["build-system"], project["tool"]["hatch"], str(root)]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
