"""The generator against real sockets: every request is sent once, and every end is named rightly."""

from __future__ import annotations

import asyncio
import collections
import socket
import ssl
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from proxyctl.check.load import connection
from proxyctl.check.load.generator import Load
from proxyctl.check.load.request import Pace, Request
from proxyctl.check.load.sample import Sample
from proxyctl.check.load.served import ServerFrom, parse_server_from
from proxyctl.check.load.shots import KeyBy, Shots
from tests.backend.backends import Connection, Peer, raw_server, well_behaved


async def send(request: Request, **pace: Any) -> list[Sample]:
    """Run a load to its end."""
    samples: list[Sample] = []
    assert await Load(request, Pace(**pace), samples.append).run() == 0
    return samples


async def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition, 10 s at most."""
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)


def kinds(samples: list[Sample]) -> dict[str | None, int]:
    """Count the ways in which requests ended."""
    return dict(collections.Counter(sample.error for sample in samples))


# ------------------------------------------------------------------ nothing is hidden


async def close_in_second(peer: Peer) -> None:
    """Answer the first request with keep-alive; end the connection when the second has come."""
    await peer.request()
    await peer.answer(body=b"")
    await peer.request()


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "POST"])
async def test_dropped_keepalive_connection_is_an_error(method: str) -> None:
    """A server that ends a keep-alive connection under a request costs that request: none is sent again."""
    async with raw_server(close_in_second) as server:
        samples = await send(Request(server.url(), method=method), requests=6, concurrency=1)
    assert [sample.error for sample in samples] == [None, "reset"] * 3
    assert len(server.heads) == 6


async def test_connection_that_was_closed_in_time_is_no_error() -> None:
    """A server that says `Connection: close`, or closes while idle, costs nothing."""

    async def once(peer: Peer) -> None:
        await peer.request()
        await peer.answer("200 OK", b"", "Connection: close")

    async with raw_server(once) as server:
        samples = await send(Request(server.url()), requests=20, concurrency=2)
    assert kinds(samples) == {None: 20}
    assert server.connections == 20


@pytest.mark.parametrize(("longest", "connections"), [(3.0, 1), (0.05, 4)])
async def test_connection_that_lay_idle_for_long_is_not_used_again(
    longest: float, connections: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its server may close it at that very moment, which would be taken for a loss of the proxy."""
    monkeypatch.setattr(connection, "LONGEST_IDLE", longest)
    async with raw_server(well_behaved) as server:
        samples = await send(Request(server.url()), requests=4, concurrency=1, rate=5.0)
    assert kinds(samples) == {None: 4}
    assert server.connections == connections


# ------------------------------------------------------------------ kinds of ends


async def close_at_once(peer: Peer) -> None:
    """End the connection without an answer."""
    await peer.request()


async def reset_at_once(peer: Peer) -> None:
    """Reset the connection while the request is unread."""
    await asyncio.sleep(0)
    peer.reset()


async def never_answer(peer: Peer) -> None:
    """Hold the request."""
    await peer.request()
    await asyncio.Event().wait()


def says(octets: bytes) -> Connection:
    """Send these octets as the answer and end the connection."""

    async def behave(peer: Peer) -> None:
        await peer.request()
        await peer.raw(octets)

    return behave


def status(code: int) -> Connection:
    """Answer with a status."""

    async def behave(peer: Peer) -> None:
        while await peer.request():
            await peer.answer(f"{code} Whatever", b"")

    return behave


async def stall_in_body(peer: Peer) -> None:
    """Begin an answer and never end it."""
    await peer.request()
    await peer.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
    await asyncio.Event().wait()


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("behave", "kind", "code"),
    [
        pytest.param(close_at_once, "reset", None, id="closed without an answer"),
        pytest.param(reset_at_once, "reset", None, id="reset"),
        pytest.param(never_answer, "timeout", None, id="no answer"),
        pytest.param(stall_in_body, "timeout", 200, id="no end of the body"),
        pytest.param(says(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"), "short_body", 200, id="short"),
        pytest.param(says(CHUNKED + b"5\r\nhello\r\n"), "short_body", 200, id="short, chunked"),
        pytest.param(says(CHUNKED + b"zz\r\nhello\r\n"), "bad_response", None, id="not a chunk"),
        pytest.param(says(b"220 smtp.example ESMTP\r\n\r\n"), "bad_response", None, id="not HTTP"),
        pytest.param(status(404), "http_404", 404, id="404"),
        pytest.param(status(500), "http_500", 500, id="500"),
        pytest.param(status(502), "http_502", 502, id="502"),
        pytest.param(status(503), "http_503", 503, id="503"),
        pytest.param(status(504), "http_504", 504, id="504"),
        pytest.param(status(204), None, 204, id="204"),
    ],
)
async def test_kinds(behave: Connection, kind: str | None, code: int | None) -> None:
    """Each way in which a server misbehaves has its own word, counted once per request."""
    async with raw_server(behave) as server:
        samples = await send(Request(server.url(), timeout=0.2 if kind == "timeout" else 10), requests=3, concurrency=1)
    assert kinds(samples) == {kind: 3}
    assert {sample.status for sample in samples} == {code}


async def test_broken_framing_in_the_middle() -> None:
    """A body whose framing breaks after a good start is an error."""

    async def behave(peer: Peer) -> None:
        await peer.request()
        await peer.raw(CHUNKED + b"5\r\nhello\r\n")
        await asyncio.sleep(0.05)  # so that it comes in a segment of its own
        await peer.raw(b"zz\r\nhello\r\n")
        await peer.request()

    async with raw_server(behave) as server:
        samples = await send(Request(server.url()), requests=2, concurrency=1)
    assert {(sample.error, sample.status) for sample in samples} == {("bad_response", 200)}


async def test_nothing_listens() -> None:
    """A port that nobody listens on is `refused`, by address and by a name with several addresses."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        for host in ("127.0.0.1", "localhost"):
            samples = await send(Request(f"http://{host}:{port}/"), requests=5)
            assert kinds(samples) == {"refused": 5}


async def test_name_that_does_not_resolve() -> None:
    """A name that does not resolve is `dns`."""
    assert kinds(await send(Request("http://nothing.invalid/"), requests=2)) == {"dns": 2}


async def test_tls_to_a_plain_port() -> None:
    """TLS that cannot be agreed on is `tls`."""

    async def greet(peer: Peer) -> None:
        await peer.raw(b"220 smtp.example ESMTP\r\n")

    async with raw_server(greet) as server:
        assert kinds(await send(Request(server.url(scheme="https")), requests=2)) == {"tls": 2}


# ------------------------------------------------------------------ what is sent


async def test_request_as_asked() -> None:
    """Method, host and headers, repeated ones too, arrive as they were asked for."""
    async with raw_server(well_behaved) as server:
        request = Request(
            server.url("/a%2Fb?c=d"),
            method="REPORT",
            headers=(("Host", "shop.example"), ("X-One", "1"), ("x-one", "2"), ("User-Agent", "mine")),
        )
        assert kinds(await send(request, requests=1)) == {None: 1}
    first, *lines = server.heads[0].split("\r\n")
    assert first == "REPORT /a%2Fb?c=d HTTP/1.1"
    assert [line for line in lines if line.lower().startswith(("host", "x-one", "user-agent"))] == [
        "Host: shop.example",
        "X-One: 1",
        "x-one: 2",
        "User-Agent: mine",
    ]


@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_body(method: str) -> None:
    """The body is sent whole with each request, whatever the method."""
    got: list[bytes] = []

    async def behave(peer: Peer) -> None:
        while await peer.request():
            got.append(await peer.body(70_000))
            await peer.answer()

    async with raw_server(behave) as server:
        await send(Request(server.url(), method=method, body=b"x" * 70_000), requests=3, concurrency=1)
    assert got == [b"x" * 70_000] * 3


async def test_redirects_are_answers() -> None:
    """A redirect is counted as it is and not followed."""
    async with raw_server(says(b"HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n")) as server:
        samples = await send(Request(server.url()), requests=1)
    assert (samples[0].error, samples[0].status, len(server.heads)) == (None, 302, 1)


async def test_server_name() -> None:
    """The server's name is read from the header that was named, on failures too."""

    async def behave(peer: Peer) -> None:
        await peer.request()
        await peer.answer("503 Busy", b"", "X-Served-By: web1")
        await peer.request()
        await peer.answer()

    async with raw_server(behave) as server:
        samples = await send(
            Request(server.url(), server_from=ServerFrom("header", "x-served-by")), requests=2, concurrency=1
        )
    assert [(s.server, s.error) for s in samples] == [("web1", "http_503"), (None, None)]


# ------------------------------------------------------------------ TLS, keys, bodies


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for shop.example that signs itself, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    files = folder / "cert.pem", folder / "key.pem"
    kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    names = ["-subj", "/CN=shop.example", "-addext", "subjectAltName=DNS:shop.example"]
    command = ["openssl", "req", "-x509", *kind, *names, "-out", str(files[0]), "-keyout", str(files[1])]
    subprocess.run(command, check=True, capture_output=True)
    return files


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({}, "tls"),
        ({"verify_tls": False}, None),
        ({"cacert": True}, "tls"),
        ({"cacert": True, "sni": "shop.example"}, None),
    ],
)
async def test_tls(certificate: tuple[Path, Path], options: dict[str, Any], kind: str | None) -> None:
    """A certificate that nobody signed, or of another name, is an error unless it is trusted or not looked at."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate)
    if options.get("cacert"):
        options = options | {"cacert": str(certificate[0])}
    async with raw_server(well_behaved, tls=context) as server:
        samples = await send(Request(server.url(scheme="https"), **options), requests=4, concurrency=2)
    assert kinds(samples) == {kind: 4}


async def test_keys_come_from_addresses_of_their_own() -> None:
    """A key by source connects from its own loopback address, and always from that one."""
    seen: dict[str, int] = collections.Counter()

    async def behave(peer: Peer) -> None:
        while await peer.request():
            seen[peer.writer.get_extra_info("peername")[0]] += 1
            await peer.answer()

    async with raw_server(behave) as server:
        request = Request(server.url())
        load = Load(request, Pace(requests=60), lambda _: None, Shots([request], (), KeyBy("source"), range(20)))
        assert await load.run() == 0
    assert seen.keys() == {f"127.0.1.{1 + key}" for key in range(20)}
    assert sum(seen.values()) == 60


@pytest.mark.parametrize("chunked", [False, True])
async def test_large_bodies_are_read_whole(chunked: bool) -> None:
    """A body of megabytes is read to its end, and what follows on the connection is the next answer."""
    size = 3_000_000
    parts = b"".join(b"%x\r\n%b\r\n" % (30_000, b"x" * 30_000) for _ in range(100)) + b"0\r\n\r\n"

    async def behave(peer: Peer) -> None:
        while await peer.request():
            if chunked:
                await peer.raw(CHUNKED + parts)
            else:
                await peer.answer(body=b"x" * size)

    async with raw_server(behave) as server:
        samples = await send(Request(server.url()), requests=6, concurrency=2)
    assert kinds(samples) == {None: 6}
    assert server.connections == 2


async def test_first_byte_is_apart() -> None:
    """The time to the first byte ends when the answer begins, the latency when its body ends."""

    async def behave(peer: Peer) -> None:
        await peer.request()
        await peer.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")
        await asyncio.sleep(0.2)
        await peer.raw(b"ok")

    async with raw_server(behave) as server:
        (sample,) = await send(Request(server.url()), requests=1)
    assert sample.first_byte is not None
    assert 0.1 < sample.latency - sample.first_byte <= sample.latency


@pytest.mark.parametrize("where", ["body:by (\\w+)", "json:/by"])
async def test_server_named_in_the_body(where: str) -> None:
    """The body names the server too, whole, however it comes."""
    body = b'{"by": "web7", "text": "served by web7"}'

    async def behave(peer: Peer) -> None:
        while await peer.request():
            await peer.raw(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body[:9])
            await asyncio.sleep(0.01)
            await peer.raw(body[9:])

    async with raw_server(behave) as server:
        samples = await send(Request(server.url(), server_from=parse_server_from(where)), requests=4, concurrency=2)
    assert [sample.server for sample in samples] == ["web7"] * 4


async def test_interim_answers_are_not_answers() -> None:
    """A 100 or 103 announces an answer, and the one that follows counts."""

    async def behave(peer: Peer) -> None:
        while await peer.request():
            await peer.raw(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")
            await asyncio.sleep(0.01)
            await peer.answer("200 OK", b"ok")

    async with raw_server(behave) as server:
        samples = await send(Request(server.url()), requests=3, concurrency=1)
    assert [(s.status, s.error) for s in samples] == [(200, None)] * 3


async def test_a_late_request_is_counted_as_waiting() -> None:
    """In an open loop, those that had no free connection when they were due are counted."""

    async def behave(peer: Peer) -> None:
        while await peer.request():
            await asyncio.sleep(0.1)
            await peer.answer()

    async with raw_server(behave) as server:
        load = Load(Request(server.url()), Pace(requests=20, rate=100, concurrency=1), lambda _: None)
        assert await load.run() == 0
    assert load.waited >= 15


async def test_own_pulse() -> None:
    """A loop that was held up knows from when to when."""
    held = False

    async def behave(peer: Peer) -> None:
        nonlocal held
        while await peer.request():
            if len(server.heads) == 50 and not held:
                held = True
                time.sleep(0.2)  # noqa: ASYNC251 - that is what is looked for
            await peer.answer()

    async with raw_server(behave) as server:
        load = Load(Request(server.url()), Pace(requests=100, rate=200), lambda _: None)
        assert await load.run() == 0
    assert any(end - begin >= 0.19 and begin < 0.3 < end for begin, end in load.pulse.deaf), load.pulse.deaf


# ------------------------------------------------------------------ how much, how fast


@pytest.mark.parametrize(("keepalive", "connections"), [(True, 4), (False, 57)])
async def test_requests_are_exact(keepalive: bool, connections: int) -> None:
    """As many requests as were asked for are sent, no more at a time than was asked for."""
    async with raw_server(well_behaved) as server:
        samples = await send(Request(server.url(), keepalive=keepalive), requests=57, concurrency=4)
    assert len(samples) == len(server.heads) == 57
    assert server.connections == connections
    assert all(("Connection: close" in head) is not keepalive for head in server.heads)


async def test_duration_ends_it() -> None:
    """Of requests and duration the first to be used up ends the load, and what is under way is finished."""
    async with raw_server(well_behaved) as server:
        began = time.monotonic()
        samples = await send(Request(server.url()), requests=10**9, duration=0.2, concurrency=2)
        assert 0.2 <= time.monotonic() - began < 10
    assert len(samples) == len(server.heads) > 0
    assert kinds(samples) == {None: len(samples)}


async def test_rate_is_kept() -> None:
    """An open loop sends at fixed times: as many as are due in the duration, evenly."""
    async with raw_server(well_behaved) as server:
        samples = await send(Request(server.url()), duration=0.5, rate=100, concurrency=50)
    assert [round(s.at * 100) for s in sorted(samples, key=lambda s: s.at)] == list(range(50))
    assert len(server.heads) == 50


async def test_stall_is_in_the_latency_of_those_that_waited() -> None:
    """In an open loop latency counts from the time at which a request was due, so one stall shows in many."""
    stalled = False

    async def behave(peer: Peer) -> None:
        nonlocal stalled
        while await peer.request():
            if not stalled:
                stalled = True
                await asyncio.sleep(0.4)
            await peer.answer()

    async with raw_server(behave) as server:
        samples = await send(Request(server.url()), requests=40, rate=100, concurrency=1)
    assert sum(sample.latency > 0.2 for sample in samples) >= 15
    assert len(server.heads) == 40


@pytest.mark.parametrize("rate", [None, 1000.0])
async def test_stop_with_nothing_hanging(rate: float | None) -> None:
    """After `stop` what is under way is finished, and nothing new is sent."""
    async with raw_server(well_behaved) as server:
        samples: list[Sample] = []
        load = Load(Request(server.url()), Pace(rate=rate), samples.append)
        running = asyncio.create_task(load.run())
        await until(lambda: len(samples) >= 20)
        load.stop()
        assert await running == 0
        assert len(samples) == len(server.heads)
        assert kinds(samples) == {None: len(samples)}


async def test_stop_cuts_off_what_hangs() -> None:
    """Requests that do not end within the grace are cut off, and their number is returned."""
    async with raw_server(never_answer) as server:
        samples: list[Sample] = []
        load = Load(Request(server.url(), timeout=30), Pace(requests=100, concurrency=3), samples.append)
        running = asyncio.create_task(load.run())
        await until(lambda: len(server.heads) == 3)
        load.stop(grace=0.05)
        assert await asyncio.wait_for(running, 5) == 3
    assert samples == []


async def test_slow_rate_notices_stop() -> None:
    """A load whose next request is a minute away ends at once when it is stopped."""
    async with raw_server(well_behaved) as server:
        samples: list[Sample] = []
        load = Load(Request(server.url()), Pace(rate=1 / 60), samples.append)
        running = asyncio.create_task(load.run())
        await until(lambda: bool(samples))
        load.stop()
        assert await asyncio.wait_for(running, 0.9) == 0


async def test_cancelling_ends_it() -> None:
    """A cancelled load leaves no request behind."""
    async with raw_server(never_answer) as server:
        running = asyncio.create_task(Load(Request(server.url()), Pace(requests=5), lambda _: None).run())
        await until(lambda: bool(server.heads))
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert not [task for task in asyncio.all_tasks() if "Load." in repr(task)]


async def test_error_in_the_recorder_comes_out() -> None:
    """A programming error is not counted as a failed request."""

    def broken(sample: Sample) -> None:
        raise ZeroDivisionError

    async with raw_server(well_behaved) as server:
        with pytest.raises(ZeroDivisionError):
            await Load(Request(server.url()), Pace(requests=5), broken).run()
