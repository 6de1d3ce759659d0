"""Removes what labs made: after a run by its name, and leftovers of any run by label.

A run holds a claim on its tag while it lives, so that `lab clean` leaves it alone.
"""

from __future__ import annotations

import contextlib
import re
import secrets
import socket
import subprocess
from collections.abc import Iterator

import docker

from proxyctl.core import layout
from proxyctl.edges.docker.store import translated
from proxyctl.errors import ProxyctlError
from proxyctl.labs.step import LABEL

_ROUNDS = 5
_TAG = re.compile(r"(?:proxyctl-)?lab-([0-9a-f]{4})-")


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


def remove_run(client: docker.APIClient, tag: str) -> tuple[str, ...]:
    """Remove all containers and networks of one run; return their names."""
    return _remove(client, {tag}, given=True)


def remove_leftovers(client: docker.APIClient) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Remove what ended runs left; return the names removed, and those left alone because their run lives."""
    found = {match[1] for _, name in _found(client) if (match := _TAG.match(name))}
    alive = {tag for tag in found if _alive(tag)}
    removed = _remove(client, alive, given=False)
    return removed, tuple(sorted(name for _, name in _found(client)))


def _remove(client: docker.APIClient, tags: set[str], *, given: bool) -> tuple[str, ...]:
    """Remove what is of the tags given, or of all others."""
    removed: set[str] = set()
    for _ in range(_ROUNDS):  # a `docker run` that was killed half-way may still make one
        wanted = [(kind, name) for kind, name in _found(client) if (_tag(name) in tags) is given]
        if not wanted:
            return tuple(sorted(removed))
        for kind, argv in (("container", ["rm", "--force", "--volumes"]), ("network", ["network", "rm"])):
            names = [name for of, name in wanted if of == kind]
            if names:
                _docker(*argv, *names)
        removed |= {name for _, name in wanted}
    left = ", ".join(name for _, name in _found(client) if (_tag(name) in tags) is given)
    raise ProxyctlError(f"could not be removed: {left}; try again with: proxyctl lab clean")


def _tag(name: str) -> str:
    match = _TAG.match(name)
    return match[1] if match else ""


def _found(client: docker.APIClient) -> list[tuple[str, str]]:
    """Return kind and name of everything that labs made: by label, and the gateways of their networks."""
    with translated("listing what labs made"):
        containers = client.containers(all=True, filters={"label": LABEL})
        containers += [
            entry
            for entry in client.containers(all=True, filters={"label": layout.GATEWAY_LABEL})
            if _TAG.match(entry["Labels"][layout.GATEWAY_LABEL])
        ]
        networks = client.networks(filters={"label": LABEL})
    found = {("container", entry["Names"][0].removeprefix("/")) for entry in containers if entry["Names"]}
    return sorted(found | {("network", entry["Name"]) for entry in networks})


def _docker(*argv: str) -> None:
    """Run Docker's own command, which removes beside each other; a session of its own keeps Ctrl-C away from it."""
    subprocess.run(["docker", *argv], capture_output=True, check=False, timeout=60, start_new_session=True)
