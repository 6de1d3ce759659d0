"""`proxyctl.sources`: who wins where several say something, and what is said of mistakes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from proxyctl import wording
from proxyctl.errors import UsageError
from proxyctl.settings import Proxy, Settings
from proxyctl.sources import load, strangers

WATCH = load(
    {"network": "web", "engine": "nginx", "label_prefix": "shop", "publish": ["8080:80"], "expose_by_default": True}, {}
).model_dump(mode="json")


@pytest.mark.parametrize(
    ("flags", "env", "toml", "prefix"),
    [
        ({}, {}, "", "shop"),
        ({"label_prefix": "flag"}, {"PROXYCTL_LABEL_PREFIX": "env"}, 'label_prefix = "file"', "flag"),
        ({}, {"PROXYCTL_LABEL_PREFIX": "env"}, 'label_prefix = "file"', "env"),
        ({}, {}, 'label_prefix = "file"', "file"),
    ],
)
def test_what_nobody_gave_is_as_the_running_watch_has_it(
    flags: dict[str, Any], env: dict[str, str], toml: str, prefix: str, tmp_path: Path
) -> None:
    """Flag, environment, file, then the watch; not where it publishes and keeps its state, which is its own."""
    config = tmp_path / "some.toml"
    config.write_text(toml)
    made = load({"network": "web", "config": config, **flags}, env, WATCH)
    assert (made.label_prefix, made.engine, made.expose_by_default) == (prefix, "nginx", True)
    assert made.publish == ()
    assert load({"network": "web", "config": config, **flags}, env).engine == "haproxy"


def test_a_folder_of_the_running_watch_that_is_gone_is_named_as_its_own() -> None:
    """The one who looks did not give it."""
    with pytest.raises(UsageError, match=r"the running watch: templates: /no/such/folder is not a folder"):
        load({"network": "web"}, {}, {**WATCH, "templates": "/no/such/folder"})


TEXTS_OF_LIBRARIES = re.compile(
    r"Input should|valid (integer|string|boolean|number)|String should|unable to|pattern|Invalid|Expected|Errno|"
    r"at line|column|Extra inputs|Octet|None|<class|instance of|Traceback"
)
WRONG: dict[str, list[str]] = {
    "join": ['["web"]', '["we b"]', "3", "[3]"],
    "network": ['""', '"we b"', "3", "[]"],
    "engine": ['""', '"ngin"', "3", "true"],
    "publish": ['"80"', '"0:80"', '"8080:70000"', '"300.1.1.1:80:80"', '["x"]', "[3]", "3", '""'],
    "image": ["3", "[]"],
    "templates": ['""', "3", "[]", '"/no/such/folder"'],
    "state": ['""', "3", "[]"],
    "api": ['""', '"8900"', '"x:y"', '"127.0.0.1:70000"', '"127.0.0.1:²"', "8900", "true", "[]"],
    "label_prefix": ['""', '"A"', '"9a"', "3"],
    "expose_by_default": ['""', '"maybe"', "2", "[]"],
    "one_offs": ['""', '"maybe"', "2", "[]"],
    "no_pull": ['""', '"maybe"', "2", "[]"],
    "resync": ['""', '"x"', '"0s"', '"25h"', '"1e3s"', "30", "1.5", "true", "[]"],
    "reload_spacing": ['""', '"x"', "30", "[]"],
    "grace": ['""', '"-1s"', "30", "{}"],
    "create_network": ['"perhaps"', "3"],
    "defaults": [
        "3",
        '"x"',
        "{weight = 300}",
        "{weigth = 3}",
        "{weight = []}",
        '{timeout.server = "x"}',
        "{enable = true}",
    ],
    "proxy": ["3", '"x"', "{maxcon = 3}", "{maxconn = 0}", '{maxconn = "x"}', "{shutdown = 3}", '{keepalive = "x"}'],
}
TABLES = {"defaults", "proxy"}


def refusal(flags: dict[str, Any], env: dict[str, str]) -> str:
    """Return the one line with which settings are refused."""
    with pytest.raises(UsageError) as caught:
        load(flags, env)
    return str(caught.value)


@pytest.mark.parametrize(("field", "value"), [(f, v) for f, values in WRONG.items() for v in values])
def test_a_wrong_value_in_the_file_is_one_line_with_file_key_and_what_is_accepted(
    field: str, value: str, tmp_path: Path
) -> None:
    """In words of ours, whatever type it has; the value is shown as it was written."""
    config = tmp_path / "some.toml"
    config.write_text(f"{field} = {value}\n")
    line = refusal({"config": config} | ({} if field == "network" else {"network": "web"}), {})
    assert line.startswith(f"{config}: [{field}]" if field in TABLES else f"{config}: {field}: ")
    assert "\n" not in line
    assert not TEXTS_OF_LIBRARIES.search(line), line


@pytest.mark.parametrize(
    ("field", "value"),
    [(f, v.strip('"')) for f, values in WRONG.items() for v in values if f not in TABLES and v[0] == '"' and v != '""'],
)
def test_a_wrong_variable_or_flag_is_named_as_it_was_given(field: str, value: str) -> None:
    """The same texts by PROXYCTL_* and by flag; the line begins with the name that the user wrote."""
    network = {} if field == "network" else {"network": "web"}
    variable = f"PROXYCTL_{field.upper()}"
    for name, line in (
        (variable, refusal(network, {variable: value})),
        ("--" + field.replace("_", "-"), refusal({**network, field: value}, {})),
    ):
        assert line.startswith(f"{name}: ")
        assert not TEXTS_OF_LIBRARIES.search(line), line


def test_every_setting_has_words_and_is_in_the_table_above() -> None:
    """A new setting says what it means and what it accepts, and is tried with wrong values."""
    for model in (Settings, Proxy):
        for field in model.model_fields:
            assert wording.of(model, field).accepts
            assert wording.of(model, field).meaning
    assert set(WRONG) == Settings.model_fields.keys() - {"config"}


def test_an_empty_flag_is_refused_and_an_empty_variable_is_none() -> None:
    """`--network "$UNSET"` is a mistake; compose writes `PROXYCTL_IMAGE=` for what nobody has set."""
    assert refusal({"network": ""}, {}).startswith("--network: it is empty: the name of a network")
    assert load({"network": "web"}, {"PROXYCTL_ENGINE": "", "PROXYCTL_GRACE": ""}).engine == "haproxy"


@pytest.mark.parametrize("text", ["true", "TRUE", "1", "yes", "on"])
def test_switches_by_variable(text: str) -> None:
    """All that a label takes for true, a variable takes too."""
    settings = load({"network": "web"}, {"PROXYCTL_ONE_OFFS": text, "PROXYCTL_CREATE_NETWORK": text})
    assert (settings.one_offs, settings.create_network) == (True, True)


@pytest.mark.parametrize(
    ("variable", "meant"),
    [
        ("PROXYCTL_PUBLSH", "PROXYCTL_PUBLISH"),
        ("PROXYCTL_ONEOFFS", "PROXYCTL_ONE_OFFS"),
        ("PROXYCTL_CHECKTOKEN", "PROXYCTL_CHECK_TOKEN"),
        ("PROXYCTL_NETWROK", "PROXYCTL_NETWORK"),
    ],
)
def test_a_mistyped_variable_is_an_error_that_names_the_right_one(variable: str, meant: str) -> None:
    """It was meant for something, and without it the gateway would come up otherwise than was asked."""
    line = refusal({"network": "web"}, {variable: "x"})
    assert line == f"{variable}: there is no such setting; did you mean {meant}?"


def test_a_variable_that_is_like_no_setting_is_a_stranger_and_stops_nothing() -> None:
    """Others' variables may begin so, such as those that Kubernetes makes for a service of that name."""
    env = {"PROXYCTL_SERVICE_HOST": "x", "PROXYCTL_DEBUG": "1", "PROXYCTL_CHECK_TOKEN": "t", "PROXYCTL_ENGINE": "nginx"}
    assert load({"network": "web"}, env).engine == "nginx"
    assert strangers(env) == ["PROXYCTL_SERVICE_HOST"]


def test_defaults_may_be_written_as_toml_has_them(tmp_path: Path) -> None:
    """A number, a switch, and a dotted key without quotes, which is a table in TOML."""
    config = tmp_path / "some.toml"
    config.write_text('[defaults]\nweight = 2\nsticky = false\ntimeout.server = "30s"\n"timeout.tunnel" = "5m"\n')
    made = load({"network": "web", "config": config}, {})
    assert made.defaults == {"weight": "2", "sticky": "false", "timeout.server": "30s", "timeout.tunnel": "5m"}


def test_a_file_that_is_not_there_is_named_with_the_flag_that_asked_for_it(tmp_path: Path) -> None:
    """The flag or the variable, the path, and why."""
    gone = tmp_path / "none.toml"
    assert refusal({"config": gone}, {}) == f"--config: {gone}: there is no such file or folder"
    assert refusal({}, {"PROXYCTL_CONFIG": str(tmp_path)}) == f"PROXYCTL_CONFIG: {tmp_path}: it is a folder, not a file"
