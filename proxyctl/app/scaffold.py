"""The files that `proxyctl init` writes: a proxyctl.toml with every key, and a compose.yaml to begin with.

Keys, meanings, defaults and accepted values come from where they are declared: `settings`, and the table of labels in
`core.features`. The compose file is a template beside those of the engines.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Collection, Iterator
from typing import Any

import pydantic
from jinja2 import Environment, StrictUndefined

from proxyctl.app.parts import PROXIES
from proxyctl.core.features import table
from proxyctl.core.features.key import Key
from proxyctl.core.features.values import duration
from proxyctl.engines import boot, templates
from proxyctl.settings import OFFICIAL, TIME, Proxy, Settings
from proxyctl.wording import of

COMPOSE_NAME = "compose.yaml"
_WIDTH = 100
_TABLES = ("defaults", "proxy", "config")
_HEAD = """\
# Settings of proxyctl, read by `proxyctl watch` and the other verbs in this folder; `proxyctl init` wrote it.
# Flags win over PROXYCTL_* variables, those over this file. A key that is commented out shows its default,
# or an example where its default is to be absent.
"""
_DEFAULTS = "# Labels for containers that do not write them themselves, without the prefix; docs/labels.md has more."
_EXAMPLES = {"host": "shop.example", "port": "8080", "maxconn": "100", "sticky": "SERVER", "health.port": "8081"}
"""Values of labels whose default cannot be written."""


def config(settings: Settings, shown: Collection[str]) -> str:
    """Return the text of proxyctl.toml; the keys in `shown` count, all others are commented out."""
    lines = [_HEAD]
    for name in Settings.model_fields:
        if name not in _TABLES:
            lines += _setting(Settings, name, getattr(settings, name), commented=name not in shown)
    lines += [_DEFAULTS, "[defaults]", ""]
    for key in table.KEYS:
        if key.level != "container":
            lines += _label(key)
    lines += [f"# {of(Settings, 'proxy').meaning}", "[proxy]", ""]
    for name in Proxy.model_fields:
        lines += _setting(Proxy, name, getattr(settings.proxy, name), commented=True)
    return "\n".join(lines)


def compose(settings: Settings) -> str:
    """Return the text of compose.yaml; of several published ports it shows the first."""
    publish, proxy = settings.publish[0], PROXIES[settings.engine]
    text = (templates.shipped("init") / f"{COMPOSE_NAME}.j2").read_text("utf-8")
    environment = Environment(undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False)  # noqa: S701 - YAML
    return environment.from_string(text).render(
        network=settings.network,
        engine=settings.engine,
        prefix=settings.label_prefix,
        publish=publish,
        address=publish.address,
        image=OFFICIAL["nginx"],
        gateway_image=settings.gateway_images[-1],
        command=[json.dumps(word).replace("$", "$$") for word in boot.command()],
        stop_signal=proxy.stop_signal,
    )


def _setting(model: type[pydantic.BaseModel], name: str, value: Any, *, commented: bool) -> Iterator[str]:
    words = of(model, name)
    yield from _comment(f"{words.meaning}; accepted: {words.accepts}")
    yield f"{'# ' if commented else ''}{name} = {_toml(value, is_time=words.accepts == TIME) or words.example}"
    yield ""


def _toml(value: Any, *, is_time: bool) -> str:
    """Return a value as TOML; empty where there is none to show."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return json.dumps(duration().brief(value)) if is_time else str(value)
    if isinstance(value, str) and value:
        return json.dumps(value)
    if isinstance(value, tuple) and value and isinstance(value[0], str):  # the API's host and port
        return json.dumps(f"{value[0]}:{value[1]}")
    if isinstance(value, tuple) and value:
        return json.dumps([str(each) for each in value])
    return ""


def _label(key: Key[Any]) -> Iterator[str]:
    default = _EXAMPLES.get(key.name) or key.kind.brief(key.default)
    more = f" (default: {key.default_words})" if key.name in _EXAMPLES else ""
    yield from _comment(f"{key.meaning}{more}; accepted: {key.kind.accepts}")
    yield f"# {json.dumps(key.name) if '.' in key.name else key.name} = {json.dumps(default)}"
    yield ""


def _comment(text: str) -> Iterator[str]:
    for line in textwrap.wrap(text[0].upper() + text[1:], _WIDTH, break_on_hyphens=False):
        yield f"# {line}"
