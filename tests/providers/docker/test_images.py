"""`proxyctl.providers.docker.images` against an engine on the wire."""

from __future__ import annotations

import pytest

from proxyctl.errors import DockerUnavailable
from proxyctl.providers.docker import images
from tests.providers.docker.fake_engine import UNCLOSED, FakeEngine

pytestmark = pytest.mark.filterwarnings(UNCLOSED)


def test_an_image_is_here_or_not_or_docker_does_not_say(engine: FakeEngine) -> None:
    """A failure of Docker is not taken for an image that is missing."""
    client = engine.client()
    engine.world.images["registry.test:5000/shop/web:2"] = "sha256:web"
    assert images.id_of(client, "registry.test:5000/shop/web:2") == "sha256:web"
    assert images.id_of(client, "shop/web:2") == ""
    engine.trouble("error", ("image",))
    engine.settle()
    with pytest.raises(DockerUnavailable, match=r"^image shop/web:2: the fake engine fails at image"):
        images.id_of(client, "shop/web:2")


def test_of_several_images_the_first_that_is_here_counts(engine: FakeEngine) -> None:
    """The order is the caller's; none may be here."""
    client = engine.client()
    assert images.first_here(client, ("ours:latest", "haproxy:3.2")) == ""
    engine.world.images |= {"haproxy:3.2": "sha256:1"}
    assert images.first_here(client, ("ours:latest", "haproxy:3.2")) == "haproxy:3.2"
    engine.world.images |= {"ours:latest": "sha256:2"}
    assert images.first_here(client, ("ours:latest", "haproxy:3.2")) == "ours:latest"
