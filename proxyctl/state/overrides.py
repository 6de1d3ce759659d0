"""Operators' overrides (drain, weight, maintenance), kept in the state folder until the container or pool goes.

Also the secret with which `check` asks the gateway to name its servers, and the lock of the state folder.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import IO

import pydantic

from proxyctl.core.model import Override
from proxyctl.errors import ProxyctlError
from proxyctl.wording import of_system

FILES = ("decisions.json", "held.json", "check.token", "watch.lock")


class _Kept(pydantic.BaseModel, extra="forbid"):
    """The file: overrides by container id, and the pools in maintenance."""

    containers: dict[str, Override] = {}
    maintenance: set[str] = set()


class Overrides:
    """The overrides by container id, and the pools in maintenance; written to disk at each change."""

    def __init__(self, folder: Path) -> None:
        """Read what an earlier `watch` kept; raise when the file cannot be read, which is not the same as empty."""
        self._path = folder / "decisions.json"
        self._kept = _Kept()
        if self._path.exists():
            try:
                self._kept = _Kept.model_validate_json(self._path.read_bytes())
            except (OSError, pydantic.ValidationError) as exc:
                raise ProxyctlError(f"{self._path} cannot be read ({exc}): mend it, or remove it") from exc

    def all(self) -> Mapping[str, Override]:
        """Return every override by container id."""
        return self._kept.containers

    def keep(self, container: str, override: Override) -> None:
        """Keep the override of a container; the default override removes it."""
        self._kept.containers[container] = override
        if override == Override():
            del self._kept.containers[container]
        self._write()

    def forget_except(self, containers: Iterable[str]) -> None:
        """Drop every override except those of these containers."""
        gone = self._kept.containers.keys() - set(containers)
        for container in gone:
            del self._kept.containers[container]
        if gone:
            self._write()

    @property
    def maintenance(self) -> Collection[str]:
        """The pools in maintenance."""
        return frozenset(self._kept.maintenance)

    def maintain(self, pool: str, *, on: bool) -> None:
        """Put a pool in maintenance or take it out."""
        self._kept.maintenance = {*self._kept.maintenance, pool} if on else self._kept.maintenance - {pool}
        self._write()

    def forget_pools_except(self, pools: Iterable[str]) -> None:
        """End the maintenance of every pool except these."""
        if gone := self._kept.maintenance.difference(pools):
            self._kept.maintenance -= gone
            self._write()

    def _write(self) -> None:
        replace(self._path, self._kept.model_dump_json(indent=1))


def check_token(folder: Path) -> str:
    """Return the secret of `check`; make it at the first use, in a file that only the owner can read."""
    if known := known_token(folder):
        return known
    token = secrets.token_hex(16)
    replace(folder / "check.token", token)
    return token


def known_token(folder: Path) -> str | None:
    """Return the secret of `check`, None before a `watch` made it; raise ProxyctlError where reading is forbidden."""
    path = folder / "check.token"
    try:
        return path.read_text().strip()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as exc:
        message = f"{path} cannot be read ({of_system(exc)}): run as the user that runs `proxyctl watch`"
        raise ProxyctlError(message) from exc


def lock(folder: Path) -> IO[str]:
    """Take the state folder for this process until the file is closed; raise if another `watch` has it."""
    path = folder / "watch.lock"
    try:
        file = path.open("a+")
    except OSError as exc:
        message = f"{path}: {of_system(exc)}: run as the user that ran `proxyctl watch` before, or give another --state"
        raise ProxyctlError(message) from exc
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as exc:
        file.seek(0)
        owner = file.read().strip() or "?"
        file.close()
        message = f"another `proxyctl watch` (process {owner}) has {folder}: stop it first, or give another --state"
        raise ProxyctlError(message) from exc
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file


def replace(path: Path, text: str) -> None:
    """Write a file beside the old one, then rename it: a crash leaves one of them. Only the owner can read it."""
    new = path.with_name(f".{path.name}.new")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.rename(path)
