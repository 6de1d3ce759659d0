"""What `proxyctl.gateway.lifecycle` refuses to touch, on an engine on the wire; making one is in `tests/docker`."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxyctl.core import layout
from proxyctl.errors import DockerUnavailable, GatewayError
from proxyctl.gateway.access import ENGINE_LABEL, DockerAccess
from proxyctl.gateway.lifecycle import DockerLifecycle
from proxyctl.gateway.spec import Spec
from tests.providers.docker.fake_engine import UNCLOSED, FakeEngine

pytestmark = pytest.mark.filterwarnings(UNCLOSED)


@pytest.fixture
def lifecycle(engine: FakeEngine) -> DockerLifecycle:
    """The life of a gateway that is to run haproxy on network `web`."""
    client = engine.client()
    spec = Spec("web", "haproxy", ("ours:latest", "haproxy:3.2"), (), ("haproxy",), "SIGUSR1", Path("/state/proxy"))
    return DockerLifecycle(client, spec, DockerAccess(client, "web"))


async def test_a_container_that_is_no_gateway_is_left_alone(engine: FakeEngine, lifecycle: DockerLifecycle) -> None:
    """It has the name and not the label: it is neither adopted nor removed."""
    engine.world.run("proxyctl-web", "web", {})
    with pytest.raises(GatewayError, match="exists and is no gateway of proxyctl"):
        await lifecycle.ensure()
    with pytest.raises(GatewayError, match="it is left alone"):
        await lifecycle.remove()
    assert engine.calls["remove"] == 0
    assert not lifecycle.made


async def test_a_gateway_of_another_engine_is_not_adopted(engine: FakeEngine, lifecycle: DockerLifecycle) -> None:
    """The line says how to get the other one."""
    engine.world.run("proxyctl-web", "web", {layout.GATEWAY_LABEL: "web", ENGINE_LABEL: "nginx"})
    with pytest.raises(
        GatewayError, match=r"runs nginx, and haproxy was asked for: without --engine .* it is taken over"
    ):
        await lifecycle.ensure()


async def test_where_docker_does_not_answer_nothing_is_removed(engine: FakeEngine, lifecycle: DockerLifecycle) -> None:
    """No answer is not "there is none"; where Docker says that there is none, nothing is to be done."""
    assert not await lifecycle.remove()
    engine.trouble("error", ("inspect",))
    engine.settle()
    with pytest.raises(DockerUnavailable, match="inspecting the gateway: "):
        await lifecycle.remove()
    assert engine.calls["remove"] == 0


async def test_an_image_is_pulled_only_where_a_gateway_is_made_and_none_of_its_images_is_here(
    engine: FakeEngine, lifecycle: DockerLifecycle
) -> None:
    """Of several that will do the last is pulled, for a registry has it; a gateway that is there needs none."""
    assert await lifecycle.image_to_pull() == "haproxy:3.2"
    engine.world.images["ours:latest"] = "sha256:ours"
    assert await lifecycle.image_to_pull() == ""
    del engine.world.images["ours:latest"]
    engine.world.run("proxyctl-web", "web", {layout.GATEWAY_LABEL: "web", ENGINE_LABEL: "haproxy"})
    assert await lifecycle.image_to_pull() == ""


async def test_a_gateway_is_not_made_without_an_image(engine: FakeEngine, lifecycle: DockerLifecycle) -> None:
    """The line names the image and the command that brings it: a `watch` that runs does not wait for a registry."""
    line = "^image haproxy:3.2 is not here: `docker pull haproxy:3.2`, or name one that is with --image$"
    with pytest.raises(GatewayError, match=line):
        await lifecycle.ensure()
    assert engine.calls["create"] == 0
