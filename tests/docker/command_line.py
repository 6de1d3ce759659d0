"""Command lines of `proxyctl`: as a process of its own, or in this one, which is half a second faster.

In a process where signals, a terminal, threads or load are part of what is shown; everything else that is asked and
answered goes through the same `run` that `main` ends with.
"""

from __future__ import annotations

import contextlib
import gc
import io
import os
import subprocess
import sys
import warnings
from collections.abc import Mapping
from unittest import mock

from proxyctl.cli.app import run


def run_proxyctl(
    *argv: str, env: Mapping[str, str] | None = None, timeout: float = 60
) -> subprocess.CompletedProcess[str]:
    """Return how a process with one command line ended; the caller's PROXYCTL_* are not in its environment."""
    return subprocess.run(
        [sys.executable, "-m", "proxyctl", *argv],
        capture_output=True,
        text=True,
        timeout=timeout,
        env=_environment(env),
        check=False,
    )


def run_here(*argv: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Return the same of a command line that runs in this process."""
    out, err = io.StringIO(), io.StringIO()
    with (
        mock.patch.dict(os.environ, _environment(env), clear=True),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        code = run(argv)
    with warnings.catch_warnings():  # what a process leaves open is closed with it: here, at once and without a word
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
    return subprocess.CompletedProcess(argv, code, out.getvalue(), err.getvalue())


def _environment(more: Mapping[str, str] | None) -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if not k.startswith("PROXYCTL_")} | dict(more or {})
