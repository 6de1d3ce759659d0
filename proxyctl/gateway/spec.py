"""What a gateway's container should be, and how one that exists differs from that. Pure: reads Docker's JSON.

`lifecycle` makes and keeps the container by it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from proxyctl.core import layout
from proxyctl.errors import GatewayError
from proxyctl.gateway.access import ENGINE_LABEL

Json = Mapping[str, Any]

_MAKES_WAY = "makes way for another one, and nothing is served meanwhile"


@dataclasses.dataclass(frozen=True, slots=True)
class Spec:
    """What the gateway should be.

    `images` are those that the gateway may be made from: the first of them that is here, else the last, which is
    pulled. `publish` holds (host ip, host port, gateway port). `folder` is the proxy part of the state folder, as this
    process sees it. `image_chosen`: an operator named the image, it is no default. `removal` is the command that
    removes the gateway, for texts. `boot` is the text of its `layout.BOOT`, which `command` runs. `join` are the
    networks that it is on beside its own.
    """

    network: str
    engine: str
    images: tuple[str, ...]
    publish: tuple[tuple[str, int, int], ...]
    command: tuple[str, ...]
    stop_signal: str
    folder: Path
    image_chosen: bool = False
    removal: str = "proxyctl down"
    removal_kept: str = "proxyctl down --keep-state"
    boot: str = ""
    join: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The container's name."""
        return layout.gateway_name(self.network)


@dataclasses.dataclass(frozen=True, slots=True)
class Mount:
    """The source of what the gateway has at `layout.MOUNT`: the name of a volume, or a folder to bind."""

    source: str
    kind: Literal["volume", "bind"]


def state_mount(folder: Path, own: Json | None) -> Mount:
    """Return the state folder's proxy part by the name that Docker knows it by; raise GatewayError.

    `own` is the container that this process runs in, None on a host. Inside a container the path means nothing to
    Docker: the volume or folder that is mounted there does.
    """
    path = str(folder)
    for mount in own["Mounts"] if own else ():
        destination = mount["Destination"].rstrip("/")
        rest = path.removeprefix(destination)
        if not path.startswith(destination) or (rest and not rest.startswith("/")):
            continue
        if mount["Type"] == "volume" and not rest:
            return Mount(mount["Name"], "volume")
        if mount["Type"] == "bind":
            return Mount(mount["Source"] + rest, "bind")
    if own:
        message = f"{path} is not a mount of this container: mount a volume there, so that the gateway can share it"
        raise GatewayError(message)
    return Mount(path, "bind")


def is_gateway(spec: Spec, entry: Json) -> bool:
    """Return whether a container is labelled as the gateway of the spec's network."""
    return bool((entry["Config"].get("Labels") or {}).get(layout.GATEWAY_LABEL) == spec.network)


def adoption_refusal(spec: Spec, entry: Json) -> str:
    """Return why a container that has the gateway's name cannot be the gateway; empty when it can."""
    if not is_gateway(spec, entry):
        return f"a container named {spec.name} exists and is no gateway of proxyctl: rename or remove it"
    engine = entry["Config"]["Labels"].get(ENGINE_LABEL, spec.engine)
    if engine != spec.engine:
        return (
            f"{spec.name} runs {engine}, and {spec.engine} was asked for: without --engine (PROXYCTL_ENGINE, engine in "
            f"proxyctl.toml) it is taken over as it is; `{spec.removal}` {_MAKES_WAY}"
        )
    bindings = entry["HostConfig"].get("PortBindings") or {}
    have = {
        (b.get("HostIp") or "0.0.0.0", int(b["HostPort"] or 0), int(port.split("/")[0]))  # noqa: S104
        for port, bs in bindings.items()
        for b in bs or ()
    }
    if spec.publish and have != set(spec.publish):
        shown = ", ".join(f"{ip}:{host}:{port}" for ip, host, port in sorted(have)) or "nothing"
        return (
            f"{spec.name} publishes {shown}, and something else was asked for: without --publish (PROXYCTL_PUBLISH, "
            f"publish in proxyctl.toml) it is taken over as it is; `{spec.removal_kept}` {_MAKES_WAY}"
        )
    return ""


def unseen_folder(spec: Spec, entry: Json, ours: Mount) -> str:
    """Return why a gateway does not see the state folder of this process, and what mends it."""
    mount = next((m for m in entry.get("Mounts") or () if m["Destination"] == layout.MOUNT), None)
    kept = (mount.get("Name") or mount["Source"]) if mount else ""
    if kept == ours.source:
        return (
            f"{spec.name} sees an earlier {spec.folder.parent}, which was removed and made anew: "
            f"`docker restart {spec.name}`, then `watch` again"
        )
    if mount is None or mount.get("Name") or not kept.endswith("/proxy"):
        return (
            f"{spec.name} has its state in {kept or 'no folder'}, and not in {ours.source}: another proxyctl made it, "
            f"as a compose file does: go on with that one, or give the gateway of this one a network of its own"
        )
    folder = kept.removesuffix("/proxy")
    return f"{spec.name} was made with another state folder than {spec.folder.parent}: give --state {folder}"


def removal_refusal(spec: Spec, entry: Json, ours: Mount) -> str:
    """Return why a gateway is not ours to remove; empty when it is. `ours` is the `state_mount` of this process."""
    mounts = [m for m in entry.get("Mounts") or () if m["Destination"] == layout.MOUNT]
    if all(ours.source in {m.get("Name"), m["Source"]} for m in mounts):
        return ""
    kept = ", ".join(m.get("Name") or m["Source"] for m in mounts)
    return (
        f"{spec.name} has its state in {kept}, and not in {ours.source}: another proxyctl made it; "
        "give the --state it was made with, or end it where it was started (`docker compose down`)"
    )


def on_network(spec: Spec, entry: Json) -> bool:
    """Return whether the gateway is on the network that it serves; somebody may have disconnected it."""
    return spec.network in (entry["NetworkSettings"].get("Networks") or {})


def unpublished(spec: Spec, entry: Json) -> str:
    """Return which ports of a gateway Docker should publish and does not; empty where it publishes all of them."""
    wanted = entry["HostConfig"].get("PortBindings") or {}
    there = entry["NetworkSettings"].get("Ports") or {}
    lacking = sorted(port for port, bindings in wanted.items() if bindings and not there.get(port))
    if not lacking:
        return ""
    return (
        f"{spec.name} was made to publish {', '.join(lacking)}, and Docker does not: clients from outside do not get "
        f"in. Is network {spec.network} internal, or was it cut off and connected again? "
        f"`docker restart {spec.name}` has Docker try again"
    )


def image_due(spec: Spec, entry: Json) -> str:
    """Return the image that a gateway should run; empty where any will do.

    Without an operator's choice it is the default that the gateway was made from. A gateway of an image that is no
    default was made by others, as by a compose file.
    """
    made_from = str(entry["Config"]["Image"])
    if spec.image_chosen:
        return spec.images[-1]
    return made_from if made_from in spec.images else ""


def image_notice(spec: Spec, entry: Json, due: str, image_id: str) -> str:
    """Return one line about a gateway that does not run the image that is `image_due`; empty where it does.

    `image_id` is the id of that image now, empty when it is not here. The gateway serves on with the other image: when
    it restarts is its operator's choice.
    """
    made_from = str(entry["Config"]["Image"])
    if image_id == entry["Image"] or (made_from == due and not image_id):
        return ""
    runs = f"an earlier {made_from}" if made_from == due else made_from
    again = f"`{spec.removal_kept}` and another `watch` bring it, and nothing is served meanwhile"
    return f"{spec.name} runs {runs}, and {due} was asked for: {again}"
