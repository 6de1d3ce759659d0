"""`proxyctl.providers.docker.questions` against an engine on the wire."""

from __future__ import annotations

import docker.errors
import pytest

from proxyctl.core import layout
from proxyctl.errors import DockerUnavailable
from proxyctl.providers.docker.client import Client
from proxyctl.providers.docker.questions import Questions
from tests.providers.docker.fake_engine import UNCLOSED, FakeEngine

pytestmark = pytest.mark.filterwarnings(UNCLOSED)

LABEL = "proxyctl.enable"


async def test_a_listing_has_what_runs_on_the_network_or_has_the_label(engine: FakeEngine) -> None:
    """A labelled container also where it is elsewhere or has ended: that is a problem to tell. Gateways are apart."""
    world = engine.world
    world.run("web1", "shop", {LABEL: "true"})
    world.run("plain", "shop", {})
    world.create("ended-plain", "shop", {})
    world.create("ended", "shop", {LABEL: "true"})
    world.run("astray", "elsewhere", {LABEL: "true"})
    world.run("stranger", "elsewhere", {})
    world.run("proxyctl-shop", "shop", {layout.GATEWAY_LABEL: "shop"})
    world.create("proxyctl-other", "other", {layout.GATEWAY_LABEL: "other"})
    entries, gateways = await Questions(engine.client).listing(("shop", "blog"), LABEL)
    names = {e["Names"][0] for e in entries}
    assert names == {"/web1", "/plain", "/ended", "/astray", "/proxyctl-shop"}
    assert {e["Names"][0] for e in gateways} == {"/proxyctl-shop", "/proxyctl-other"}


async def test_one_client_asks_until_a_new_one_is_wanted(engine: FakeEngine) -> None:
    """The first question connects, so that a watch can begin before Docker does."""
    clients: list[Client] = []

    def connect() -> Client:
        clients.append(engine.client())
        return clients[-1]

    questions = Questions(connect)
    assert clients == []
    await questions.ping()
    await questions.ping()
    assert len(clients) == 1
    questions.reconnect()
    await questions.ping()
    assert len(clients) == 2


async def test_a_connection_that_cannot_be_made_is_tried_again(engine: FakeEngine) -> None:
    """By the next question; until then Docker does not answer."""
    engine.vanish()
    questions = Questions(engine.client)
    with pytest.raises(DockerUnavailable, match=r"^ping: Docker does not answer"):
        await questions.ping()
    engine.up()
    await questions.ping()


async def test_a_container_that_is_not_there_is_an_answer(engine: FakeEngine) -> None:
    """Not a failure of Docker, which is DockerUnavailable."""
    box = engine.world.run("web1", "shop", {})
    questions = Questions(engine.client)
    assert (await questions.inspect("web1"))["Id"] == box.id
    with pytest.raises(docker.errors.NotFound):
        await questions.inspect("web2")
    engine.trouble("error", ("inspect",))
    engine.settle()
    with pytest.raises(DockerUnavailable, match=r"^inspecting: the fake engine fails at inspect"):
        await questions.inspect("web1")
