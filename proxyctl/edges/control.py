"""The client of a running `watch`: what the verbs say to it through control.sock."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import requests
from docker.transport import UnixHTTPAdapter

from proxyctl.errors import ProxyctlError

SOCKET = "control.sock"


class NoWatch(ProxyctlError):
    """No `watch` answers at this state folder."""


def ask(state: Path, path: str, *, post: dict[str, Any] | None = None) -> dict[str, Any]:
    """Ask the `watch` of a state folder and return its JSON; raise NoWatch or ProxyctlError with its reason."""
    socket = state / SOCKET
    with requests.Session() as session:
        session.mount("http+docker://", UnixHTTPAdapter(f"http+unix://{socket}", timeout=10))
        session.trust_env = False
        try:
            url = f"http+docker://control{path}"
            answer = session.get(url, timeout=10) if post is None else session.post(url, json=post, timeout=10)
            body: dict[str, Any] = answer.json()
        except (requests.RequestException, OSError, ValueError) as exc:
            if "Permission denied" in str(exc):
                raise ProxyctlError(f"no permission on {socket}: run as the user that runs `proxyctl watch`") from exc
            message = f"no `proxyctl watch` answers at {socket}: is it running, with this --network and --state?"
            raise NoWatch(message) from exc
    if answer.status_code >= 400 and "error" in body:  # noqa: PLR2004 - HTTP's own bound
        raise ProxyctlError(str(body["error"]))
    return body


def status(state: Path) -> dict[str, Any] | None:
    """Return the status of the `watch` at a state folder; None when none answers."""
    try:
        return ask(state, "/api/v1/status")
    except ProxyctlError:
        return None
