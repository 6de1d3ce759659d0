"""Where Docker is asked, and how it is noticed that it is back."""

from __future__ import annotations

import asyncio
import hashlib
import json
import socket
import time
from pathlib import Path

import pytest

from proxyctl.errors import DockerUnavailable
from proxyctl.providers.docker.endpoint import Endpoint, endpoint, reachable
from tests.providers.docker.fake_engine import UNCLOSED, FakeEngine

pytestmark = pytest.mark.filterwarnings(UNCLOSED)


@pytest.fixture
def contexts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of Docker's own command line, with the context `far`."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    (tmp_path / "config.json").write_text("{}")
    meta = tmp_path / "contexts" / "meta" / hashlib.sha256(b"far").hexdigest()
    meta.mkdir(parents=True)
    far = {"Name": "far", "Metadata": {}, "Endpoints": {"docker": {"Host": "tcp://far.example:2375"}}}
    (meta / "meta.json").write_text(json.dumps(far))
    return tmp_path


@pytest.mark.parametrize(
    ("environment", "current", "url"),
    [
        ({}, "", "http+unix:///var/run/docker.sock"),
        ({"DOCKER_HOST": "unix:///x/d.sock"}, "far", "http+unix:///x/d.sock"),
        ({"DOCKER_HOST": "tcp://10.0.0.1:2375", "DOCKER_CONTEXT": "far"}, "", "http://10.0.0.1:2375"),
        ({"DOCKER_CONTEXT": "far"}, "", "http://far.example:2375"),
        ({"DOCKER_CONTEXT": "default"}, "", "http+unix:///var/run/docker.sock"),
        ({}, "far", "http://far.example:2375"),
    ],
)
def test_docker_is_asked_where_its_own_command_line_asks(
    contexts: Path, environment: dict[str, str], current: str, url: str
) -> None:
    """DOCKER_HOST first, then DOCKER_CONTEXT, then the context in use, else the usual socket."""
    (contexts / "config.json").write_text(json.dumps({"currentContext": current} if current else {}))
    assert endpoint(environment).url == url


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"DOCKER_HOST": "foo://x:1"}, "DOCKER_HOST=foo://x:1 cannot be meant: give unix:///PATH or tcp://HOST:PORT"),
        ({"DOCKER_HOST": "tcp://x"}, "DOCKER_HOST=tcp://x cannot be meant"),
        ({"DOCKER_HOST": "tcp://x:y"}, "DOCKER_HOST=tcp://x:y cannot be meant"),
        ({"DOCKER_HOST": "ssh://me@far"}, "DOCKER_HOST=ssh://me@far is not supported.*run proxyctl there"),
        ({"DOCKER_CONTEXT": "near"}, "DOCKER_CONTEXT=near: there is no such context; `docker context ls`"),
    ],
)
def test_what_cannot_be_meant_is_one_line(contexts: Path, environment: dict[str, str], said: str) -> None:
    """It names the variable, and what to give instead."""
    with pytest.raises(DockerUnavailable, match=said):
        endpoint(environment)


async def test_a_socket_that_is_there_again_is_noticed_at_once(engine: FakeEngine) -> None:
    """Within a moment after it answers, and not before."""
    engine.vanish()
    waiting = asyncio.create_task(reachable(engine.endpoint))
    await asyncio.sleep(0.6)
    assert not waiting.done()
    engine.up()
    began = time.monotonic()
    await waiting
    assert time.monotonic() - began < 0.6


async def test_a_socket_that_is_held_for_docker_is_no_docker(tmp_path: Path) -> None:
    """Systemd accepts connections before Docker runs: the ping is answered once Docker is there."""
    path = tmp_path / "docker.sock"
    with socket.socket(socket.AF_UNIX) as held:
        held.bind(str(path))
        held.listen()
        waiting = asyncio.create_task(reachable(lambda: Endpoint(f"http+unix://{path}")))
        await asyncio.sleep(0.6)
        assert not waiting.done()
        connection, _ = held.accept()
        with connection:
            assert connection.recv(100).startswith(b"GET /_ping ")
            connection.sendall(b"HTTP/1.0 200 OK\r\n\r\nOK")
            await waiting


async def test_a_tcp_address_is_noticed_too() -> None:
    """Also one whose name does not resolve at first."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    names = iter(["http://nowhere.invalid:1", *[f"http://127.0.0.1:{port}"] * 99])
    waiting = asyncio.create_task(reachable(lambda: Endpoint(next(names))))
    await asyncio.sleep(0.4)
    assert not waiting.done()

    def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.0 200 OK\r\n\r\nOK")
        writer.close()

    answers = await asyncio.start_server(answer, "127.0.0.1", port)
    async with asyncio.timeout(2):
        await waiting
    answers.close()
    await answers.wait_closed()
