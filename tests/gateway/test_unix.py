"""HTTP to a unix socket, on real sockets."""

from __future__ import annotations

import contextlib
import http.server
import socket
import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from proxyctl.gateway import unix
from tests.providers.docker.fake_engine import UNCLOSED, collect_unclosed

pytestmark = pytest.mark.filterwarnings(UNCLOSED)


class Naming(http.server.BaseHTTPRequestHandler):
    """Answers with the path that it was asked for."""

    def do_GET(self) -> None:
        """Answer."""
        body = self.path.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Log nothing; a unix socket has no client's address to log either."""


@contextlib.contextmanager
def listening(path: Path) -> Iterator[None]:
    """Serve HTTP on a socket beside the block."""
    with socketserver.ThreadingUnixStreamServer(str(path), Naming) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


def test_a_request_goes_to_the_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever proxy the environment names for other requests."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    with listening(tmp_path / "stats.sock"), unix.session(tmp_path / "stats.sock", 5) as session:
        answer = session.get(f"{unix.URL}/;csv", timeout=5)
    assert answer.text == "/;csv"


def test_two_sockets_are_not_mixed_up(tmp_path: Path) -> None:
    """Each session has its own; both have the same URL."""
    with listening(tmp_path / "one.sock"), unix.session(tmp_path / "one.sock", 5) as session:
        assert session.get(unix.URL, timeout=5).ok
    with unix.session(tmp_path / "two.sock", 5) as other, pytest.raises(requests.ConnectionError):
        other.get(unix.URL, timeout=5)
    collect_unclosed()


def test_a_socket_that_nobody_accepts_on_is_an_error_of_the_request(tmp_path: Path) -> None:
    """As of a proxy that has ended and left its socket behind."""
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / "left.sock"))
        with unix.session(tmp_path / "left.sock", 5) as session, pytest.raises(requests.ConnectionError):
            session.get(unix.URL, timeout=5)
    collect_unclosed()


def test_a_proxy_that_says_nothing_is_waited_for_no_longer_than_asked(tmp_path: Path) -> None:
    """It accepts, and hangs."""
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / "silent.sock"))
        silent.listen()
        with unix.session(tmp_path / "silent.sock", 5) as session, pytest.raises(requests.ReadTimeout):
            session.get(unix.URL, timeout=0.05)
