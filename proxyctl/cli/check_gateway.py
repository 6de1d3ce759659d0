"""What `check` asks of a running `watch`: the token that names servers, who should serve, and what happened."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from proxyctl import settings
from proxyctl.edges import control
from proxyctl.errors import ProxyctlError, UsageError


def state_folder(network: str | None, state: Path | None) -> Path | None:
    """Return the state folder of the gateway that is meant; without a word of it, the only one there is."""
    if state:
        return state
    try:
        return settings.load({"network": network}).state
    except UsageError:
        if network:
            raise
    parent = settings.default_state("any").parent
    with contextlib.suppress(OSError):
        folders = [folder for folder in parent.iterdir() if (folder / control.SOCKET).exists()]
        return folders[0] if len(folders) == 1 else None
    return None


def token(folder: Path | None) -> str | None:
    """Return the secret that makes the gateway name who served."""
    if folder is None:
        return os.environ.get("PROXYCTL_CHECK_TOKEN")
    return settings.check_token(folder.name, {**os.environ, "PROXYCTL_STATE": str(folder)})


def status(folder: Path | None) -> Mapping[str, Any] | None:
    """Return the gateway's status; None where nobody answers."""
    return control.status(folder) if folder else None


def events(folder: Path | None) -> list[dict[str, Any]]:
    """Return the log of what `watch` did; nothing where nobody answers."""
    if folder is None:
        return []
    try:
        told: list[dict[str, Any]] = control.ask(folder, "/api/v1/events")["events"]
    except ProxyctlError:
        return []
    return told
