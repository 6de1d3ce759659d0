"""The machine that a check ran on: enough to compare two runs, and nothing that identifies it or its owner."""

from __future__ import annotations

import functools
import os
import platform
from pathlib import Path
from typing import Any

from proxyctl import __version__

_MODEL = "model name"


@functools.cache
def here() -> dict[str, Any]:
    """Return the processor, system and versions of this machine."""
    return {
        "proxyctl": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cpus": len(os.sched_getaffinity(0)),
        "cpu": _cpu(),
    }


def _cpu(cpuinfo: Path = Path("/proc/cpuinfo")) -> str | None:
    try:
        lines = cpuinfo.read_text("utf-8", "replace").splitlines()
    except OSError:
        return None
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(_MODEL)), None)
