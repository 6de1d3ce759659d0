"""`proxyctl.providers.docker.networks` against an engine on the wire."""

from __future__ import annotations

import pytest

from proxyctl.errors import DockerUnavailable
from proxyctl.providers.docker import networks
from tests.providers.docker.fake_engine import UNCLOSED, FakeEngine

pytestmark = pytest.mark.filterwarnings(UNCLOSED)


def test_a_network_exists_or_not_or_docker_does_not_say(engine: FakeEngine) -> None:
    """A failure of Docker is neither yes nor no."""
    client = engine.client()
    engine.world.run("web1", "shop", {})
    assert networks.exists(client, "shop")
    assert not networks.exists(client, "web")
    engine.trouble("error", ("network",))
    engine.settle()
    with pytest.raises(DockerUnavailable, match=r"^network shop: the fake engine fails at network"):
        networks.exists(client, "shop")


def test_a_network_of_others_is_not_removed(engine: FakeEngine) -> None:
    """It lacks the label that `create` gives; a network that is not there is none of ours either."""
    client = engine.client()
    engine.world.run("web1", "shop", {})
    before = engine.calls["network"]
    assert not networks.is_ours(client, "shop")
    assert not networks.is_ours(client, "web")
    assert engine.calls["network"] == before + 2  # two questions, and no removal
