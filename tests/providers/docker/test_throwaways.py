"""`proxyctl.providers.docker.throwaways` against an engine on the wire."""

from __future__ import annotations

import pytest

from proxyctl.errors import DockerUnavailable, ProxyctlError
from proxyctl.providers.docker import throwaways
from tests.providers.docker.fake_engine import UNCLOSED, FakeEngine

pytestmark = pytest.mark.filterwarnings(UNCLOSED)

MINE = {"proxyctl.run": "1"}


def there(engine: FakeEngine) -> dict[str, tuple[str, list[str]]]:
    """Return the containers that there are by name, with their state and networks."""
    return {box.name: (box.state, list(box.networks)) for box in engine.world.boxes.values()}


def test_each_name_becomes_a_container_that_runs_on_the_network(engine: FakeEngine) -> None:
    """With the labels by which they are removed again."""
    engine.world.images["echo:1"] = "sha256:echo"
    throwaways.start(engine.client(), "echo:1", ["web1", "web2"], network="shop", labels=MINE)
    assert there(engine) == dict.fromkeys(("web1", "web2"), ("running", ["shop"]))
    assert [box.labels for box in engine.world.boxes.values()] == [MINE, MINE]


def test_an_image_that_is_not_here_is_named(engine: FakeEngine) -> None:
    """By a line for a person, as every failure."""
    with pytest.raises(ProxyctlError, match=r"^making throw-away containers: No such image: echo:1"):
        throwaways.start(engine.client(), "echo:1", ["web1"], network="shop", labels=MINE)


def test_all_that_have_the_label_go_and_no_others(engine: FakeEngine) -> None:
    """Also those that do not run; the same label with another value is another run's."""
    engine.world.run("web1", "shop", MINE)
    engine.world.create("web2", "shop", {**MINE, "more": "x"})
    engine.world.run("web3", "shop", {"proxyctl.run": "2"})
    throwaways.remove(engine.client(), "proxyctl.run=1")
    assert set(there(engine)) == {"web3"}


def test_one_that_goes_by_itself_does_not_keep_the_others(engine: FakeEngine) -> None:
    """It was listed, and is gone when it is its turn."""
    for name in ("web1", "web2"):
        engine.world.run(name, "shop", MINE)
    engine.trouble("missing", ("remove",))
    throwaways.remove(engine.client(), "proxyctl.run=1")
    assert engine.calls["remove"] == 2


@pytest.mark.parametrize("kind", ["list", "remove"])
def test_where_docker_fails_it_says_so(engine: FakeEngine, kind: str) -> None:
    """What is left then is removed by the same call later."""
    engine.world.run("web1", "shop", MINE)
    engine.trouble("error", (kind,))  # type: ignore[arg-type]
    with pytest.raises(DockerUnavailable, match=f"^removing throw-away containers: the fake engine fails at {kind}"):
        throwaways.remove(engine.client(), "proxyctl.run=1")
    engine.heal()
    engine.settle()
    throwaways.remove(engine.client(), "proxyctl.run=1")
    assert there(engine) == {}
