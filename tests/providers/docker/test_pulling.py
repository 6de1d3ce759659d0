"""`proxyctl.providers.docker.pulling`: what Docker says of a pull; a registry of its own is in `tests/docker`."""

from __future__ import annotations

import asyncio
import http.server
import json
import socketserver
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxyctl.errors import UsageError
from proxyctl.providers.docker import pulling
from proxyctl.providers.docker.pulling import ImageNotPulled, Layers, Progress, pull, refusal
from tests.providers.docker.fake_engine import UNCLOSED

pytestmark = pytest.mark.filterwarnings(UNCLOSED)

IMAGE = "haproxy:3.2"


def layer(name: str, status: str, current: int = 0, total: int = 0) -> dict[str, Any]:
    """Return a message about one layer."""
    detail = {"current": current, "total": total} if total else {}
    return {"id": name, "status": status, "progressDetail": detail}


def test_layers_are_added_up() -> None:
    """A layer's size is known once it comes; one that is whole counts as all of it, whatever is done with it after."""
    layers, seen = Layers(IMAGE), []
    for message in (
        {"status": "Pulling from library/haproxy", "id": "3.2"},
        layer("a", "Pulling fs layer"),
        layer("b", "Already exists"),
        layer("a", "Downloading", 10, 100),
        layer("c", "Downloading", 5, 50),
        layer("a", "Downloading", 60, 100),
        layer("a", "Verifying Checksum"),
        layer("a", "Extracting", 1, 100),
        layer("c", "Download complete"),
        layer("c", "Extracting", 3, -1),  # seconds, by Docker 29
        layer("c", "Pull complete"),
        {"status": "Digest: sha256:0"},
    ):
        layers.take(message)
        progress = layers.progress()
        seen.append((progress.done, progress.total))
    assert seen == [
        *[(0, 0)] * 3,
        (10, 100),
        (15, 150),
        (65, 150),
        *[(105, 150)] * 2,
        *[(150, 150)] * 4,
    ]


_values = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.floats() | st.just("Downloading")
_messages = _values | st.dictionaries(
    st.sampled_from(["id", "status", "progressDetail", "aux"]),
    _values | st.dictionaries(st.sampled_from(["current", "total"]), _values),
)


@given(st.lists(_messages))
def test_a_message_that_cannot_be_read_harms_nothing(messages: list[object]) -> None:
    """Never is more done than there is."""
    layers = Layers(IMAGE)
    for message in messages:
        layers.take(message)
    progress = layers.progress()
    assert 0 <= progress.done <= progress.total


@pytest.mark.parametrize(
    ("image", "docker_says", "told"),
    [
        (
            "haproxy:9.9",
            "manifest for haproxy:9.9 not found: manifest unknown: manifest unknown",
            "the registry has no such image: look at name and tag; where it is private, `docker login`",
        ),
        (
            "ghcr.test/shop/web:1",
            "pull access denied for ghcr.test/shop/web, repository does not exist or may require 'docker login'",
            "the registry has no such image: look at name and tag; where it is private, `docker login ghcr.test`",
        ),
        (
            "localhost/web:1",
            'Head "https://localhost/v2/web/manifests/1": unauthorized: authentication required',
            "the registry does not give it to everybody: `docker login localhost`",
        ),
        (
            "haproxy:3.2",
            "toomanyrequests: You have reached your pull rate limit. You may increase the limit by authenticating",
            "the registry gives out no more for now (rate limit): start again later, or `docker login` for a limit",
        ),
        (
            "haproxy:3.2",
            'Get "https://registry-1.docker.io/v2/": dial tcp: lookup registry-1.docker.io: no such host',
            "no registry answers (no such host): look at this machine's network, or bring it from another one (`docker",
        ),
        (
            "haproxy:3.2",
            'Get "https://r/v2/": net/http: request canceled while waiting for connection (Client.Timeout exceeded)',
            "no registry answers (request canceled): ",
        ),
        (
            "r.test/web:1",
            'Get "https://r.test/v2/": x509: certificate signed by unknown authority',
            "Docker does not trust the registry (x509: certificate signed by unknown authority): bring it from",
        ),
        (
            "haproxy:3.2",
            "write /var/lib/docker/tmp/GetImageBlob069: no space left on device",
            "Docker's disk is full: `docker system df` shows what is on it; make room, start again",
        ),
        (
            "haproxy:3.2",
            "no matching manifest for linux/arm64/v8 in the manifest list entries",
            "it is not made for this machine (linux/arm64/v8): choose another, --image",
        ),
        ("haproxy:3.2", "something\nnew\x1b[2J", "something new\\x1b[2J"),
        ("haproxy:3.2", "", "Docker does not say why"),
    ],
)
def test_a_refusal_is_one_line_with_what_to_do(image: str, docker_says: str, told: str) -> None:
    """Docker's own words decide; what nobody has met before is told as it is."""
    line = refusal(image, docker_says)
    assert line.startswith(f"image {image} cannot be pulled: {told}")
    assert line.isprintable()


class _Engine(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """An engine that knows nothing but pulls: it says `says`, then nothing until `goes_on`, or refuses with `code`."""

    daemon_threads = True
    says: tuple[object, ...] = ()
    code = 200

    def __init__(self, path: Path) -> None:
        super().__init__(str(path), _Handler)
        self.goes_on = threading.Event()


class _Handler(http.server.BaseHTTPRequestHandler):
    server: _Engine
    protocol_version = "HTTP/1.1"  # as Docker, in chunks

    def do_GET(self) -> None:
        """Tell the version, for which every client asks."""
        self._answer(200, json.dumps({"ApiVersion": "1.41", "MinAPIVersion": "1.24"}).encode())

    def do_POST(self) -> None:
        """Pull."""
        if self.server.code != 200:
            self._answer(self.server.code, json.dumps({"message": self.server.says[0]}).encode())
            return
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for text in (json.dumps(said) + "\r\n" for said in self.server.says):
            self.wfile.write(f"{len(text):x}\r\n{text}\r\n".encode())
        self.server.goes_on.wait(10)
        self.wfile.write(b"0\r\n\r\n")

    def _answer(self, code: int, body: bytes) -> None:
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body)

    def address_string(self) -> str:
        """Return no address: a unix socket has none."""
        return ""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[_Engine]:
    """An engine that DOCKER_HOST names."""
    path = tmp_path / "pulls.sock"
    with _Engine(path) as made:
        monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
        thread = threading.Thread(target=made.serve_forever, args=(0.02,))
        thread.start()
        yield made
        made.goes_on.set()
        made.shutdown()
        thread.join()


async def test_a_pull_tells_how_far_it_is_and_ends(engine: _Engine) -> None:
    """It begins before anything is known of the image, and ends with its size."""
    engine.says = (layer("a", "Downloading", 10, 100), layer("a", "Pull complete"))
    engine.goes_on.set()
    told: list[Progress] = []
    await pull(IMAGE, told.append)
    assert told == [
        Progress(IMAGE),
        Progress(IMAGE, 10, 100),
        Progress(IMAGE, 100, 100),
        Progress(IMAGE, 100, 100, ended=True),
    ]


async def test_a_pull_that_stalls_is_told_and_can_be_left(engine: _Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """While Docker says nothing, that is said; who does not want to wait is not made to."""
    monkeypatch.setattr(pulling, "LOOK", 0.01)
    monkeypatch.setattr(pulling, "STALLED", 0.05)
    engine.says = (layer("a", "Downloading", 10, 100),)
    stalled = asyncio.Event()

    def tell(progress: Progress) -> None:
        if progress.stalled and (progress.done, progress.total) == (10, 100):
            stalled.set()

    pulled = asyncio.create_task(pull(IMAGE, tell))
    await asyncio.wait_for(stalled.wait(), 10)
    began = time.monotonic()
    pulled.cancel()
    with pytest.raises(asyncio.CancelledError):
        await pulled
    assert time.monotonic() - began < 1


async def test_a_pull_that_fails_on_its_way_says_why(engine: _Engine) -> None:
    """Docker has answered with 200 by then."""
    engine.says = (layer("a", "Downloading", 10, 100), {"error": "no space left on device", "errorDetail": {}})
    engine.goes_on.set()
    with pytest.raises(ImageNotPulled, match="Docker's disk is full"):
        await pull(IMAGE, lambda _: None)


@pytest.mark.parametrize(
    ("code", "text", "error", "told"),
    [
        (404, "manifest for haproxy:9 not found: manifest unknown", ImageNotPulled, "the registry has no such image"),
        (500, "Get https://r/v2/: dial tcp: i/o timeout", ImageNotPulled, "no registry answers"),
        (400, "invalid reference format", UsageError, "--image haproxy:3.2: this is no name of an image"),
    ],
)
async def test_a_pull_that_docker_refuses_says_why(
    code: int, text: str, error: type[Exception], told: str, engine: _Engine
) -> None:
    """Some refusals come at once, as an answer of their own."""
    engine.code, engine.says = code, (text,)
    with pytest.raises(error, match=told):
        await pull(IMAGE, lambda _: None)
