"""Compose's hash of a service is asked of compose, and only where the container is what the file asks for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from proxyctl.providers.docker.compose import config_hash
from proxyctl.providers.docker.successor import COMPOSE, Old

FAKE = """#!/usr/bin/env python3
import json, sys
image = json.load(sys.stdin)["services"]["web"]["image"]
print("web hash-of-" + image if sys.argv[1] == "compose" else "")
"""
"""Stands for the docker command; the real one is run in tests/docker/test_rollout.py."""


def old(image: str = "shop:1", **labels: str) -> Old:
    """Return a container of a compose service, whose file asks for shop:1."""
    own = {"project": "shop", "service": "web", "config-hash": "hash-of-shop:1", "project.config_files": "/c.yaml"}
    marks = {f"{COMPOSE}{key}": value for key, value in {**own, **labels}.items() if value}
    config: dict[str, Any] = {"Image": image, "Labels": marks}
    return Old({"Id": "i", "Name": "/shop-web-1", "Config": config}, {})


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A docker command in a folder that is the only one where commands are looked for."""
    command = tmp_path / "docker"
    command.write_text(FAKE)
    command.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    return command


def test_the_hash_is_that_with_the_new_image(docker: Path) -> None:
    """So that `up` finds the container to be what the file asks for, once that names the image."""
    assert docker.exists()
    assert config_hash(old(), "shop:2") == "hash-of-shop:2"


@pytest.mark.parametrize(
    "each",
    [
        old(**{"config-hash": "another"}),  # the file has changed since
        old(image="shop:2"),  # no other image
        old(service=""),
        old(**{"project.config_files": ""}),
    ],
)
def test_otherwise_the_label_stays(docker: Path, each: Old) -> None:
    """`up` then makes the container anew, as it would have done before."""
    assert docker.exists()
    assert config_hash(each, "shop:2") == ""


@pytest.mark.parametrize("script", ["#!/bin/sh\nexit 1\n", "#!/bin/sh\necho unknown\n", None])
def test_a_compose_that_does_not_say_is_no_fault(docker: Path, script: str | None) -> None:
    """It is missing here, too old, or cannot read the file."""
    if script is None:
        docker.unlink()
        docker.symlink_to("/nowhere/docker")
    else:
        docker.write_text(script)
    assert json.dumps(config_hash(old(), "shop:2")) == '""'
