"""The command line: one file per verb, each parses, calls and prints. `main` turns errors into one line and a code."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line and exit with the code that LABELS.md promises."""
    if sys.argv[1:2] == ["echo"]:
        # the backend of demos and tests must start in a blink: it does not wait for the libraries of the rest
        from proxyctl.backend.server import main as echo_main

        sys.exit(echo_main(sys.argv[2:]))
    from proxyctl.cli.app import run

    sys.exit(run(sys.argv[1:]))
