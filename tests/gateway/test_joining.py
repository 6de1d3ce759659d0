"""`proxyctl.gateway.joining`: networks beside the gateway's own one, on an engine on the wire."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from proxyctl.core import codes, layout
from proxyctl.gateway import joining
from proxyctl.gateway.spec import Spec
from proxyctl.providers.docker.client import Client
from tests.providers.docker.fake_engine import UNCLOSED, FakeEngine
from tests.providers.docker.world import Box

pytestmark = pytest.mark.filterwarnings(UNCLOSED)

SPEC = Spec(
    "web", "haproxy", ("haproxy:3.2",), (), ("haproxy",), "SIGUSR1", Path("/state/proxy"), join=("shop", "blog")
)
ALONE = dataclasses.replace(SPEC, join=())


@pytest.fixture
def gateway(engine: FakeEngine) -> Box:
    """The gateway of `web`, and somebody on `shop`, which is why that network is there."""
    engine.world.run("somebody", "shop", {})
    return engine.world.run("proxyctl-web", "web", {layout.GATEWAY_LABEL: "web"})


@pytest.fixture
def client(engine: FakeEngine) -> Iterator[Client]:
    """A client of that engine."""
    made = engine.client()
    yield made
    made.close()


def test_it_joins_what_is_there(engine: FakeEngine, gateway: Box, client: Client) -> None:
    """What is not is told with the command that makes it, and joined once it is there; then nothing is left to do."""
    (problem,) = joining.join(client, SPEC, engine.world.inspect(gateway))
    assert gateway.networks.keys() == {"web", "shop"}
    assert problem.code == codes.NOT_JOINED
    assert problem.reason == (
        "proxyctl-web is not on network blog, so the containers on it are not served: there is no such network: docker "
        "network create blog"
    )
    assert joining.lacking(SPEC, engine.world.inspect(gateway)) == ("blog",)
    engine.world.run("writer", "blog", {})
    assert list(joining.join(client, SPEC, engine.world.inspect(gateway))) == []
    asked = engine.calls["connect"]
    assert list(joining.join(client, SPEC, engine.world.inspect(gateway))) == []
    assert engine.calls["connect"] == asked


def test_where_docker_refuses_it_is_told_why(engine: FakeEngine, gateway: Box, client: Client) -> None:
    """With the command that shows it again."""
    engine.trouble("error", ("connect",))
    engine.settle()
    first, _ = joining.join(client, SPEC, engine.world.inspect(gateway))
    assert "connecting it: the fake engine fails at connect; docker network connect shop proxyctl-web" in first.reason


def test_a_network_is_left_once_nobody_there_is_served(engine: FakeEngine, gateway: Box, client: Client) -> None:
    """While a server there drains the gateway stays; a network that it was connected to by hand is not proxyctl's."""
    list(joining.join(client, SPEC, engine.world.inspect(gateway)))
    engine.world.run("monitor", "admin", {})
    engine.world.connect(gateway, "admin")
    assert joining.unasked(SPEC, engine.world.inspect(gateway)) == ()
    assert joining.unasked(ALONE, engine.world.inspect(gateway)) == ("shop",)
    there = engine.world.boxes[next(i for i, b in engine.world.boxes.items() if b.name == "somebody")].networks["shop"]
    joining.leave(client, ALONE, engine.world.inspect(gateway), {there})
    assert "shop" in gateway.networks
    joining.leave(client, ALONE, engine.world.inspect(gateway), {"10.9.9.9", ""})
    assert gateway.networks.keys() == {"web", "admin"}


def test_where_docker_does_not_let_it_leave_it_stays_for_now(engine: FakeEngine, gateway: Box, client: Client) -> None:
    """That costs nobody a request; the next look after the gateway tries again."""
    list(joining.join(client, SPEC, engine.world.inspect(gateway)))
    engine.trouble("error", ("disconnect",))
    engine.settle()
    joining.leave(client, ALONE, engine.world.inspect(gateway), ())
    assert "shop" in gateway.networks
