"""What `watch` tells of its gateway: only what Docker says of it."""

from __future__ import annotations

from typing import Any

import docker
import pytest

from proxyctl.app import told
from proxyctl.gateway.access import DockerAccess
from proxyctl.sources import removal
from tests.statuses import status


def access(ports: dict[str, Any] | None, network: str = "web") -> DockerAccess:
    """Return the access to a gateway that Docker describes so; nothing is asked of Docker."""
    made = DockerAccess(docker.APIClient(base_url="tcp://127.0.0.1:1", version="1.41"), "web")
    made.entry = {"NetworkSettings": {"Ports": ports, "Networks": {network: {"IPAddress": "172.18.0.9"}}}}
    return made


def published(*addresses: str) -> list[dict[str, str]]:
    """Return Docker's bindings of one port."""
    return [{"HostIp": a.rpartition(":")[0], "HostPort": a.rpartition(":")[2]} for a in addresses]


@pytest.mark.parametrize(
    ("ports", "said"),
    [
        ({"80/tcp": published("127.0.0.1:8080")}, "http://127.0.0.1:8080"),
        ({"80/tcp": published("0.0.0.0:80", ":::80")}, "http://127.0.0.1"),
        ({"80/tcp": published("::1:8080")}, "http://[::1]:8080"),
        (
            {"80/tcp": published("127.0.0.1:8080"), "81/tcp": published("127.0.0.1:8081")},
            "http://127.0.0.1:8080, http://127.0.0.1:8081",
        ),
        ({"80/tcp": None}, "http://172.18.0.9 (its own address: no port is published)"),
        ({}, "http://172.18.0.9 (its own address: no port is published)"),
    ],
)
def test_where_it_serves_is_what_docker_has_published(ports: dict[str, Any], said: str) -> None:
    """Not what was asked for; without a published port it is the container's own address."""
    assert told.where(access(ports), status()) == said


def test_a_port_that_carries_no_http_is_no_page() -> None:
    """It would open as an error in a browser."""
    assert told.served_at(access({"5432/tcp": published("127.0.0.1:5432")}), {5432}) == ("tcp://127.0.0.1:5432",)


def test_a_gateway_that_is_gone_or_cut_off_serves_nowhere() -> None:
    """Somebody has removed it, or taken it off its network."""
    gone = access({})
    gone.entry = {}
    assert told.where(gone, status()) == told.where(access({}, network="other"), status()) == ""


def test_the_command_that_removes_it_names_the_state_folder_where_it_must(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder with a blank is quoted for the shell."""
    monkeypatch.setattr("proxyctl.sources.default_state", lambda network: tmp_path / network)
    assert removal("web", tmp_path / "web") == "proxyctl down --network web"
    assert removal("web", tmp_path / "a b") == f"proxyctl down --network web --state '{tmp_path}/a b'"
