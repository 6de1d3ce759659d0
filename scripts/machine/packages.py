"""Packages installed into the system, which only root on Debian or Ubuntu gets done without asking."""

import os
import shutil

from scripts.machine.terminal import SetupError, Terminal

QUIET = {"DEBIAN_FRONTEND": "noninteractive"}


def install_packages(terminal: Terminal, *names: str, purpose: str) -> None:
    """Install distribution packages; where that is not ours to do, raise SetupError with the command."""
    command = ("apt-get", "install", "--yes", "--no-install-recommends", "--no-remove", *names)
    if shutil.which("apt-get") is None:
        raise SetupError(
            f"{purpose} is missing, and this is not Debian or Ubuntu",
            remedy="install it the way your distribution does, then run `make setup` again",
        )
    if os.geteuid() != 0:
        raise SetupError(f"{purpose} is missing, and only root can install it", remedy=f"sudo {' '.join(command)}")
    if terminal.attempt(*command, environment=QUIET).returncode == 0:
        return
    terminal.run("apt-get", "update", environment=QUIET, remedy="the mirror in /etc/apt must answer")
    terminal.run(*command, environment=QUIET, remedy=" ".join(command))
