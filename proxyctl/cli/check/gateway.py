"""What `check` asks of a running `watch`: the token that names servers, the status, and what happened."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import typer

from proxyctl import sources
from proxyctl.api import client as control
from proxyctl.core.status import Event, Status
from proxyctl.errors import ProxyctlError

if TYPE_CHECKING:
    from proxyctl.check.expected import Expected


def state_folder(network: str | None, state: Path | None) -> Path | None:
    """Return the state folder of the gateway that the options name, else that of the only gateway here, else None."""
    if state:
        return state
    try:
        return sources.load({"network": network}).state
    except sources.NoNetwork:
        pass
    parent = sources.default_state("any").parent
    with contextlib.suppress(OSError):
        folders = [folder for folder in parent.iterdir() if (folder / control.SOCKET).exists()]
        return folders[0] if len(folders) == 1 else None
    return None


def token(folder: Path | None) -> str | None:
    """Return the secret that makes the gateway name the server of each answer."""
    if folder is None:
        return os.environ.get("PROXYCTL_CHECK_TOKEN")
    return sources.check_token(folder.name, {**os.environ, "PROXYCTL_STATE": str(folder)})


def token_for(urls: Iterable[str], folder: Path | None, *, named: bool) -> str | None:
    """Return the secret for these URLs, and say so where it is withheld.

    Unless the user `named` the gateway, or gave the secret, it goes to this machine and its gateways alone.
    """
    secret = token(folder)
    if secret is None or named or os.environ.get("PROXYCTL_CHECK_TOKEN"):
        return secret
    strangers = sorted({host for url in urls if not _ours(host := urlsplit(url).hostname or "")})
    if not strangers:
        return secret
    withheld = f"{', '.join(strangers)} is neither this machine nor a gateway on it, so it is not told the check secret"
    typer.echo(f"proxyctl: {withheld}; --network or --state name a gateway that is", err=True)
    return None


def _ours(host: str) -> bool:
    """Return whether all addresses of a host are this machine's, or those of gateways that run on it."""
    try:
        found = {str(info[4][0]) for info in socket.getaddrinfo(host, None)}
    except (OSError, UnicodeError):
        return True  # no address, so the secret goes nowhere
    others = {address for address in found if not _local(address)}
    return not others or others <= _gateways()


def _local(address: str) -> bool:
    """Return whether an address is this machine's: only such can be bound."""
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True


def _gateways() -> set[str]:
    """Return the addresses of the gateways that run here; none where Docker cannot be asked."""
    from proxyctl.gateway.access import addresses
    from proxyctl.providers.docker.client import connect

    with contextlib.suppress(ProxyctlError), contextlib.closing(connect()) as client:
        return addresses(client)
    return set()


def status(folder: Path | None) -> Status | None:
    """Return the gateway's status; None where no `watch` answers."""
    return control.status_if_running(folder) if folder else None


def events(folder: Path | None) -> tuple[Event, ...]:
    """Return the journal of `watch`; nothing where none answers."""
    if folder is None:
        return ()
    try:
        return control.events(folder)
    except ProxyctlError:
        return ()


def by_ring(found: Expected) -> bool:
    """Return whether the gateway chooses servers by points of a hash ring; False where its engine is not known."""
    if found.balance != "random":  # the only algorithm in which engines differ; the import takes 0.1 s
        return False
    from proxyctl.app.parts import PROXIES

    proxy = PROXIES.get(found.engine or "")
    return proxy is not None and proxy.random_by_ring
