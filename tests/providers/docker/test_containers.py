"""Single containers against an engine that fails: every failure is one of ours, so that a rollout can go back."""

from __future__ import annotations

from unittest import mock

import docker.errors
import pytest

from proxyctl.errors import ContainerGone, DockerUnavailable, ProxyctlError
from proxyctl.providers.docker.containers import Containers
from tests.providers.docker.fake_engine import UNCLOSED, FakeEngine, How

pytestmark = pytest.mark.filterwarnings(UNCLOSED)


@pytest.mark.parametrize(("how", "told"), [("slow", "timed out"), ("cut", "Connection"), ("error", "fails at remove")])
def test_a_removal_that_fails_says_so_in_one_line(engine: FakeEngine, how: How, told: str) -> None:
    """A time-out, a connection that ends, a 500: a ProxyctlError, as of every other question."""
    engine.timeout = 0.3
    containers = Containers(engine.client())
    engine.trouble(how, ("remove",))
    with pytest.raises(DockerUnavailable, match=f"^removing 0123456789ab: .*{told}"):
        containers.remove("0123456789abcdef", volumes=True)


@pytest.mark.parametrize("how", ["missing", "busy"])
def test_a_container_that_is_gone_or_going_is_removed(engine: FakeEngine, how: How) -> None:
    """Somebody else removed it, or it removes itself: that is what was wanted."""
    containers = Containers(engine.client())
    engine.trouble(how, ("remove",))
    containers.remove("0123456789abcdef", volumes=True)
    assert engine.calls["remove"] == 1


@pytest.mark.parametrize(
    ("answer", "paused"),
    [(None, True), ("Cannot pause container x: OCI runtime pause failed: unable to freeze", False)],
)
def test_a_pause_that_docker_gave_up_on_can_be_asked_for_again(answer: str | None, paused: bool) -> None:
    """The container runs on, and nothing is wrong with it: no error, but False."""
    client = mock.Mock()
    client.pause.side_effect = docker.errors.APIError("500", explanation=answer) if answer else None
    assert Containers(client).pause("0123456789ab", "web1") is paused


def test_a_pause_that_fails_otherwise_is_an_error() -> None:
    """It names the container and the reason."""
    client = mock.Mock()
    client.pause.side_effect = docker.errors.APIError("409", explanation="Container x is not running")
    with pytest.raises(ProxyctlError, match=r"^pausing web1: .*is not running"):
        Containers(client).pause("0123456789ab", "web1")


def test_an_old_one_that_is_gone_is_told_from_one_that_cannot_be_read(engine: FakeEngine) -> None:
    """A rollout goes on without the first; the second ends it."""
    containers = Containers(engine.client())
    engine.trouble("missing", ("inspect",))
    with pytest.raises(ContainerGone, match=r"^container 0123456789ab is not here"):
        containers.old("0123456789abcdef")
    engine.trouble("error", ("inspect",))
    with pytest.raises(DockerUnavailable):
        containers.old("0123456789abcdef")
