"""`proxyctl.settings`: the gateway's image."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from proxyctl.sources import load


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
