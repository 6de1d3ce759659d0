"""The client of a running `watch`: what the verbs say to it through control.sock."""

from __future__ import annotations

import contextlib
import http
import http.client
import json
import socket
from pathlib import Path
from typing import Any

from proxyctl.errors import ProxyctlError

SOCKET = "control.sock"
TIMEOUT = 10.0


class NoWatch(ProxyctlError):
    """No `watch` answers at this state folder."""


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("control", timeout=TIMEOUT)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(TIMEOUT)
        self.sock.connect(str(self._path))


def ask(state: Path, path: str, *, post: dict[str, Any] | None = None) -> dict[str, Any]:
    """Ask the `watch` of a state folder and return its JSON; raise NoWatch or ProxyctlError with its reason."""
    place = state / SOCKET
    body = None if post is None else json.dumps(post)
    with contextlib.closing(_UnixConnection(place)) as connection:
        try:
            connection.request("GET" if post is None else "POST", path, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            told: dict[str, Any] = json.loads(answer.read())
        except PermissionError as exc:
            raise ProxyctlError(f"no permission on {place}: run as the user that runs `proxyctl watch`") from exc
        except TimeoutError as exc:
            message = f"`proxyctl watch` did not answer at {place} within {TIMEOUT:.0f} s: try again, or see its log"
            raise ProxyctlError(message) from exc
        except ValueError as exc:
            message = f"what answered at {place} was no JSON: is it a `proxyctl watch`, and of this version?"
            raise ProxyctlError(message) from exc
        except (OSError, http.client.HTTPException) as exc:
            message = f"no `proxyctl watch` answers at {place}: is it running, with this --network and --state?"
            raise NoWatch(message) from exc
    if answer.status >= http.HTTPStatus.BAD_REQUEST and "error" in told:
        raise ProxyctlError(str(told["error"]))
    return told


def settings(state: Path) -> dict[str, Any]:
    """Return what the `watch` at a state folder goes by; nothing when none answers."""
    try:
        return ask(state, "/api/v1/settings")
    except ProxyctlError:
        return {}


def status(state: Path) -> dict[str, Any] | None:
    """Return the status of the `watch` at a state folder; None when none answers."""
    try:
        return ask(state, "/api/v1/status")
    except ProxyctlError:
        return None
