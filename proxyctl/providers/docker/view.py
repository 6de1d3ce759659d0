"""Docker's answers as `Container` values: a listing and an inspect of the same container give equal values.

So the value leaves out the health of a paused container and the address of a container that does not run: listing and
inspect differ there. One difference is left to `source`: a listing shows no exposed ports while a container has no
network, as after its end, and no ranges of ports. The owner of a shared network namespace is as Docker refers to it;
`namespaces` finds the container behind that. Pure. Next: `source`.
"""

from __future__ import annotations

import calendar
import re
import signal
import time
from collections.abc import Mapping
from datetime import datetime
from typing import cast, get_args

from proxyctl.core.model import Attachment, Container, Health, Owner, State
from proxyctl.providers.docker.answers import (
    Entry,
    Inspect,
    NetworkSettings,
    address,
    name_of,
    namespace_of,
    tcp_ports,
)

_REAL_TIME = re.compile(r"RT(MIN|MAX)([+-][0-9]{1,2})?")
_HIGHEST_PORT = 65535


def from_listing(entry: Entry, *, stopping: bool = False) -> Container:
    """Return the container of a listing's entry; `stopping`: a stop signal was sent that counts. Raise Unreadable."""
    health: Health = "none"
    if "(healthy)" in entry.status:
        health = "healthy"
    elif "(unhealthy)" in entry.status:
        health = "unhealthy"
    elif "(health: starting)" in entry.status:
        health = "starting"
    return _container(
        id_=entry.id,
        name=name_of(entry.names),
        labels=entry.labels,
        state=entry.state,
        health=health,
        ports={p.private_port for p in entry.ports if p.type == "tcp" and 0 < p.private_port <= _HIGHEST_PORT},
        settings=entry.network_settings,
        created=entry.created,
        stopping=stopping,
        network_mode=entry.host_config.network_mode,
    )


def lists_all_ports(entry: Entry) -> bool:
    """Return whether a listing's entry shows the exposed ports: of a range it shows none, or port 0."""
    return bool(entry.ports) and all(p.private_port for p in entry.ports)


def from_inspect(entry: Inspect, *, stopping: bool = False) -> Container:
    """Return the container of an inspect; `stopping` as in `from_listing`. Raise Unreadable."""
    return _container(
        id_=entry.id,
        name=name_of((entry.name,)),
        labels=entry.config.labels,
        state=entry.state.status,
        health=entry.state.health.status,
        ports=tcp_ports({**entry.network_settings.ports, **entry.config.exposed_ports}),
        settings=entry.network_settings,
        created=_seconds(entry.created),
        stopping=stopping,
        network_mode=entry.host_config.network_mode,
    )


def stop_signal(entry: Inspect) -> int:
    """Return the number of the signal that `docker stop` sends to this container."""
    text = (entry.config.stop_signal or "SIGTERM").upper().removeprefix("SIG")
    if text.isdecimal() and text.isascii():
        return int(text[:4])
    if match := _REAL_TIME.fullmatch(text):
        return int(signal.SIGRTMIN if match[1] == "MIN" else signal.SIGRTMAX) + int(match[2] or 0)
    return int(signal.Signals.__members__.get(f"SIG{text}", signal.SIGTERM))


def started(entry: Inspect) -> int:
    """Return when the container was last started, in Unix nanoseconds; negative if it never was, or nobody says."""
    try:
        return int(datetime.fromisoformat(entry.state.started_at).timestamp() * 1e9)
    except (ValueError, OverflowError):
        return -1


def _container(  # noqa: PLR0913 - the fields of one value
    *,
    id_: str,
    name: str,
    labels: Mapping[str, str],
    state: str,
    health: str,
    ports: set[int],
    settings: NetworkSettings,
    created: int,
    stopping: bool,
    network_mode: str,
) -> Container:
    up = state in {"running", "paused"}
    addresses = {n: address(a.address) if up else "" for n, a in settings.networks.items()}
    shared = namespace_of(network_mode)
    return Container(
        id=id_,
        name=name or id_[:12],
        labels=tuple(labels.items()),
        state=cast("State", state if state in get_args(State) else "dead"),
        health=cast("Health", health if state == "running" and health in get_args(Health) else "none"),
        ports=tuple(ports),
        attachments=tuple(Attachment(n, a) for n, a in addresses.items()),
        created=created,
        stopping=stopping,
        owner=Owner(shared, shared[:12]) if shared else None,
    )


def _seconds(created: str) -> int:
    """Return whole Unix seconds of Docker's RFC 3339 time, as a listing gives them; 0 if the text is no time."""
    try:
        return calendar.timegm(time.strptime(created[:19], "%Y-%m-%dT%H:%M:%S"))
    except ValueError:
        return 0
