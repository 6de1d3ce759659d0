"""The files that `init` writes: every key that there is, each of which loads when it is uncommented."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from proxyctl.app import scaffold
from proxyctl.app.parts import PROXIES
from proxyctl.core.features import table
from proxyctl.engines import boot
from proxyctl.settings import EngineKind, Proxy, Settings
from proxyctl.sources import load

SETTINGS = load({"network": "web", "publish": ["127.0.0.1:8080:80"]}, {}, config=False)
TEXT = scaffold.config(SETTINGS, {"network", "publish"})
KEY = re.compile(r'^# ((?:[a-z_]+|"[a-z._]+") = .*)$', re.MULTILINE)


def loaded(text: str, folder: Path) -> Settings:
    """Return what our own loader makes of a proxyctl.toml."""
    (folder / "templates").mkdir(exist_ok=True)
    path = folder / "proxyctl.toml"
    path.write_text(text.replace('"templates"', f'"{folder}/templates"'))
    return load({"config": path}, {})


def test_as_it_is_written_it_says_what_was_asked_for_and_nothing_else(tmp_path: Path) -> None:
    """Network and ports; everything else is the default."""
    assert tomllib.loads(TEXT) == {"network": "web", "publish": ["127.0.0.1:8080:80"], "defaults": {}, "proxy": {}}
    made = loaded(TEXT, tmp_path)
    assert made.model_dump(exclude={"config"}) == SETTINGS.model_dump(exclude={"config"})


@pytest.mark.parametrize("line", KEY.findall(TEXT))
def test_each_key_loads_when_it_is_uncommented(line: str, tmp_path: Path) -> None:
    """And where it shows a default, that is the default."""
    made = loaded(TEXT.replace(f"# {line}\n", f"{line}\n", 1), tmp_path)
    field = line.partition(" = ")[0].strip('"')
    if field in Settings.model_fields and not field.startswith(("join", "templates", "image", "state")):
        assert getattr(made, field) == getattr(SETTINGS, field)
    elif field in Proxy.model_fields and field != "maxconn":
        assert made.proxy == SETTINGS.proxy


def test_all_of_them_together_load(tmp_path: Path) -> None:
    """A user may uncomment everything."""
    assert loaded(KEY.sub(r"\1", TEXT), tmp_path).network == "web"


def test_every_setting_and_every_label_is_there() -> None:
    """A new one is in the file without anybody's doing."""
    settings = Settings.model_fields.keys() - {"config", "defaults", "proxy"}
    labels = {key.name for key in table.KEYS if key.level != "container"}
    found = [line.partition(" = ")[0].strip('"') for line in KEY.findall(TEXT)] + ["network", "publish"]
    assert sorted(found) == sorted([*settings, *Proxy.model_fields, *labels])


def test_lines_fit_a_narrow_editor() -> None:
    """Comments are wrapped."""
    assert max(map(len, TEXT.splitlines())) <= 120


@pytest.mark.parametrize("engine", list(PROXIES))
def test_the_compose_file_starts_the_gateway_by_the_command_that_watch_uses(engine: EngineKind) -> None:
    """So the two cannot drift apart; `docker compose config` reads the whole file in tests/docker/test_init.py."""
    text = scaffold.compose(SETTINGS.model_copy(update={"engine": engine, "label_prefix": "edge"}))
    script = boot.command()[-1].replace("$", "$$")
    assert f'      - "{script}"\n' in text
    assert f"stop_signal: {PROXIES[engine].stop_signal}\n" in text
    assert 'edge.enable: "true"' in text
