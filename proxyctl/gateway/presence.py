"""Tells the gateway's `boot.sh` that a `watch` runs, and that addresses are not the script's to look after meanwhile.

A named pipe in the folder that both see: who opens it for writing waits until somebody reads, so the kernel itself
tells a `watch` that was killed, without a clock and without a write.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from proxyctl.core import layout
from proxyctl.errors import GatewayError


@contextlib.contextmanager
def present(run_folder: Path) -> Iterator[None]:
    """Hold the pipe for as long as the block lasts; raise GatewayError where the folder takes none."""
    pipe = run_folder / layout.WATCHING
    try:
        with contextlib.suppress(FileExistsError):
            os.mkfifo(pipe, 0o600)
        held = os.open(pipe, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as exc:
        raise GatewayError(f"{pipe}: {exc.strerror or exc}: remove it, or give another folder with --state") from exc
    try:
        yield
    finally:
        os.close(held)
