"""`proxyctl.providers.docker.client`: what people read when Docker does not answer, through a real socket."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import docker
import pytest

from proxyctl.errors import DockerAway, DockerRefuses, DockerSilent, DockerUnavailable
from proxyctl.providers.docker.client import translated
from tests.providers.docker.fake_engine import UNCLOSED, FakeEngine, How

pytestmark = pytest.mark.filterwarnings(UNCLOSED)


def test_a_connection_that_breaks_off_is_said_in_words(tmp_path: Path) -> None:
    """Not with the names of classes of the library."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "docker.sock"))
        server.listen()

        def hang_up() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)

        thread = threading.Thread(target=hang_up)
        thread.start()
        client = docker.APIClient(f"unix://{tmp_path}/docker.sock", version="1.41", timeout=5)
        with pytest.raises(DockerUnavailable) as raised, translated("ping"):
            client.ping()
        thread.join()
        client.close()
    assert str(raised.value) == "ping: Docker's connection broke off before the answer was there"


@pytest.mark.parametrize(
    ("how", "kind", "said"),
    [
        ("forbidden", DockerRefuses, "refuses GET /containers/json (403 Forbidden)"),
        ("nobody", DockerAway, "answers, and no engine behind it (503 Service Unavailable)"),
        ("slow", DockerSilent, "timed out, Docker did not answer within 0.3 s"),
        ("error", DockerUnavailable, "the fake engine fails at list"),
        ("garbage", DockerUnavailable, "what answers there is not Docker, or broken: Expecting"),
    ],
)
def test_each_failure_has_its_kind_and_words(
    engine: FakeEngine, how: How, kind: type[DockerUnavailable], said: str
) -> None:
    """A refusal is no silence, silence is no absence; pages for people are not printed."""
    engine.timeout = 0.3
    client = engine.client()
    engine.trouble(how, ("list",))
    engine.settle()
    with pytest.raises(DockerUnavailable) as raised, translated("listing"):
        client.containers()
    assert type(raised.value) is kind
    assert said in str(raised.value)
    assert "<" not in str(raised.value)


def test_a_refusal_while_the_version_is_negotiated_is_one(engine: FakeEngine) -> None:
    """docker-py hides it in words of its own."""
    engine.trouble("forbidden", ("version",))
    engine.settle()
    with pytest.raises(DockerRefuses, match=r"refuses GET /version \(403 Forbidden\)"), translated("Docker"):
        engine.client()


@pytest.mark.parametrize("versions", [("1.44", "1.52"), ("1.24", "1.30")])
def test_a_client_that_is_kept_follows_the_engine(engine: FakeEngine, versions: tuple[str, str]) -> None:
    """The gateway's client lives as long as `watch`: an engine that was upgraded, or put back, still answers it."""
    box = engine.world.run("web1", "shop", {})
    client = engine.client()
    assert client.inspect_container(box.id)["Id"] == box.id
    engine.vanish()
    engine.versions = versions
    engine.up()
    for _ in range(2):
        assert client.inspect_container(box.id)["Id"] == box.id
        assert client.api_version == versions[1]
        client.start(box.id)
