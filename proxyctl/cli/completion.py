"""`proxyctl completion`: what a shell reads so that Tab completes verbs, flags, and names of the running gateway."""

from __future__ import annotations

import enum
from typing import Annotated

import typer
from typer.completion import get_completion_script  # type: ignore[attr-defined]  # typer names no other

VARIABLE = "_PROXYCTL_COMPLETE"
"""Set by the shell's script when it asks what may follow."""


class Shell(enum.StrEnum):
    """A shell that has a script."""

    bash = "bash"
    zsh = "zsh"
    fish = "fish"


def completion(
    shell: Annotated[Shell, typer.Argument(metavar="bash|zsh|fish", help="Which shell will read it.")],
) -> None:
    """Print the script that has a shell complete `proxyctl` by Tab.

    bash: eval "$(proxyctl completion bash)"; in ~/.bashrc for every shell. zsh the same, after compinit.
    fish: proxyctl completion fish | source
    """
    typer.echo(get_completion_script(prog_name="proxyctl", complete_var=VARIABLE, shell=shell.value))
