"""What `proxyctl.gateway.access` reads from Docker's JSON of a gateway; commands and signals are in `tests/docker`."""

from __future__ import annotations

import os
from typing import Any

import pytest

from proxyctl.core import layout
from proxyctl.errors import GatewayError
from proxyctl.gateway.access import ENGINE_LABEL, DockerAccess
from tests.providers.docker.fake_engine import UNCLOSED, FakeEngine

pytestmark = pytest.mark.filterwarnings(UNCLOSED)


@pytest.fixture
def access(engine: FakeEngine) -> DockerAccess:
    """The access to the gateway of network `web`, where there is none yet."""
    return DockerAccess(engine.client(), "web")


def described(**settings: Any) -> dict[str, Any]:
    """Return an inspect."""
    labels = {layout.GATEWAY_LABEL: "web", ENGINE_LABEL: "nginx"}
    return {"Id": "a" * 64, "Config": {"Labels": labels}, "State": {"Pid": 0}, "NetworkSettings": settings}


async def test_a_gateway_is_found_when_it_runs(engine: FakeEngine, access: DockerAccess) -> None:
    """A container that is not there, or does not run, is not found; what was known of it before is forgotten."""
    assert not await access.find()
    with pytest.raises(GatewayError, match="proxyctl-web was removed a moment ago"):
        access.state  # noqa: B018 - the property raises
    box = engine.world.run("proxyctl-web", "web", {layout.GATEWAY_LABEL: "web", ENGINE_LABEL: "haproxy"})
    assert await access.find()
    assert access.engine == "haproxy"
    engine.world.remove(box)
    assert not access.inspect()
    assert access.engine is None


def test_a_container_of_others_has_no_engine(access: DockerAccess) -> None:
    """Only the label of the same network says that it is this gateway."""
    access.entry = described()
    assert access.engine == "nginx"
    access.entry = {"Config": {"Labels": {layout.GATEWAY_LABEL: "shop", ENGINE_LABEL: "nginx"}}}
    assert access.engine is None


def test_a_port_is_reached_where_it_is_published_else_at_the_address(access: DockerAccess) -> None:
    """A port on every address of the host is reached by loopback."""
    ports = {
        "80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}, {"HostIp": "::", "HostPort": "8080"}],
        "81/tcp": [{"HostIp": "192.0.2.1", "HostPort": "8081"}],
        "82/tcp": None,
    }
    access.entry = described(Ports=ports, Networks={"web": {"IPAddress": "172.20.0.2"}})
    assert access.authority(80) == "127.0.0.1:8080"
    assert access.authority(81) == "192.0.2.1:8081"
    assert access.authority(82) == "172.20.0.2:82"
    assert access.published == {8080: 80, 8081: 81}
    assert access.bindings == {("0.0.0.0", 8080), ("::", 8080), ("192.0.2.1", 8081)}
    access.entry = {}
    with pytest.raises(GatewayError, match="was removed a moment ago"):
        access.authority(80)


def test_in_a_container_a_port_is_reached_at_the_gateways_address(
    access: DockerAccess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A published port is the host's own: 127.0.0.1 of a container is another one, unless it has the host's network."""
    ports = {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8080"}]}
    access.entry = described(Ports=ports, Networks={"web": {"IPAddress": "172.20.0.2"}})
    for mode, authority in (("web", "172.20.0.2:80"), ("host", "127.0.0.1:8080")):
        own = {"HostConfig": {"NetworkMode": mode}}
        monkeypatch.setattr("proxyctl.providers.docker.own.own_container", lambda _, own=own: own)
        assert access.authority(80) == authority


def test_an_end_that_cannot_be_seen_is_none(engine: FakeEngine, access: DockerAccess) -> None:
    """A pid that is not the container's own process here, as in another pid namespace, says nothing of its end."""
    engine.world.run("proxyctl-web", "web", {layout.GATEWAY_LABEL: "web"})
    access.follow()
    access.entry = {**access.entry, "State": {"Running": True, "Pid": os.getpid()}}
    assert access.pid is None
    assert not access.ended
