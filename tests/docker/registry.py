"""Registries on the loopback of a private engine: Debian's, and one on the wire that refuses in chosen ways."""

from __future__ import annotations

import contextlib
import http.server
import json
import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.machine import registry_server
from tests.docker.private_engine import PrivateEngine, made_in
from tests.docker.watching import eventually

PORT = 5000
MIRROR = f"http://127.0.0.1:{PORT}"
OFFICIAL = {"haproxy": "haproxy:3.2", "nginx": "nginx:1.30"}
"""Under these names the mirror has what `make setup` made or pulled as the official images."""
_CONFIGURATION = """\
version: 0.1
log: {{level: error}}
storage: {{filesystem: {{rootdirectory: {folder}}}}}
http: {{addr: "127.0.0.1:{port}"}}
"""


@contextlib.contextmanager
def mirror(engine: PrivateEngine, folder: Path) -> Iterator[None]:
    """Run a registry beside an engine, with the official images in it; the engine itself has no image afterwards."""
    program = registry_server.find()
    if program is None:
        why = "no docker-registry here: `make setup` on Debian unpacks it"
        if os.environ.get("CI"):
            pytest.fail(why)
        pytest.skip(why)
    config = folder / "registry.yml"
    config.write_text(_CONFIGURATION.format(folder=folder / "registry", port=PORT))
    with (folder / "registry.log").open("wb") as log:
        argv = (*engine.enter, str(program), "serve", str(config))
        served = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        eventually(lambda: _answers(engine), "an answer of the registry")
        for name in OFFICIAL:
            engine.load(f"proxyctl/official-{name}:latest")
        for name, official in OFFICIAL.items():
            pushed = f"127.0.0.1:{PORT}/library/{official}"
            engine.client.images.get(f"proxyctl/official-{name}:latest").tag(pushed)
            engine.client.images.push(pushed)
        empty(engine)
        yield
    finally:
        served.terminate()
        served.wait()


def empty(engine: PrivateEngine) -> None:
    """Remove all images of an engine."""
    for image in engine.client.images.list():
        engine.client.api.remove_image(str(image.id), force=True)


def _answers(engine: PrivateEngine) -> bool:
    with contextlib.suppress(OSError), made_in(engine.net, socket.socket) as probe:
        probe.settimeout(1)
        probe.connect(("127.0.0.1", PORT))
        return True
    return False


class Refusing(http.server.BaseHTTPRequestHandler):
    """A registry that is there, and gives no image: the name of the image says how it refuses."""

    protocol_version = "HTTP/1.1"
    asked = threading.Event()
    """Set once somebody waits for `stalls`."""

    def do_GET(self) -> None:
        """Answer."""
        kind = self.path.split("/")[2]
        if kind == "limited":
            self._refuse(429, "TOOMANYREQUESTS", "You have reached your pull rate limit.")
        elif kind == "private":
            self._refuse(401, "UNAUTHORIZED", "authentication required")
        elif kind == "foreign":
            platform = {"architecture": "s390x", "os": "linux"}
            listed = {"mediaType": _MANIFEST, "size": 1, "digest": f"sha256:{0:064}", "platform": platform}
            self._answer(200, {"schemaVersion": 2, "mediaType": _LIST, "manifests": [listed]}, _LIST)
        elif kind == "stalls":
            self.asked.set()
            threading.Event().wait(30)
        else:
            self._answer(200, {})

    def do_HEAD(self) -> None:
        """Send the engine to GET."""
        self.send_response(404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _refuse(self, status: int, code: str, message: str) -> None:
        self._answer(status, {"errors": [{"code": code, "message": message}]})

    def _answer(self, status: int, answer: object, kind: str = "application/json") -> None:
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"


@contextlib.contextmanager
def refusing(engine: PrivateEngine) -> Iterator[str]:
    """Run such a registry beside an engine; give its address."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Refusing, bind_and_activate=False)
    server.socket.close()
    server.socket = made_in(engine.net, socket.socket)
    server.socket.setblocking(True)
    server.daemon_threads = True
    server.server_bind()
    server.server_activate()
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
