"""One frozen, validated object of everything that a user can set, each setting with its meaning and what it accepts.

Next: `sources`, which fills it from proxyctl.toml, PROXYCTL_* variables and flags.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import pydantic

from proxyctl.core.features import values
from proxyctl.core.labels.declaration import Options
from proxyctl.core.model import PREDEFINED, Tuning
from proxyctl.wording import Words, not_accepted

EngineKind = Literal["nginx", "haproxy"]
OFFICIAL: Mapping[EngineKind, str] = {"haproxy": "haproxy:3.2", "nginx": "nginx:1.30"}
"""The official images of the releases with long support; a tag with two numbers follows its fixes, nothing else."""
LAST_PORT = 65535
PUBLISHED = "[IP:]HOST_PORT:GATEWAY_PORT, such as 127.0.0.1:8080:80"
LISTENS = 'HOST:PORT, such as 127.0.0.1:8900, or "off"'
BOOLEAN = values.boolean.accepts


class Publish(pydantic.BaseModel, frozen=True):
    """One published port of the gateway, as in `docker run --publish`: `[IP:]HOST_PORT:GATEWAY_PORT`."""

    ip: str
    host_port: int
    port: int

    @classmethod
    def parse(cls, text: str) -> Publish:
        """Read `8080:80` or `127.0.0.1:8080:80`; raise ValueError with what is accepted."""
        match = re.fullmatch(r"(?:(?P<ip>[0-9.]+):)?(?P<host>[0-9]{1,5}):(?P<port>[0-9]{1,5})", text)
        if match is None or not all(0 < int(match[x]) <= LAST_PORT for x in ("host", "port")):
            raise ValueError(not_accepted(text, PUBLISHED))
        ip = match["ip"] or "0.0.0.0"  # noqa: S104 - Docker's own default for --publish
        try:
            ip = str(ipaddress.IPv4Address(ip))
        except ValueError as exc:
            raise ValueError(not_accepted(text, PUBLISHED)) from exc
        return cls(ip=ip, host_port=int(match["host"]), port=int(match["port"]))

    def __str__(self) -> str:
        return f"{self.ip}:{self.host_port}:{self.port}"

    @property
    def address(self) -> str:
        """Where a client of this machine reaches it, as HOST:PORT."""
        return f"{'127.0.0.1' if self.ip == '0.0.0.0' else self.ip}:{self.host_port}"  # noqa: S104


def _publishes(value: Any) -> Any:
    texts = value.split(",") if isinstance(value, str) else value
    if not isinstance(texts, list | tuple):
        return value
    return tuple(Publish.parse(t.strip()) if isinstance(t, str) else t for t in texts)


def _names(value: Any) -> Any:
    texts = value.split(",") if isinstance(value, str) else value
    return tuple(t.strip() if isinstance(t, str) else t for t in texts) if isinstance(texts, list | tuple) else value


_DURATION = values.duration()
TIME = _DURATION.accepts
MOST_CONNECTIONS = "a whole number from 1 to 1000000"
NETWORK = "the name of a network, such as web, of letters, digits and _.-"
PREFIX = "small letters, digits, . and -, with a letter in front"
FOLDER = "the path of a folder"


def _milliseconds(value: Any) -> Any:
    if not isinstance(value, str):
        return value  # as a running watch tells it; in a file a number without a unit is refused
    try:
        return _DURATION.parse(value)
    except ValueError as exc:
        raise ValueError(_DURATION.refuse(value, str(exc))) from exc


def _api(value: Any) -> Any:
    if value in ("off", "none", None):
        return None
    if isinstance(value, list | tuple) and len(value) == 2:  # noqa: PLR2004 - as a running watch tells it
        return tuple(value)
    host, _, port = value.rpartition(":") if isinstance(value, str) else ("", "", "")
    if not host or not port.isascii() or not port.isdecimal() or int(port) > LAST_PORT:
        raise ValueError(not_accepted(value, LISTENS))
    return (host.strip("[]"), int(port))


def _texts(value: Any, at: str = "") -> Any:
    """Return the values of `[defaults]` as labels write them; `timeout.server` without quotes is a table in TOML."""
    if not isinstance(value, dict):
        return value
    found: dict[str, Any] = {}
    for key, inner in value.items():
        if isinstance(inner, dict):
            found |= _texts(inner, f"{at}{key}.")
        else:
            found[f"{at}{key}"] = str(inner).lower() if isinstance(inner, bool | int | float) else inner
    return found


Milliseconds = Annotated[int, pydantic.BeforeValidator(_milliseconds), pydantic.Field(gt=0)]


class Proxy(pydantic.BaseModel, frozen=True, extra="forbid"):
    """The `[proxy]` table: settings of the proxy as a whole."""

    client_timeout: Annotated[Milliseconds, Words("how long a client may be silent", TIME)] = 60_000
    keepalive: Annotated[Milliseconds, Words("how long an idle client connection is kept", TIME)] = 10_000
    keepalive_min: Annotated[
        Milliseconds,
        Words("Nginx: must exceed a client's pause on one connection, or a reload costs it a request", TIME),
    ] = 5_000
    shutdown: Annotated[Milliseconds, Words("how long an old worker may finish after a reload", TIME)] = 60_000
    maxconn: Annotated[
        Annotated[int, pydantic.Field(ge=1, le=1_000_000)] | None,
        Words("client connections at most (what the container's file limit allows)", MOST_CONNECTIONS, "4096"),
    ] = None


NetworkName = Annotated[str, pydantic.Field(pattern=r"^[a-zA-Z0-9][a-zA-Z0-9_.-]*$")]


class Settings(pydantic.BaseModel, frozen=True, extra="forbid"):
    """Everything that a user can set. `state` and `templates` are absolute; `api` is (host, port) or None."""

    network: Annotated[
        str,
        Words("the Docker network whose labelled containers are served", NETWORK, '"web"'),
        pydantic.Field(pattern=r"^[a-zA-Z0-9][a-zA-Z0-9_.-]*$"),
    ]
    join: Annotated[
        tuple[NetworkName, ...],
        pydantic.BeforeValidator(_names),
        Words("further networks whose labelled containers are served (no other)", NETWORK, '["shop", "blog"]'),
    ] = ()
    engine: Annotated[EngineKind, Words("which proxy the gateway runs", "nginx or haproxy")] = "haproxy"
    publish: Annotated[
        tuple[Publish, ...],
        pydantic.BeforeValidator(_publishes),
        Words("ports of the gateway on this host (nothing is published)", PUBLISHED, '["127.0.0.1:8080:80"]'),
    ] = ()
    image: Annotated[
        str, Words("the gateway's image (one with the engine)", "the name of an image", '"haproxy:3.2"')
    ] = ""
    no_pull: Annotated[bool, Words("never pull an image: it has to be here", BOOLEAN)] = False
    templates: Annotated[
        Path | None, Words("a folder with templates that replace ours, file by file", FOLDER, '"templates"')
    ] = None
    state: Annotated[
        Path, Words("where decisions and generations are kept (/var/lib/proxyctl/NETWORK for root)", FOLDER, '"state"')
    ] = Path()
    api: Annotated[
        tuple[str, int] | None,
        pydantic.BeforeValidator(_api),
        Words("where the API listens, which only reads", LISTENS, '"127.0.0.1:8900"'),
    ] = ("127.0.0.1", 8900)
    label_prefix: Annotated[
        str, Words("the first part of the labels", PREFIX), pydantic.Field(pattern=r"^[a-z][a-z0-9.-]{0,62}$")
    ] = "proxyctl"
    expose_by_default: Annotated[bool, Words("containers without an `enable` label take part", BOOLEAN)] = False
    one_offs: Annotated[bool, Words("containers of `docker compose run` take part, too", BOOLEAN)] = False
    resync: Annotated[Milliseconds, Words("how often Docker is listed as a whole", TIME)] = 30_000
    reload_spacing: Annotated[Milliseconds, Words("least time between two reloads that add something", TIME)] = 250
    grace: Annotated[Milliseconds, Words("how long a new server may take to listen until that is a problem", TIME)] = (
        10_000
    )
    create_network: Annotated[bool, Words("make the network if it is missing", BOOLEAN)] = False
    defaults: Annotated[
        dict[str, str],
        pydantic.BeforeValidator(_texts),
        Words("labels for containers that do not write them", "a label's value as text"),
    ] = {}
    proxy: Annotated[Proxy, Words("settings of the proxy as a whole", "a table, [proxy]")] = Proxy()
    config: Annotated[Path | None, Words("the settings file", "the path of a file")] = None

    @pydantic.field_validator("join")
    @classmethod
    def _joinable(cls, join: tuple[str, ...], info: pydantic.ValidationInfo) -> tuple[str, ...]:
        for network in join:
            if network in PREDEFINED:
                message = f'"{network}" has no DNS: only user-defined networks can be joined'
                raise ValueError(message)
            if network == info.data.get("network"):
                message = f'"{network}" is the gateway\'s own network already, by --network: leave it out here'
                raise ValueError(message)
            if join.count(network) > 1:
                message = f'"{network}" is named twice: once is enough'
                raise ValueError(message)
        return join

    @property
    def networks(self) -> tuple[str, ...]:
        """The networks that the gateway serves, its own one first."""
        return (self.network, *self.join)

    @property
    def gateway_images(self) -> tuple[str, ...]:
        """The images that the gateway may be made from: the first of them that is here, else the last one, pulled."""
        return (self.image,) if self.image else (f"proxyctl/{self.engine}:latest", OFFICIAL[self.engine])

    @property
    def options(self) -> Options:
        """What `core` needs to read labels."""
        defaults = tuple(sorted(self.defaults.items()))
        return Options(self.label_prefix, self.expose_by_default, defaults, self.one_offs)

    @property
    def tuning(self) -> Tuning:
        """The proxy-wide settings as the templates see them."""
        p = self.proxy
        return Tuning(p.client_timeout, p.keepalive, p.keepalive_min, p.shutdown, p.maxconn)
