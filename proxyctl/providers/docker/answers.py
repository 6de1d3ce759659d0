"""Docker's JSON, read at one boundary: typed answers, or `Unreadable` with the field that is not as it should be.

Docker, its socket proxies and whoever labels containers can say anything. Behind this module nothing is looked up in
JSON any more. A field that Docker leaves out or fills with null has its default. Next: `view`.
"""

from __future__ import annotations

import functools
import ipaddress
import re
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

import pydantic
from pydantic.alias_generators import to_pascal

T = TypeVar("T", bound="Answer")

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,254}")
_EXPOSED = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?(?:/([a-z]+))?", re.IGNORECASE)
_HIGHEST_PORT = 65535


class Unreadable(Exception):
    """An answer of Docker that cannot be read; the message says what of it."""


class Answer(pydantic.BaseModel):
    """A part of Docker's JSON; fields that nobody here needs are left out."""

    model_config = pydantic.ConfigDict(alias_generator=to_pascal, extra="ignore", frozen=True)


def _or(default: object) -> Any:
    """Return what makes null mean the same as a field that is left out."""
    return pydantic.BeforeValidator(lambda value: default if value is None else value)


Id = Annotated[str, pydantic.StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$")]
Text = Annotated[str, _or("")]
Whole = Annotated[int, _or(0)]
Flag = Annotated[bool, _or(default=False)]
Texts = Annotated[Mapping[str, Text], _or({})]
Keys = Annotated[Mapping[str, Any], _or({})]


class Port(Answer):
    """A port of a container in a listing."""

    private_port: Whole = 0
    type: Text = ""


class Endpoint(Answer):
    """A container's place on one network."""

    address: Text = pydantic.Field(default="", alias="IPAddress")


class NetworkSettings(Answer):
    """The networks of a container, by name; `ports` only in an inspect."""

    networks: Annotated[Mapping[str, Annotated[Endpoint, _or(Endpoint())]], _or({})] = {}
    ports: Keys = {}


class HostConfig(Answer):
    """What a container was made with that concerns the machine; `auto_remove`, of an inspect, is `--rm`."""

    network_mode: Text = ""
    auto_remove: Flag = False


class Entry(Answer):
    """One entry of `GET /containers/json`; `created` is in Unix seconds."""

    id: Id
    names: Annotated[tuple[str, ...], _or(())] = ()
    labels: Texts = {}
    state: Text = ""
    status: Text = ""
    ports: Annotated[tuple[Port, ...], _or(())] = ()
    network_settings: Annotated[NetworkSettings, _or(NetworkSettings())] = NetworkSettings()
    created: Whole = 0
    host_config: Annotated[HostConfig, _or(HostConfig())] = HostConfig()


class Health(Answer):
    """What a HEALTHCHECK found."""

    status: Text = ""


class State(Answer):
    """The state of a container; `started_at` is RFC 3339."""

    status: Text = ""
    running: Flag = False
    started_at: Text = ""
    health: Annotated[Health, _or(Health())] = Health()


class Config(Answer):
    """What a container was made with."""

    labels: Texts = {}
    exposed_ports: Keys = {}
    stop_signal: Text = ""


class Inspect(Answer):
    """The answer to `GET /containers/ID/json`; `created` is RFC 3339."""

    id: Id
    name: Text = ""
    created: Text = ""
    state: State
    config: Annotated[Config, _or(Config())] = Config()
    host_config: Annotated[HostConfig, _or(HostConfig())] = HostConfig()
    network_settings: Annotated[NetworkSettings, _or(NetworkSettings())] = NetworkSettings()


class Actor(Answer):
    """What an event is about."""

    id: Text = pydantic.Field(default="", alias="ID")
    attributes: Texts = {}


class Event(Answer):
    """One event of the stream; `time_nano` is Unix nanoseconds, 0 where the engine does not say."""

    type: Text = ""
    action: Text = ""
    actor: Annotated[Actor, _or(Actor())] = Actor()
    time_nano: Whole = pydantic.Field(default=0, alias="timeNano")


def read(kind: type[T], json: Any) -> T:
    """Return an answer with its types; raise Unreadable."""
    try:
        return kind.model_validate(json)
    except pydantic.ValidationError as exc:
        first = exc.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])[:100] or kind.__name__
        raise Unreadable(f"{where!a} in Docker's answer cannot be read") from None


def name_of(texts: tuple[str, ...]) -> str:
    """Return a container's own name: a legacy `--link` adds others, with a second slash in them.

    Raise Unreadable where it is none that Docker itself would accept.
    """
    own = next((t.lstrip("/") for t in texts if t.count("/") <= 1), "")
    if own and not _NAME.fullmatch(own):
        raise Unreadable(f"{own[:100]!a} is no name of a container")
    return own


def namespace_of(mode: str) -> str:
    """Return the id or name of the container whose network namespace a NetworkMode names; empty where it names none.

    Raise Unreadable where it is neither.
    """
    kind, _, reference = mode.partition(":")
    if kind != "container":
        return ""
    if not _NAME.fullmatch(reference):
        raise Unreadable(f"{mode[:100]!a} is no network mode")
    return reference


def shares(json: Any) -> bool:
    """Return whether an entry of a listing says that a container shares another one's network namespace."""
    try:
        return bool(namespace_of(read(Entry, json).host_config.network_mode))
    except Unreadable:
        return False


def address(text: str) -> str:
    """Return an IPv4 address as it is; an empty text for anything else."""
    try:
        return str(ipaddress.IPv4Address(text))
    except ValueError:
        return ""


def tcp_ports(exposed: Mapping[str, Any]) -> set[int]:
    """Return the TCP ports of texts such as `80/tcp`, `3000` or `9091-9092/tcp`; what is none of these is left out."""
    return {port for text in exposed for port in _range(text)}


@functools.lru_cache(maxsize=1024)
def _range(text: str) -> frozenset[int]:
    match = _EXPOSED.fullmatch(text)
    if match is None or (match[3] or "tcp").lower() != "tcp":
        return frozenset()
    first, last = int(match[1]), int(match[2] or match[1])
    return frozenset(range(max(first, 1), min(last, _HIGHEST_PORT) + 1))


def objects(json: Any) -> list[Mapping[str, Any]]:
    """Return the entries of a listing that are JSON objects; raise ValueError where it is no list."""
    if not isinstance(json, list):
        raise ValueError("the answer is no list")  # noqa: TRY004 - that of a peer, not of a caller
    return [entry for entry in json if isinstance(entry, dict)]


def label(entry: Any, key: str) -> str | None:
    """Return a label of an entry that may be unreadable otherwise; None where it has none that is text."""
    labels = entry.get("Labels") if isinstance(entry, dict) else None
    value = labels.get(key) if isinstance(labels, dict) else None
    return value if isinstance(value, str) else None


def any_name(entry: Mapping[str, Any]) -> str:
    """Return the name of an entry that may be unreadable otherwise; empty where it has none."""
    names = entry.get("Names")
    text = names[0] if isinstance(names, list) and names and isinstance(names[0], str) else ""
    return text.lstrip("/") if _NAME.fullmatch(text.lstrip("/")) else ""
