"""`proxyctl.settings`: who wins where several say something."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from proxyctl.errors import UsageError
from proxyctl.settings import load

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


@pytest.mark.parametrize("engine", ["haproxy", "nginx"])
def test_the_gateways_image_is_ours_that_is_here_or_the_official_one(engine: str) -> None:
    """The last is what a registry has: a tag of a release with long support; an image that was named is it alone."""
    made = load({"network": "web", "engine": engine}, {})
    assert made.gateway_images == (
        f"proxyctl/{engine}:latest",
        {"haproxy": "haproxy:3.2", "nginx": "nginx:1.30"}[engine],
    )
    assert load({"network": "web", "engine": engine, "image": "mine:1"}, {}).gateway_images == ("mine:1",)


@pytest.mark.parametrize(
    ("flags", "env", "toml"),
    [({"no_pull": True}, {}, ""), ({}, {"PROXYCTL_NO_PULL": "1"}, ""), ({}, {}, "no_pull = true")],
)
def test_nothing_is_pulled_where_flag_environment_or_file_say_so(
    flags: dict[str, Any], env: dict[str, str], toml: str, tmp_path: Path
) -> None:
    """By default what is missing is pulled."""
    config = tmp_path / "some.toml"
    config.write_text(toml)
    assert load({"network": "web", "config": config, **flags}, env).no_pull
    assert not load({"network": "web"}, {}).no_pull
