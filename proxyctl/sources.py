"""Where settings come from: flags win over PROXYCTL_* variables, those over proxyctl.toml.

Every mistake is one UsageError line that names where it stands and what is accepted. Next: `app.parts`, which hands the
parts to who needs them.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pydantic

from proxyctl.core.labels.defaults import check_defaults
from proxyctl.errors import UsageError, nearest
from proxyctl.settings import FOLDER, TIME, Proxy, Settings
from proxyctl.wording import not_accepted, of, read_toml, refused, unknown

CONFIG_NAME = "proxyctl.toml"
LOOKED_WITH = (
    "join",
    "engine",
    "image",
    "templates",
    "label_prefix",
    "expose_by_default",
    "one_offs",
    "defaults",
    "proxy",
)
"""What decides how the world is read and printed: those verbs that look take it from a `watch` that runs."""
OTHERS = ("config", "check_token", "debug")
"""Variables beside those of the settings: PROXYCTL_CONFIG and so on."""
_TYPO = 0.75  # of 1: a variable that is so like a setting was meant for it


class NoNetwork(UsageError):
    """Neither flags nor environment nor file name a network."""


def default_state(network: str, env: Mapping[str, str] = os.environ, *, root: bool | None = None) -> Path:
    """Return the state folder of a network's gateway: /var/lib for root, the XDG state folder for others."""
    if os.geteuid() == 0 if root is None else root:
        return Path("/var/lib/proxyctl") / network
    base = env.get("XDG_STATE_HOME") or str(Path(env.get("HOME", "~")).expanduser() / ".local/state")
    return Path(base) / "proxyctl" / network


def removal(network: str, state: Path, *, keep_state: bool = False) -> str:
    """Return the command that removes the gateway of a network, with its state folder unless that is to be kept."""
    elsewhere = "" if state == default_state(network) else f" --state {shlex.quote(str(state))}"
    return f"proxyctl down --network {network}{elsewhere}" + " --keep-state" * keep_state


def load(
    flags: Mapping[str, Any],
    env: Mapping[str, str] = os.environ,
    running: Mapping[str, Any] | None = None,
    *,
    config: bool = True,
) -> Settings:
    """Merge the three sources; `flags` hold only what was given, by field name. Raise UsageError.

    `running` are the settings of a `watch` that runs, as JSON: its `LOOKED_WITH` count where none of the three says.
    Without `config` no file is read.
    """
    named = {k: v for k, v in flags.items() if v is not None}
    _no_typo(env)
    flag, variable = named.pop("config", None), env.get("PROXYCTL_CONFIG")
    path = Path(flag or variable or CONFIG_NAME)
    read = config and bool(flag or variable or path.is_file())
    said_by = "--config" if flag else "PROXYCTL_CONFIG" if variable else ""
    given, origin = _merged(named, env, path if read else None, said_by)
    for field in LOOKED_WITH:
        if field in (running or {}) and field not in given:
            given[field], origin[field] = (running or {})[field], f"the running watch: {field}"
    if "network" not in given:
        raise NoNetwork("which network? give --network NAME or set PROXYCTL_NETWORK")
    if isinstance(given["network"], str):
        given.setdefault("state", default_state(given["network"], env))
    given |= _folders(given, origin)
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
    named: Mapping[str, Any], env: Mapping[str, str], path: Path | None, said_by: str
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the values by field, later sources over earlier ones, and where each one stands."""
    given: dict[str, Any] = {}
    origin: dict[str, str] = {}
    if path is not None:
        for key, value in read_toml(path, said_by).items():
            field = key.replace("-", "_")
            given[field], origin[field] = value, f"{path}: {key}"
            _with_unit(origin[field], Settings, field, value)
            for inner in value if field == "proxy" and isinstance(value, dict) else ():
                _with_unit(f"{path}: [proxy] {inner}", Proxy, inner, value[inner])
        if "config" in given:
            raise UsageError(f"{origin['config']}: {unknown('config', _keys(Settings), 'key')}")
        given["config"] = path.absolute()
    for field in Settings.model_fields:
        variable = f"PROXYCTL_{field.upper()}"
        if field not in {"defaults", "proxy", "config"} and env.get(variable):
            given[field], origin[field] = env[variable], variable
    for field, value in named.items():
        given[field], origin[field] = value, "--" + field.replace("_", "-")
    return given, origin


def _folders(given: Mapping[str, Any], origin: Mapping[str, str]) -> dict[str, Path]:
    """Return the folders as absolute paths; an empty text is none, though Python takes it for the current folder."""
    found = {}
    for field in ("state", "templates"):
        value = given.get(field)
        if value == "":
            raise UsageError(f"{origin[field]}: {not_accepted('', FOLDER)}")
        if isinstance(value, str | Path):
            found[field] = Path(value).expanduser().absolute()
    return found


def _with_unit(where: str, model: type[pydantic.BaseModel], field: str, value: object) -> None:
    """Refuse a time that is a bare number: nobody knows whether seconds or milliseconds were meant."""
    if isinstance(value, int | float) and field in model.model_fields and of(model, field).accepts == TIME:
        raise UsageError(f"{where}: {not_accepted(value, TIME)}, in quotes")


def _keys(model: type[pydantic.BaseModel]) -> set[str]:
    return model.model_fields.keys() - {"config"}


def variables() -> set[str]:
    """Return the names of all environment variables that count."""
    fields = _keys(Settings) - {"defaults", "proxy"}
    return {f"PROXYCTL_{name.upper()}" for name in (*fields, *OTHERS)}


def strangers(env: Mapping[str, str] = os.environ) -> list[str]:
    """Return the variables that look like settings, and are none."""
    return sorted(name for name in env if name.startswith("PROXYCTL_") and name not in variables())


def _no_typo(env: Mapping[str, str]) -> None:
    """Raise UsageError for a variable that is so like a setting that it was meant for it."""
    for name in strangers(env):
        if near := nearest(name.removeprefix("PROXYCTL_"), (v.removeprefix("PROXYCTL_") for v in variables()), _TYPO):
            raise UsageError(f"{name}: there is no such setting; did you mean PROXYCTL_{near}?")


def _one_line(exc: pydantic.ValidationError, origin: Mapping[str, str], path: Path) -> str:
    error = exc.errors()[0]
    field, *rest = [str(part) for part in error["loc"]]
    model: type[pydantic.BaseModel] = Settings
    where = origin.get(field, field)
    if field in {"defaults", "proxy"}:
        where = f"{where if where.startswith('the running') else path}: [{field}] {'.'.join(rest)}".rstrip()
    if field == "proxy" and rest:
        model, field = Proxy, rest[0]
    if error["type"] == "extra_forbidden":
        return f"{where}: {unknown(field, _keys(model), 'key')}"
    return f"{where}: {refused(error, of(model, field))}"


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
