"""The client of a running `watch`: verbs ask it here, through control.sock.

Each function takes the state folder and returns typed values; `ask` returns JSON, for tests and for answers without a
type. Next: `server`, at the other end.
"""

from __future__ import annotations

import contextlib
import dataclasses
import http
import http.client
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Unpack
from urllib.parse import quote

from proxyctl.api.json import events_from_json, from_json
from proxyctl.api.port import Changes, Maintained, Overridden, Pinned, Released
from proxyctl.core.status import Event, Status
from proxyctl.errors import ProxyctlError

SOCKET = "control.sock"
TIMEOUT = 20.0
"""Seconds for an answer; the longest, of a drain, takes `operate.confirm.ANSWERED`, and a busy machine its time."""


class NoWatch(ProxyctlError):
    """No `watch` answers at this state folder."""

    def __init__(self, message: str, state: Path | None = None) -> None:
        """Take the line for a person, and the folder."""
        super().__init__(message)
        self.state = state


class WatchEnded(NoWatch):
    """A `watch` ended before its answer was there: what it was asked to do may be done, and may be kept."""


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
    """Return the JSON answer of the `watch` of a state folder; raise NoWatch, or ProxyctlError with its reason."""
    place = state / SOCKET
    body = None if post is None else json.dumps(post)
    with contextlib.closing(_UnixConnection(place)) as connection:
        there = False
        try:
            connection.connect()
            there = True
            connection.request("GET" if post is None else "POST", path, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            document: dict[str, Any] = json.loads(answer.read())
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
            raise (WatchEnded if there else NoWatch)(message, state) from exc
    if answer.status >= http.HTTPStatus.BAD_REQUEST and "error" in document:
        raise ProxyctlError(str(document["error"]))
    return document


def status(state: Path) -> Status:
    """Return the status of the `watch` of a state folder; raise NoWatch or ProxyctlError."""
    return from_json(ask(state, "/api/v1/status"))


def status_if_running(state: Path) -> Status | None:
    """Return the status of the `watch` of a state folder; None when none answers."""
    try:
        return status(state)
    except ProxyctlError:
        return None


def is_running(state: Path) -> bool:
    """Return whether a `watch` of any version answers at a state folder."""
    try:
        ask(state, "/api/v1/status")
    except ProxyctlError:
        return False
    return True


def events(state: Path) -> tuple[Event, ...]:
    """Return the events of the `watch` of a state folder, oldest first; raise NoWatch or ProxyctlError."""
    return events_from_json(ask(state, "/api/v1/events"))


def settings(state: Path) -> dict[str, Any]:
    """Return the settings of the `watch` at a state folder; empty when none answers."""
    try:
        return ask(state, "/api/v1/settings")
    except ProxyctlError:
        return {}


def label_prefix(state: Path) -> str:
    """Return the label prefix of the `watch` of a state folder; raise NoWatch or ProxyctlError."""
    answer = ask(state, "/api/v1/settings")
    with _of_this_version():
        return str(answer["label_prefix"])


def override(state: Path, server: str, **changes: Unpack[Changes]) -> Overridden:
    """Drain a server or not, or give it a weight; return when the proxy does it, raise NoWatch or ProxyctlError."""
    answer = ask(state, f"/api/v1/servers/{quote(server, safe='')}", post=dict(changes))
    with _of_this_version():
        pools, waiting = tuple(answer["pools"]), tuple(answer["waiting"])
        return Overridden(answer["server"], pools, waiting, answer["draining"], changes)


def finished(state: Path, server: str) -> bool:
    """Return whether nothing runs any more on a server that drains; raise NoWatch or ProxyctlError."""
    answer = ask(state, f"/api/v1/servers/{quote(server, safe='')}/finished")
    with _of_this_version():
        return bool(answer["finished"])


def maintain(state: Path, pool: str, *, on: bool) -> Maintained:
    """Put a pool in maintenance or take it out; return and raise as `override` does."""
    answer = ask(state, f"/api/v1/pools/{quote(pool, safe='')}", post={"maintenance": on})
    with _of_this_version():
        return Maintained(answer["pool"], answer["maintenance"])


def pin(state: Path, generation: int | None) -> Pinned:
    """Pin the gateway to a generation, None: the one before; return and raise as `override` does."""
    answer = ask(state, "/api/v1/rollback", post={"generation": generation})
    with _of_this_version():
        return Pinned(answer["held"], answer["since"], tuple(answer.get("changes", ())))


def release(state: Path) -> Released:
    """Release the pin; return and raise as `override` does."""
    answer = ask(state, "/api/v1/rollback", post={"release": True})
    with _of_this_version():
        return Released(answer["released"])


@contextlib.contextmanager
def _of_this_version() -> Iterator[None]:
    try:
        yield
    except KeyError as exc:
        raise ProxyctlError(f"the answer of `proxyctl watch` has no {exc}: is it of this version?") from exc


@dataclasses.dataclass(frozen=True, slots=True)
class Client:
    """The functions of this module for one state folder, for callers that ask one `watch` again and again."""

    state: Path

    def status(self) -> Status:
        """Return its status; raise NoWatch or ProxyctlError."""
        return status(self.state)

    def override(self, server: str, **changes: Unpack[Changes]) -> Overridden:
        """Drain a server or not, or give it a weight."""
        return override(self.state, server, **changes)

    def finished(self, server: str) -> bool:
        """Return whether nothing runs any more on a server that drains."""
        return finished(self.state, server)
