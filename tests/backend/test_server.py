"""`proxyctl echo`, as a process, asked over real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from proxyctl.backend import server as module
from tests.backend.backends import EchoProcess, echo_process


@pytest.fixture(scope="module")
def echo() -> Iterator[EchoProcess]:
    """One server for the tests that do not end it."""
    with echo_process("--name", "web1") as running:
        yield running


async def ask(url: str, method: str = "GET", **options: object) -> tuple[int, str, aiohttp.ClientResponse]:
    """Return status, body and response of one request."""
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, url, **options) as response,  # type: ignore[arg-type]
    ):
        return response.status, await response.text(), response


async def test_answer(echo: EchoProcess) -> None:
    """The answer names the server and says what was received, path and query as they were sent."""
    status, text, response = await ask(
        echo.url("/a%20b"), "PATCH", params="x=1", data=b"hello", headers={"Host": "shop.example", "X-One": "1"}
    )
    told = json.loads(text)
    assert status == 200
    assert response.headers["X-Served-By"] == "web1"
    assert {k: told[k] for k in ("server", "method", "path", "query", "host", "client", "body_bytes")} == {
        "server": "web1",
        "method": "PATCH",
        "path": "/a%20b",
        "query": "x=1",
        "host": "shop.example",
        "client": "127.0.0.1",
        "body_bytes": 5,
    }
    assert told["headers"]["X-One"] == "1"


async def test_repeated_headers_are_joined_and_requests_are_counted(echo: EchoProcess) -> None:
    """A header that came twice is one value with a comma, and the count goes up by one."""
    _, first, _ = await ask(echo.url(), headers=[("X-Two", "a"), ("X-Two", "b")])
    await ask(echo.url("/healthz"))
    _, second, _ = await ask(echo.url())
    assert json.loads(first)["headers"]["X-Two"] == "a, b"
    assert json.loads(second)["requests"] == json.loads(first)["requests"] + 1


async def test_health_is_switched_at_run_time(echo: EchoProcess) -> None:
    """/healthz says 200 until it is told otherwise by POST or PUT, and GET switches nothing."""
    assert (await ask(echo.url("/healthz")))[0] == 200
    assert (await ask(echo.url("/healthz/down")))[0] == 405
    assert (await ask(echo.url("/healthz/sideways"), "POST"))[0] == 404
    assert (await ask(echo.url("/healthz/down"), "POST"))[0] == 200
    assert (await ask(echo.url("/healthz")))[0] == 503
    assert (await ask(echo.url("/healthz/up"), "PUT"))[0] == 200
    assert (await ask(echo.url("/healthz")))[0] == 200


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        ("/status/204", 204, ""),
        ("/status/503", 503, ""),
        ("/bytes/70000", 200, "." * 70000),
        ("/stream/0.2", 200, "web1 0\nweb1 1\n"),
    ],
)
async def test_paths(echo: EchoProcess, path: str, status: int, body: str) -> None:
    """Each path does what the help says."""
    got = await ask(echo.url(path))
    assert got[:2] == (status, body)


@pytest.mark.parametrize(
    "path", ["/status/99", "/status/600", "/delay/61", "/delay/nan", "/delay/-1", "/bytes/x", "/delay"]
)
async def test_amounts_out_of_range(echo: EchoProcess, path: str) -> None:
    """An amount that is not accepted is a 400 that lists the paths."""
    status, text, _ = await ask(echo.url(path))
    assert status == 400
    assert "/delay/SECONDS" in text


async def test_head_has_no_body(echo: EchoProcess) -> None:
    """HEAD works on every path."""
    for path in ("/", "/bytes/10", "/stream/9"):
        assert (await ask(echo.url(path), "HEAD"))[:2] == (200, "")


async def test_delay(echo: EchoProcess) -> None:
    """/delay answers after the delay, not before it."""
    start = time.monotonic()
    assert (await ask(echo.url("/delay/0.2")))[0] == 200
    assert time.monotonic() - start >= 0.2


@pytest.mark.parametrize(
    ("path", "error"), [("/close", aiohttp.ServerDisconnectedError), ("/reset", aiohttp.ClientOSError)]
)
async def test_rude_ends(echo: EchoProcess, path: str, error: type[Exception]) -> None:
    """/close ends the connection in order, /reset resets it, both without an answer."""
    with pytest.raises(error):
        await ask(echo.url(path), "POST")


@pytest.mark.parametrize("reset", [False, True])
def test_rude_clients(reset: bool, tmp_path: Path) -> None:
    """Clients that leave in the middle, or do not speak HTTP, neither harm it nor fill its log."""
    with (tmp_path / "stderr").open("w") as stderr, echo_process(stderr=stderr) as running:
        for octets in (
            b"GET /bytes/100000000 HTTP/1.1\r\nHost: a\r\n\r\n",
            b"GET /stream/60 HTTP/1.1\r\nHost: a\r\n\r\n",
            b"GET /delay/0.1 HTTP/1.1\r\nHost: a\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc",
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00",
            b"",
        ):
            with socket.create_connection(("127.0.0.1", running.port)) as client:
                client.sendall(octets)
                client.settimeout(0.2)
                with contextlib.suppress(OSError):
                    client.recv(1)
                if reset:
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        assert asyncio.run(ask(running.url("/delay/0.2")))[0] == 200
        assert running.end() == 0
    assert (tmp_path / "stderr").read_text() == ""


async def test_graceful_end() -> None:
    """On SIGTERM the running request is finished, new ones still come in for a while, and the exit code is 0."""
    with echo_process("--name", "web1", "--linger", "0.5") as running:
        slow = asyncio.create_task(ask(running.url("/delay/1")))
        while json.loads((await ask(running.url()))[1])["requests"] < 2:
            pass
        running.process.send_signal(signal.SIGTERM)
        while (await ask(running.url("/healthz")))[0] == 200:
            pass
        late = await ask(running.url())
        finished = await slow
        assert (late[0], late[2].headers.get("Connection")) == (200, "close")
        assert (finished[0], finished[2].headers.get("Connection")) == (200, "close")
        assert await asyncio.to_thread(running.process.wait, 30) == 0


async def test_graceful_end_waits_while_requests_come() -> None:
    """A proxy that learns late that the server leaves sends on to it; it ends soon after the last request."""
    with echo_process("--linger", "1") as running:
        await ask(running.url())
        running.process.send_signal(signal.SIGTERM)
        start = time.monotonic()
        while time.monotonic() - start < 1.5:
            assert (await ask(running.url()))[0] == 200
            await asyncio.sleep(0.05)
        assert await asyncio.to_thread(running.process.wait, 30) == 0


async def test_graceful_end_does_not_wait_for_ever_while_requests_come() -> None:
    """It ends after 5 s, which this test takes."""
    with echo_process("--linger", "0.05") as running:
        await ask(running.url())
        running.process.send_signal(signal.SIGTERM)
        with contextlib.suppress(aiohttp.ClientError):
            async with asyncio.timeout(30):
                while True:
                    await ask(running.url())
        assert await asyncio.to_thread(running.process.wait, 30) == 0


async def test_graceful_end_is_bounded() -> None:
    """A request that takes longer than --drain-seconds does not hold the end up."""
    with echo_process("--linger", "0", "--drain-seconds", "0.2") as running:
        slow = asyncio.create_task(ask(running.url("/delay/60")))
        while json.loads((await ask(running.url()))[1])["requests"] < 2:
            pass
        start = time.monotonic()
        assert await asyncio.to_thread(running.end) == 0
        assert time.monotonic() - start < 25
        with pytest.raises(aiohttp.ClientError):
            await slow


async def test_abrupt_end() -> None:
    """With --on-term abrupt the process is gone at once, and so is the running request."""
    with echo_process("--on-term", "abrupt") as running:
        slow = asyncio.create_task(ask(running.url("/delay/60"), "POST"))
        while json.loads((await ask(running.url()))[1])["requests"] < 2:
            pass
        assert await asyncio.to_thread(running.end) == 143
        with pytest.raises((aiohttp.ClientError, ConnectionError)):
            await slow


async def test_ignored_end() -> None:
    """With --on-term ignore SIGTERM changes nothing."""
    with echo_process("--on-term", "ignore") as running:
        running.process.send_signal(signal.SIGTERM)
        assert (await ask(running.url("/healthz")))[0] == 200


def test_end_before_it_listens() -> None:
    """SIGTERM during --start-delay ends it without ever listening."""
    command = [sys.executable, "-m", "proxyctl.backend.server", "--port", "0", "--start-delay", "60"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 30
        while not _catches_sigterm(process.pid):
            assert time.monotonic() < deadline, "the handler of SIGTERM was not installed within 30 s"
        process.send_signal(signal.SIGTERM)
        assert process.communicate(timeout=30)[0] == ""
        assert process.returncode == 0


def _catches_sigterm(pid: int) -> bool:
    with open(f"/proc/{pid}/status", encoding="ascii") as file:  # noqa: PTH123 - a kernel file
        caught = next(line for line in file if line.startswith("SigCgt"))
    return bool(int(caught.split()[1], 16) & 1 << signal.SIGTERM - 1)


def test_port_in_use(echo: EchoProcess, capsys: pytest.CaptureFixture[str]) -> None:
    """A port that is taken is exit code 1 and one line that names it."""
    handler = signal.getsignal(signal.SIGTERM)
    try:
        assert module.main(["--host", "127.0.0.1", "--port", str(echo.port)]) == 1
    finally:
        signal.signal(signal.SIGTERM, handler)  # its loop took it, and would keep it from ending this process
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert f"127.0.0.1:{echo.port}" in error


def test_light_imports() -> None:
    """It starts without the libraries of the command line, Docker and the settings."""
    code = "import sys, proxyctl.backend.server; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={**os.environ}
    )
    assert not {"typer", "click", "rich", "docker", "pydantic", "requests", "jinja2"} & set(loaded.stdout.split())


async def test_a_sick_server_ends_every_connection_until_it_is_well_again() -> None:
    """--sick: while /healthz says 503 nothing else is answered."""
    with echo_process("--sick", "--unhealthy") as echo:
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await ask(echo.url(), "POST")
        assert (await ask(echo.url("/healthz")))[0] == 503
        assert (await ask(echo.url("/healthz/up"), "POST"))[0] == 200
        assert (await ask(echo.url()))[0] == 200


def test_requests_are_logged_when_they_begin_and_when_they_are_answered() -> None:
    """--log-requests: a request inside a server that dies has only the first line."""
    with echo_process("--log-requests") as echo:
        with socket.create_connection(("127.0.0.1", echo.port)) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert connection.recv(4096).startswith(b"HTTP/1.1 200")
            connection.sendall(b"POST /delay/60 HTTP/1.1\r\nHost: x\r\n\r\n")
            assert echo.process.stdout is not None
            lines = [echo.process.stdout.readline().strip() for _ in range(3)]
        echo.process.kill()
        assert lines == ["1 GET / begins", "1 GET / is answered", "2 POST /delay/60 begins"]
        assert echo.process.stdout.read() == ""


def test_idle_connections_are_closed_at_random() -> None:
    """--idle-close: an answered connection ends within that time; a request that comes before is answered."""
    with (
        echo_process("--idle-close", "2") as echo,
        socket.create_connection(("127.0.0.1", echo.port), 20) as connection,
    ):
        for _ in range(3):
            connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert connection.recv(4096).startswith(b"HTTP/1.1 200")
        assert connection.recv(4096) == b""


def test_a_graceful_end_does_not_wait_for_idle_connections() -> None:
    """A proxy keeps connections open; the server that ends closes them instead of waiting for --drain-seconds."""
    with (
        echo_process("--drain-seconds", "30") as echo,
        socket.create_connection(("127.0.0.1", echo.port), 20) as connection,
    ):
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(4096).startswith(b"HTTP/1.1 200")
        assert echo.end(within=20) == 0
