"""A real browser, headless, and the only places that it can reach: what a page asks for is seen."""

from __future__ import annotations

import contextlib
import dataclasses
import http.server
import os
import re
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-default-apps",
    "--disable-extensions",
    "--hide-scrollbars",
    "--enable-logging=stderr",
    "--v=0",
)
_OWN = re.compile(r"(google|googleapis|gvt1)\.com[:/]")  # what the browser asks for of its own accord
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")


class Recorder(http.server.ThreadingHTTPServer):
    """A server of a few pages that writes down what it was asked for; as a proxy it sees all other hosts."""

    daemon_threads = True

    def __init__(self, pages: Mapping[str, str]) -> None:
        self.pages = pages
        self.asked: list[str] = []
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.server_port}"


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Recorder

    def do_GET(self) -> None:
        """Answer with a page, or 404."""
        self.server.asked.append(self.path)
        page = self.server.pages.get(self.path)
        body = (page or "").encode()
        self.send_response(200 if page is not None else 404)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_CONNECT(self) -> None:
        """Refuse a tunnel."""
        self.server.asked.append(self.path)
        self.send_error(403)

    def log_message(self, *args: object) -> None:
        """Be quiet."""


@dataclasses.dataclass(frozen=True, slots=True)
class Seen:
    """What a run of the browser gave: the DOM or a picture, what the console said, what was asked for."""

    dom: str
    picture: bytes
    console: tuple[str, ...]
    asked: tuple[str, ...]
    outside: tuple[str, ...]

    @property
    def background(self) -> tuple[int, int, int]:
        """The colour of the first pixel. It is stored as it is: a filter of PNG takes it from nothing before."""
        import zlib  # noqa: PLC0415

        chunks = re.findall(rb"IDAT", self.picture)
        assert chunks
        data, place = b"", 8
        while place < len(self.picture):
            length = int.from_bytes(self.picture[place : place + 4], "big")
            if self.picture[place + 4 : place + 8] == b"IDAT":
                data += self.picture[place + 8 : place + 8 + length]
            place += 12 + length
        first = zlib.decompress(data)[1:4]
        return first[0], first[1], first[2]

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the picture."""
        return int.from_bytes(self.picture[16:20], "big"), int.from_bytes(self.picture[20:24], "big")


def program() -> str:
    """Return the browser; skip the test where there is none, and fail it in CI, where one has to be."""
    found = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if found is None:
        why = "no chromium here: `make setup` as root on Debian installs it"
        if os.environ.get("CI"):
            pytest.fail(why)
        pytest.skip(why)
    return found


def look(pages: Mapping[str, str], path: str, *, width: int = 1100, dark: bool = False, picture: bool = False) -> Seen:
    """Open a page and return what it came to."""
    with (
        _serving(Recorder(pages)) as server,
        _serving(Recorder({})) as outside,
        tempfile.TemporaryDirectory() as folder,
    ):
        shot = Path(folder) / "shot.png"
        argv = [program(), *FLAGS, f"--user-data-dir={folder}/profile", f"--window-size={width},1200"]
        argv += [f"--proxy-server={outside.address}"]  # loopback does not go there
        argv += ["--blink-settings=preferredColorScheme=0"] if dark else []
        argv += [f"--screenshot={shot}"] if picture else ["--dump-dom", "--virtual-time-budget=20000"]
        ran = subprocess.run(
            [*argv, f"http://{server.address}{path}"], capture_output=True, timeout=90, check=False, cwd=folder
        )
        errors = ran.stderr.decode(errors="replace")
        assert ran.returncode == 0, errors
        return Seen(
            dom=ran.stdout.decode(errors="replace"),
            picture=shot.read_bytes() if picture else b"",
            console=tuple(line for line in errors.splitlines() if ":CONSOLE" in line),
            asked=tuple(server.asked),
            outside=tuple(asked for asked in outside.asked if not _OWN.search(asked)),
        )


@contextlib.contextmanager
def _serving(server: Recorder) -> Iterator[Recorder]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
