"""Docker's commands in what people are told."""

from __future__ import annotations

import pytest

from tests.core.worlds import decide
from tests.providers.docker.fake_engine import UNCLOSED, FakeEngine
from tests.providers.docker.following import ENABLED, NET, fresh

pytestmark = pytest.mark.filterwarnings(UNCLOSED)


async def test_what_a_person_is_told_to_type(engine: FakeEngine) -> None:
    """A problem with a container of Docker's ends in a command of Docker's."""
    engine.world.run("astray", "bridge", ENABLED)
    sick = engine.world.create("sick", NET, ENABLED, checked=True)
    engine.world.start(sick)
    engine.world.become(sick, "unhealthy")
    assert [(p.container, p.reason) for p in decide(await fresh(engine)).problems if p.container] == [
        ("astray", f"is not on network {NET}: docker network connect {NET} astray"),
        ("sick", "its HEALTHCHECK says unhealthy: docker inspect sick shows what it answered"),
    ]
