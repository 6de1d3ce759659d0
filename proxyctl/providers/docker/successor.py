"""The containers that replace others in a rollout: what Docker must be asked for. Pure.

A successor takes over what the old container's user asked for, but not what came from the old image, so that the new
image's defaults count. Docker's inspect shows both in one; the difference to the old image's configuration tells them
apart. Next: `proxyctl.operate.rollout`, which makes them.
"""

from __future__ import annotations

import copy
import dataclasses
import itertools
import re
from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from proxyctl.core import layout

Json = Mapping[str, Any]

COMPOSE = "com.docker.compose."
_SHORT_ID = 12  # characters: Docker's default host name, and an alias that it adds by itself
_PLAIN_NETWORKS = {"bridge", "default", "host", "none"}  # which know no aliases
_LINE = re.compile(r"(.+)-r(\d+)")
_UNNAMED = re.compile(r"[0-9a-f]{64}")  # the name of an anonymous volume
_SCALARS = ("Domainname", "OpenStdin", "Shell", "StdinOnce", "StopSignal", "StopTimeout", "Tty", "User", "WorkingDir")


@dataclasses.dataclass(frozen=True, slots=True)
class Old:
    """A container that is to be replaced: its inspect, and the `Config` of its image."""

    inspect: Json
    image: Json

    @property
    def id(self) -> str:
        """The container's id."""
        return str(self.inspect["Id"])

    @property
    def name(self) -> str:
        """The container's name."""
        return str(self.inspect["Name"]).lstrip("/")

    @property
    def labels(self) -> Mapping[str, str]:
        """All its labels, the image's among them."""
        return self.inspect["Config"].get("Labels") or {}

    @property
    def service(self) -> tuple[str, str] | None:
        """Project and service of docker compose, if that made it."""
        service = self.labels.get(f"{COMPOSE}project", ""), self.labels.get(f"{COMPOSE}service", "")
        return service if all(service) else None


@dataclasses.dataclass(frozen=True, slots=True)
class Others:
    """All containers of the engine: their names, the highest container number of each compose service, and lodgers.

    A lodger lives in the network of another container (`--network container:X`); `lodgers` has its name by what its
    network mode calls the other one, which is an id in most cases.
    """

    names: frozenset[str] = frozenset()
    numbers: Mapping[tuple[str, str], int] = dataclasses.field(default_factory=dict)
    lodgers: Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True)
class Network:
    """One network to be on; `links` are (container, alias) pairs."""

    name: str
    aliases: tuple[str, ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    options: tuple[tuple[str, str], ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Successor:
    """One new container, and the name of the old one that it `replaces`.

    `body` is that of Docker's `POST /containers/create`, without networks: the first of `networks` belongs into it,
    the others are connected before the start. `notices` say what is not carried over.
    """

    name: str
    body: dict[str, Any]
    networks: tuple[Network, ...]
    replaces: str
    notices: tuple[str, ...] = ()


def successors(
    old: Sequence[Old],
    image: str,
    *,
    image_id: str,
    count: int,
    others: Others,
    hashes: Mapping[str, str] = MappingProxyType({}),
) -> tuple[Successor, ...]:
    """Return `count` successors, of each old one in turn; no name and no number is used twice.

    `hashes` are compose's hashes of the services with the new image, by the old one's id, where they are known.
    """
    names, highest = set(others.names), dict(others.numbers)
    made = []
    for each in itertools.islice(itertools.cycle(old), count):
        number = 0
        if each.service:
            number = highest[each.service] = highest.get(each.service, 0) + 1
        name = _name(each, number, names)
        names.add(name)
        successor = _successor(each, image, image_id, name, number)
        if found := hashes.get(each.id):
            successor.body["Labels"][f"{COMPOSE}config-hash"] = found
        made.append(successor)
    return tuple(made)


def _name(old: Old, number: int, taken: Collection[str]) -> str:
    """Return `project-service-4` after `project-service-1`, `web1-r2` after `web1`, `web1-r4` after `web1-r3`.

    Or the next that is free: names only grow, so that none comes again while somebody may still know it.
    """
    was = old.labels.get(f"{COMPOSE}container-number", "")
    numbered = re.fullmatch(rf"(.+[-_]){re.escape(was)}", old.name) if number and was else None
    if numbered and f"{numbered[1]}{number}" not in taken:
        return f"{numbered[1]}{number}"
    line = _LINE.fullmatch(old.name)
    stem, last = (line[1], int(line[2])) if line else (old.name, 1)
    return next(n for n in (f"{stem}-r{i}" for i in itertools.count(last + 1)) if n not in taken)


def _base(old: Old) -> str:
    """Return the name that the line of a container began with."""
    return old.labels.get(layout.BASE_LABEL) or old.name


def _successor(old: Old, image: str, image_id: str, name: str, number: int) -> Successor:
    body, notices = _config(old), []
    body["Image"] = image
    body["Labels"] = _labels(old, image_id, number)
    body["HostConfig"] = copy.deepcopy(dict(old.inspect["HostConfig"])) | {"ContainerIDFile": ""}
    if old.inspect["Config"].get("MacAddress"):
        notices.append(f"{name} gets another MAC address than {old.name}: two containers cannot share one")
    networks = []
    for network, endpoint in _attached(old):
        networks.append(_network(old, network, endpoint, name, numbered=bool(number)))
        ipam = endpoint.get("IPAMConfig") or {}
        notices += [
            f"{name} does not get the fixed address {static} of {old.name}: two cannot share one"
            for static in (ipam.get("IPv4Address"), ipam.get("IPv6Address"))
            if static
        ]
    notices += [
        f"{name} begins with an empty volume at {path}: that of {old.name} stays, as {volume[:_SHORT_ID]}"
        for path, volume in sorted(_anonymous(old).items())
    ]
    return Successor(name, body, tuple(networks), old.name, tuple(notices))


def _anonymous(old: Old) -> dict[str, str]:
    """Return the anonymous volumes of a container, by where they are mounted; those of `--rm` go with it."""
    host = old.inspect["HostConfig"]
    if host.get("AutoRemove"):
        return {}
    named = {bind.split(":", 1)[0] for bind in host.get("Binds") or ()}
    return {
        str(mount["Destination"]): str(mount["Name"])
        for mount in old.inspect.get("Mounts") or ()
        if mount.get("Type") == "volume" and _UNNAMED.fullmatch(mount.get("Name", "")) and mount["Name"] not in named
    }


# ------------------------------------------------------------------ what a user asked for


def _config(old: Old) -> dict[str, Any]:
    ours, image = old.inspect["Config"], old.image
    made = {k: ours[k] for k in _SCALARS if ours.get(k) and ours.get(k) != image.get(k)}
    made["Env"] = [e for e in ours.get("Env") or () if e not in (image.get("Env") or ())]
    for key in ("ExposedPorts", "Volumes"):
        made[key] = {k: v for k, v in (ours.get(key) or {}).items() if k not in (image.get(key) or {})}
    own_name = not old.inspect["HostConfig"].get("UTSMode")  # else it is the host's, and Docker refuses it beside
    if own_name and ours.get("Hostname") not in {None, "", old.id[:_SHORT_ID]}:
        made["Hostname"] = ours["Hostname"]
    theirs = image.get("Healthcheck") or {}
    if check := {k: v for k, v in (ours.get("Healthcheck") or {}).items() if v != theirs.get(k)}:
        made["Healthcheck"] = check
    return made | _command(ours, image)


def _command(ours: Json, image: Json) -> dict[str, Any]:
    """Return entrypoint and command where they are not the image's; an entrypoint of one's own drops its command."""
    entrypoint, command = ours.get("Entrypoint") or [], ours.get("Cmd") or []
    if entrypoint != (image.get("Entrypoint") or []):
        return {"Entrypoint": entrypoint or [""], "Cmd": command}  # [""] is how Docker is told "none"
    return {"Cmd": command} if command != (image.get("Cmd") or []) else {}


def _labels(old: Old, image_id: str, number: int) -> dict[str, str]:
    theirs = old.image.get("Labels") or {}
    labels = {k: v for k, v in old.labels.items() if theirs.get(k) != v}
    labels.pop(f"{COMPOSE}replace", None)  # which one it replaced itself
    if number:
        labels[f"{COMPOSE}container-number"] = str(number)
        if f"{COMPOSE}image" in labels:
            labels[f"{COMPOSE}image"] = image_id
    else:
        labels[layout.BASE_LABEL] = _base(old)
    return labels


# ------------------------------------------------------------------ networks


def _attached(old: Old) -> list[tuple[str, Json]]:
    """Return all networks with their endpoints, the one of `docker run --network` first."""
    networks = old.inspect["NetworkSettings"].get("Networks") or {}
    mode = old.inspect["HostConfig"].get("NetworkMode") or "default"

    def secondary(item: tuple[str, Json]) -> bool:
        name, endpoint = item
        return mode not in {name, endpoint.get("NetworkID")} and not (mode == "default" and name == "bridge")

    return sorted(networks.items(), key=lambda item: (secondary(item), item[0]))


def _network(old: Old, network: str, endpoint: Json, name: str, *, numbered: bool) -> Network:
    """Keep the aliases; a plain successor is also found by the name that its line began with."""
    aliases = {a for a in endpoint.get("Aliases") or () if a != old.id[:_SHORT_ID]}
    if numbered:
        aliases = {name if a == old.name else a for a in aliases}
    elif network not in _PLAIN_NETWORKS:
        aliases.add(_base(old))
    links = tuple(tuple(link.split(":", 1)) for link in endpoint.get("Links") or ())
    return Network(
        network,
        aliases=() if network in _PLAIN_NETWORKS else tuple(sorted(aliases)),
        links=links,
        options=tuple(sorted((endpoint.get("DriverOpts") or {}).items())),
    )
