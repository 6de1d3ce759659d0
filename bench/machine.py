"""What the figures were measured on. Reads only."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from pathlib import Path

import docker


def described(client: docker.DockerClient) -> dict[str, str]:
    """Return processors, kernel, engine and tools by name."""
    model = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    found = {
        "processors": f"{os.cpu_count()} x {model[1].strip() if model else platform.machine()}",
        "kernel": platform.release(),
        "docker": str(client.version()["Version"]),
        "python": platform.python_version(),
    }
    wrk = _wrk()
    return found | ({"wrk": wrk} if wrk else {})


def load() -> str:
    """Return the load averages of 1, 5 and 15 minutes."""
    return " ".join(f"{figure:.1f}" for figure in os.getloadavg())


def _wrk() -> str:
    try:
        said = subprocess.run(["wrk", "-v"], capture_output=True, text=True, timeout=5, check=False).stdout
    except FileNotFoundError:
        return ""
    found = re.search(r"wrk (?:debian/)?(\d\S*)", said)
    return found[1] if found else "?"
