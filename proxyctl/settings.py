"""One frozen, validated object out of proxyctl.toml, PROXYCTL_* variables and flags.

Flags win over the environment, the environment over the file. Every mistake is one UsageError line that
names where it stands and what is accepted. Next: `app.parts`, which hands the parts to who needs them.
"""

from __future__ import annotations

import ipaddress
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import pydantic

from proxyctl.core.features import values
from proxyctl.core.labels.declaration import Options
from proxyctl.core.labels.defaults import check_defaults
from proxyctl.core.model import Tuning
from proxyctl.errors import UsageError

EngineKind = Literal["nginx", "haproxy"]
OFFICIAL: Mapping[EngineKind, str] = {"haproxy": "haproxy:3.2", "nginx": "nginx:1.30"}
"""The official images of the releases with long support; a tag with two numbers follows its fixes, nothing else."""
CONFIG_NAME = "proxyctl.toml"
LOOKED_WITH = ("engine", "image", "templates", "label_prefix", "expose_by_default", "one_offs", "defaults", "proxy")
"""What decides how the world is read and printed: those verbs that look take it from a `watch` that runs."""
LAST_PORT = 65535


class NoNetwork(UsageError):
    """Neither flags nor environment nor file name a network."""


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
            message = f'"{text}" is not [IP:]HOST_PORT:GATEWAY_PORT, such as 127.0.0.1:8080:80'
            raise ValueError(message)
        ip = match["ip"] or "0.0.0.0"  # noqa: S104 - Docker's own default for --publish
        return cls(ip=str(ipaddress.IPv4Address(ip)), host_port=int(match["host"]), port=int(match["port"]))

    def __str__(self) -> str:
        return f"{self.ip}:{self.host_port}:{self.port}"


def _publishes(value: Any) -> Any:
    texts = value.split(",") if isinstance(value, str) else value
    if not isinstance(texts, list | tuple):
        return value
    return tuple(Publish.parse(t.strip()) if isinstance(t, str) else t for t in texts)


_DURATION = values.duration()


def _milliseconds(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return _DURATION.parse(value)
    except ValueError as exc:
        raise ValueError(_DURATION.refuse(value, str(exc))) from exc


def _api(value: Any) -> Any:
    if value in {"", "off", "none", None}:
        return None
    host, _, port = str(value).rpartition(":")
    if not host or not port.isdecimal() or int(port) > LAST_PORT:
        message = f'"{value}" is not HOST:PORT (such as 127.0.0.1:8900) or "off"'
        raise ValueError(message)
    return (host.strip("[]"), int(port))


Milliseconds = Annotated[int, pydantic.BeforeValidator(_milliseconds), pydantic.Field(gt=0)]


class Proxy(pydantic.BaseModel, frozen=True, extra="forbid"):
    """The `[proxy]` table: settings of the proxy as a whole."""

    client_timeout: Milliseconds = 60_000
    keepalive: Milliseconds = 10_000
    keepalive_min: Milliseconds = 5_000
    shutdown: Milliseconds = 60_000
    maxconn: Annotated[int, pydantic.Field(ge=1, le=1_000_000)] | None = None


class Settings(pydantic.BaseModel, frozen=True, extra="forbid"):
    """Everything that a user can set. `state` and `templates` are absolute; `api` is (host, port) or None."""

    network: str = pydantic.Field(pattern=r"^[a-zA-Z0-9][a-zA-Z0-9_.-]*$")
    engine: EngineKind = "haproxy"
    publish: Annotated[tuple[Publish, ...], pydantic.BeforeValidator(_publishes)] = ()
    image: str = ""
    no_pull: bool = False
    templates: Path | None = None
    state: Path = Path()
    api: Annotated[tuple[str, int] | None, pydantic.BeforeValidator(_api)] = ("127.0.0.1", 8900)
    label_prefix: str = pydantic.Field("proxyctl", pattern=r"^[a-z][a-z0-9.-]{0,62}$")
    expose_by_default: bool = False
    one_offs: bool = False
    resync: Milliseconds = 30_000
    reload_spacing: Milliseconds = 250
    grace: Milliseconds = 10_000
    create_network: bool = False
    defaults: dict[str, str] = {}
    proxy: Proxy = Proxy()
    config: Path | None = None

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


def default_state(network: str, env: Mapping[str, str] = os.environ, *, root: bool | None = None) -> Path:
    """Return the state folder of a network's gateway: /var/lib for root, the XDG state folder for others."""
    if os.geteuid() == 0 if root is None else root:
        return Path("/var/lib/proxyctl") / network
    base = env.get("XDG_STATE_HOME") or str(Path(env.get("HOME", "~")).expanduser() / ".local/state")
    return Path(base) / "proxyctl" / network


def load(
    flags: Mapping[str, Any], env: Mapping[str, str] = os.environ, running: Mapping[str, Any] | None = None
) -> Settings:
    """Merge the three sources; `flags` hold only what was given, by field name. Raise UsageError.

    `running` are the settings of a `watch` that runs, as JSON: its `LOOKED_WITH` count where none of the three says.
    """
    named = {k: v for k, v in flags.items() if v is not None}
    config = named.pop("config", None) or env.get("PROXYCTL_CONFIG")
    path = Path(config) if config else Path(CONFIG_NAME)
    given, origin = _merged(named, env, path if config or path.is_file() else None)
    for field in LOOKED_WITH:
        if field in (running or {}) and field not in given:
            given[field], origin[field] = (running or {})[field], f"the running watch: {field}"
    if not given.get("network"):
        raise NoNetwork("which network? give --network NAME or set PROXYCTL_NETWORK")
    if isinstance(given["network"], str):
        given.setdefault("state", default_state(given["network"], env))
    for field in ("state", "templates"):
        if given.get(field):
            given[field] = Path(given[field]).expanduser().absolute()
    try:
        settings = Settings(**given)
    except pydantic.ValidationError as exc:
        raise UsageError(_one_line(exc, origin, path)) from exc
    if wrong := check_defaults(settings.defaults):
        raise UsageError(f"{path}: [defaults] {wrong[0]}")
    if settings.templates is not None and not settings.templates.is_dir():
        raise UsageError(f"{origin['templates']}: {settings.templates} is not a folder")
    return settings


def _merged(
    named: Mapping[str, Any], env: Mapping[str, str], path: Path | None
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the values by field, later sources over earlier ones, and where each one stands."""
    given: dict[str, Any] = {}
    origin: dict[str, str] = {}
    if path is not None:
        for key, value in read_toml(path).items():
            field = key.replace("-", "_")
            given[field], origin[field] = value, f"{path}: {key}"
        given["config"] = path.absolute()
    for field in Settings.model_fields:
        variable = f"PROXYCTL_{field.upper()}"
        if field not in {"defaults", "proxy", "config"} and env.get(variable):
            given[field], origin[field] = env[variable], variable
    for field, value in named.items():
        given[field], origin[field] = value, "--" + field.replace("_", "-")
    return given, origin


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file; raise UsageError with the file, the line and what is wrong."""
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as exc:
        raise UsageError(f"{path}: {exc.strerror or exc}") from exc
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise UsageError(f"{path}: {exc}") from exc


def _one_line(exc: pydantic.ValidationError, origin: Mapping[str, str], path: Path) -> str:
    error = exc.errors()[0]
    field, *rest = [str(part) for part in error["loc"]]
    where = origin.get(field, field)
    if field in {"defaults", "proxy"}:
        where = f"{path}: [{field}] {'.'.join(rest)}"
    if error["type"] == "extra_forbidden":
        table = Proxy if field == "proxy" else Settings
        names = ", ".join(sorted(table.model_fields.keys() - {"config"}))
        return f"{where}: unknown key; known are {names}"
    message = error["msg"].removeprefix("Value error, ")
    return f"{where}: {message}" + ("" if '"' in message else f' (got "{error["input"]}")')


def check_token(network: str | None, env: Mapping[str, str] = os.environ) -> str | None:
    """Return the secret with which `check` asks a gateway to name its servers, if one can be found.

    Without a network: the only gateway whose state folder can be read.
    """
    if env.get("PROXYCTL_CHECK_TOKEN"):
        return env["PROXYCTL_CHECK_TOKEN"]
    if network:
        folders = [Path(env.get("PROXYCTL_STATE") or default_state(network, env))]
    else:
        parent = default_state("x", env).parent
        folders = sorted(parent.iterdir()) if parent.is_dir() else []
    tokens = [f / "check.token" for f in folders if (f / "check.token").is_file()]
    try:
        return tokens[0].read_text().strip() if len(tokens) == 1 else None
    except OSError:
        return None
