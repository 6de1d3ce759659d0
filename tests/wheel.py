"""The wheel, built from this checkout and installed in an empty environment with the locked dependencies."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parents[1]


class Installed:
    """An environment with nothing in it but the wheel and what it needs; commands run outside the checkout."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.programs = folder / "venv" / "bin"

    def run(self, *argv: str | Path, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """Run a program to its end, without a way back to the checkout."""
        return subprocess.run(
            argv, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=timeout, check=False
        )

    @property
    def environment(self) -> dict[str, str]:
        """The environment of this process, without what leads to the checkout or sets proxyctl's settings."""
        return {k: v for k, v in os.environ.items() if not k.startswith(("PROXYCTL_", "PYTHON", "VIRTUAL_ENV"))}

    def proxyctl(self, *argv: str) -> subprocess.CompletedProcess[str]:
        """Run `proxyctl` as it was installed."""
        return self.run(self.programs / "proxyctl", *argv)

    def python(self, code: str) -> str:
        """Return what a line of Python prints there."""
        ran = self.run(self.programs / "python", "-c", code)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout.strip()


def build(made: Installed) -> None:
    """Build the wheel from this checkout, with its dependencies as requirements/runtime.txt locks them."""
    made.folder.mkdir()
    venv.create(made.folder / "venv", with_pip=False)
    # what is imported here is compiled then: to compile every file of every package takes longer than to install it
    pip = (sys.executable, "-m", "pip", "--python", made.programs / "python", "install", "--quiet", "--no-compile")
    commands: tuple[tuple[str | Path, ...], ...] = (
        (sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", made.folder, ROOT),
        (*pip, "--require-hashes", "--no-deps", "--requirement", ROOT / "requirements" / "runtime.txt"),
    )
    with ThreadPoolExecutor() as threads:
        for ran in threads.map(lambda argv: made.run(*argv), commands):
            assert ran.returncode == 0, ran.stderr
    (wheel,) = made.folder.glob("*.whl")
    ran = made.run(*pip, "--no-deps", "--no-index", wheel)
    assert ran.returncode == 0, ran.stderr
