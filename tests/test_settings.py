"""`proxyctl.settings`: the gateway's image."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from proxyctl.errors import UsageError
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


@pytest.mark.parametrize(
    ("flags", "env", "toml", "join"),
    [
        ({}, {}, "", ()),
        ({"join": ["shop", "blog"]}, {"PROXYCTL_JOIN": "x"}, 'join = ["y"]', ("shop", "blog")),
        ({}, {"PROXYCTL_JOIN": "shop, blog"}, 'join = ["y"]', ("shop", "blog")),
        ({}, {}, 'join = ["shop", "blog"]', ("shop", "blog")),
    ],
)
def test_networks_to_join_come_in_their_order(
    flags: dict[str, Any], env: dict[str, str], toml: str, join: tuple[str, ...], tmp_path: Path
) -> None:
    """The own network is before them all."""
    config = tmp_path / "some.toml"
    config.write_text(toml)
    made = load({"network": "web", "config": config, **flags}, env)
    assert (made.join, made.networks) == (join, ("web", *join))


@pytest.mark.parametrize(
    ("join", "why"),
    [
        (["web"], '"web" is the gateway\'s own network already, by --network: leave it out here'),
        (["shop", "shop"], '"shop" is named twice: once is enough'),
        (["host"], '"host" has no DNS: only user-defined networks can be joined'),
        (["bridge"], '"bridge" has no DNS'),
        (["none"], '"none" has no DNS'),
        ([""], "--join"),
        (["a b"], "--join"),
    ],
)
def test_what_cannot_be_joined_is_one_line(join: list[str], why: str) -> None:
    """It names the flag and what to do."""
    with pytest.raises(UsageError) as caught:
        load({"network": "web", "join": join}, {})
    assert str(caught.value).startswith("--join: ")
    assert why in str(caught.value)
    assert "\n" not in str(caught.value)
