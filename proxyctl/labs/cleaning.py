"""Removes what labs made: at the end of a run all that has its tag, on `lab clean` all that ended runs left.

Containers and networks are found by label, the rest (interfaces of the host, temporary files) by a name with a tag.

A run holds a claim on its tag while it lives, so that `lab clean` leaves it alone.
"""

from __future__ import annotations

import contextlib
import re
import secrets
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from proxyctl.core import layout
from proxyctl.errors import ProxyctlError
from proxyctl.labs.command import LABEL
from proxyctl.providers.docker.client import Client, translated

FILES = "proxyctl-lab-"
"""How the names of temporary files and folders begin; the tag comes next."""
_ROUNDS = 5
_TAG = re.compile(r"(?:proxyctl-)?lab-([0-9a-f]{4})-")
_REMOVE = {
    "container": ("docker", "rm", "--force", "--volumes"),
    "network": ("docker", "network", "rm"),
    "interface": ("ip", "link", "delete"),
    "file": ("rm", "-rf", "--"),
}
"""Each kind of thing and the command that removes it, in the order in which they can go."""
_Found = tuple[str, str]
"""The kind, and the name or path."""


@contextlib.contextmanager
def claimed() -> Iterator[str]:
    """Give a tag that no other run on this machine has, and hold it.

    The claim is an abstract unix socket: it goes with the process, however that ends, and leaves no file.
    """
    with socket.socket(socket.AF_UNIX) as claim:
        yield _bound(claim)


def _bound(claim: socket.socket) -> str:
    while True:
        tag = secrets.token_hex(2)
        with contextlib.suppress(OSError):
            claim.bind(_claim(tag))
            return tag


def _claim(tag: str) -> str:
    return f"\0proxyctl-lab-{tag}"


def _alive(tag: str) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.bind(_claim(tag))
        except OSError:
            return True
    return False


def remove_run(client: Client, tag: str) -> None:
    """Remove everything of one run."""
    _remove(client, lambda found: found == tag)


def remove_leftovers(client: Client) -> tuple[list[str], list[str]]:
    """Remove what ended runs left; return what was removed, and what was left alone because its run lives."""
    alive = {tag for tag in {_tag(name) for _, name in _find(client)} if tag and _alive(tag)}
    removed = _remove(client, lambda found: found not in alive)
    return removed, [name for _, name in _find(client)]


def _remove(client: Client, matches: Callable[[str], bool]) -> list[str]:
    """Remove everything with a tag that `matches`; return its names."""
    removed: set[str] = set()
    for _ in range(_ROUNDS):  # a `docker run` that was killed half-way may still make one
        there = [found for found in _find(client) if matches(_tag(found[1]))]
        if not there:
            return sorted(removed)
        for kind, command in _REMOVE.items():
            names = [name for of, name in there if of == kind]
            # `ip` takes one at a time; the other end of a pair goes with the first
            for part in [[name] for name in names] if kind == "interface" else [names] if names else []:
                _run(*command, *part)
        removed |= {name for _, name in there}
    left = ", ".join(name for _, name in _find(client) if matches(_tag(name)))
    raise ProxyctlError(f"could not be removed: {left}; try again with: proxyctl lab clean")


def _tag(name: str) -> str:
    match = _TAG.match(name.rpartition("/")[2])
    return match[1] if match else ""


def _find(client: Client) -> list[_Found]:
    """Return everything that labs made, and that is still there."""
    with translated("listing what labs made"):
        containers = client.containers(all=True, filters={"label": LABEL})
        containers += [
            entry
            for entry in client.containers(all=True, filters={"label": layout.GATEWAY_LABEL})
            if _tag(entry["Labels"][layout.GATEWAY_LABEL])
        ]
        networks = client.networks(filters={"label": LABEL})
    found = {("container", entry["Names"][0].removeprefix("/")) for entry in containers if entry["Names"]}
    found |= {("network", entry["Name"]) for entry in networks}
    found |= {("interface", path.name) for path in Path("/sys/class/net").glob("lab-*") if _tag(path.name)}
    found |= {("file", str(path)) for path in Path(tempfile.gettempdir()).glob(f"{FILES}*") if _tag(path.name)}
    return sorted(found)


def _run(*argv: str) -> None:
    """Run a command to its end; a session of its own keeps Ctrl-C away from it."""
    with contextlib.suppress(FileNotFoundError):
        subprocess.run(argv, capture_output=True, check=False, timeout=60, start_new_session=True)
