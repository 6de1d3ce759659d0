"""Docker's JSON as `Container` values: a listing and an inspect of the same container give equal values.

So the value leaves out the health of a paused container and the address of a container that does not run: listing and
inspect differ there. One difference is left to `source`: a listing shows no exposed ports while a container has no
network, as after its end. Pure. Next: `source`.
"""

from __future__ import annotations

import calendar
import signal
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast, get_args

from proxyctl.core.model import Attachment, Container, Health, State

Json = Mapping[str, Any]


def from_listing(entry: Json, *, stopping: bool = False) -> Container:
    """Return the container of one entry of `GET /containers/json`; `stopping`: a stop signal was sent that counts."""
    status = str(entry.get("Status", ""))
    health: Health = "none"
    if "(healthy)" in status:
        health = "healthy"
    elif "(unhealthy)" in status:
        health = "unhealthy"
    elif "(health: starting)" in status:
        health = "starting"
    ports = {int(p["PrivatePort"]) for p in entry.get("Ports") or () if p.get("Type") == "tcp"}
    return _container(
        id_=entry["Id"],
        name=_own_name(entry.get("Names") or ()),
        labels=entry.get("Labels") or {},
        state=entry.get("State", ""),
        health=health,
        ports=ports,
        networks=(entry.get("NetworkSettings") or {}).get("Networks") or {},
        created=int(entry.get("Created") or 0),
        stopping=stopping,
    )


def from_inspect(entry: Json, *, stopping: bool = False) -> Container:
    """Return the container of the answer to `GET /containers/ID/json`; `stopping` as in `from_listing`."""
    state, settings = entry["State"], entry.get("NetworkSettings") or {}
    exposed = {*(settings.get("Ports") or {}), *((entry.get("Config") or {}).get("ExposedPorts") or {})}
    ports = {int(p.split("/")[0]) for p in exposed if p.endswith("/tcp")}
    health = (state.get("Health") or {}).get("Status", "none")
    return _container(
        id_=entry["Id"],
        name=str(entry.get("Name", "")).lstrip("/"),
        labels=(entry.get("Config") or {}).get("Labels") or {},
        state=state.get("Status", ""),
        health=health,
        ports=ports,
        networks=settings.get("Networks") or {},
        created=_seconds(str(entry.get("Created", ""))),
        stopping=stopping,
    )


def stop_signal(entry: Json) -> int:
    """Return the number of the signal that `docker stop` sends to this container."""
    text = str((entry.get("Config") or {}).get("StopSignal") or "SIGTERM").upper()
    if text.isdecimal():
        return int(text)
    try:
        return int(signal.Signals[text if text.startswith("SIG") else f"SIG{text}"])
    except KeyError:
        return int(signal.SIGTERM)


def started(entry: Json) -> int:
    """Return when the container was last started, in Unix nanoseconds; negative if it never was."""
    return int(datetime.fromisoformat(entry["State"]["StartedAt"]).timestamp() * 1e9)


def _container(  # noqa: PLR0913 - the fields of one value
    *,
    id_: str,
    name: str,
    labels: Mapping[str, str],
    state: str,
    health: str,
    ports: set[int],
    networks: Json,
    created: int,
    stopping: bool,
) -> Container:
    up = state in {"running", "paused"}
    addresses = {n: str((a or {}).get("IPAddress") or "") if up else "" for n, a in networks.items()}
    return Container(
        id=id_,
        name=name,
        labels=tuple(labels.items()),
        state=cast("State", state if state in get_args(State) else "dead"),
        health=cast("Health", health if state == "running" and health in get_args(Health) else "none"),
        ports=tuple(ports),
        attachments=tuple(Attachment(n, a) for n, a in addresses.items()),
        created=created,
        stopping=stopping,
    )


def _own_name(names: Any) -> str:
    """Return the container's own name: a legacy `--link` adds others, with a second slash in them."""
    own = [str(n).lstrip("/") for n in names if str(n).count("/") == 1]
    return own[0] if own else ""


def _seconds(created: str) -> int:
    """Return whole Unix seconds of Docker's RFC 3339 time, as a listing gives them; 0 if the text is no time."""
    try:
        return calendar.timegm(time.strptime(created[:19], "%Y-%m-%dT%H:%M:%S"))
    except ValueError:
        return 0
