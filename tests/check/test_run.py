"""Whole checks against real servers."""

from __future__ import annotations

import asyncio

import pytest

from proxyctl.check import run as check
from proxyctl.check.load.served import ServerFrom
from proxyctl.check.measures.tally import Progress
from proxyctl.check.verdicts.threshold import parse_threshold
from proxyctl.core.layout import CHECK_HEADER
from proxyctl.errors import UsageError
from tests.backend.backends import Peer, raw_server, well_behaved
from tests.check.proxies import TOKEN, balancing


async def test_servers_are_named_by_token() -> None:
    """With the gateway's token each server is counted, and a right balance passes."""
    async with raw_server(balancing("web1", "web1", "web1", "web2")) as proxy:
        report = await check.run(proxy.url(), requests=400, token=TOKEN, expected={"web1": 3, "web2": 1})
    assert report.servers == {"web1": 300, "web2": 100}
    assert report.ok
    assert [verdict.name for verdict in report.verdicts] == ["errors", "balance"]


async def test_wrong_balance_is_caught() -> None:
    """Weights that were swapped fail, and so does a server that serves and should not."""
    async with raw_server(balancing("web1", "web2", "web2", "web2")) as proxy:
        swapped = await check.run(proxy.url(), requests=100, token=TOKEN, expected={"web1": 3, "web2": 1})
        drained = await check.run(proxy.url(), requests=4, token=TOKEN, expected={"web1": 0, "web2": 1})
    assert not swapped.ok
    assert not drained.ok


async def test_servers_without_token() -> None:
    """Without the token nobody is named, and the report says why."""
    async with raw_server(balancing("web1")) as proxy:
        report = await check.run(proxy.url(), requests=5, token="wrong")
    assert (report.servers, report.ok) == ({}, True)
    assert report.notes[0].startswith("servers not named")


async def test_foreign_proxies_do_not_see_the_token() -> None:
    """With a header of the user's choice the servers are named by that, and the secret is not sent."""
    async with raw_server(balancing("web1", "web2")) as proxy:
        report = await check.run(proxy.url(), requests=10, token=TOKEN, server_from=ServerFrom("header", "X-Served-By"))
    assert report.servers == {"web1": 5, "web2": 5}
    assert not any(CHECK_HEADER in head for head in proxy.heads)


async def test_default_amount() -> None:
    """With neither requests nor a duration it is 1,000 requests."""
    async with raw_server(well_behaved) as server:
        assert (await check.run(server.url())).requests == len(server.heads) == check.DEFAULT_REQUESTS


async def test_threshold_fails() -> None:
    """A threshold that does not hold makes the report bad."""
    async with raw_server(well_behaved) as server:
        report = await check.run(server.url(), requests=5, thresholds=[parse_threshold("requests>5")])
    assert not report.ok


async def test_progress() -> None:
    """While it runs, progress is shown with what was counted so far."""
    seen: list[int] = []

    def show(progress: Progress) -> None:
        seen.append(progress.requests)

    async with raw_server(well_behaved) as server:
        report = await check.run(server.url(), duration=1, rate=100, on_progress=show)
    assert 1 < len(seen) <= 11
    assert sorted(seen) == seen
    assert 0 < seen[0] < report.requests == 100


async def test_early_end() -> None:
    """When it is stopped the report is whole: what ended is counted, what hung is told."""

    async def hang_third(peer: Peer) -> None:
        while await peer.request():
            if len(server.heads) == 3:
                stop.set()
                await asyncio.Event().wait()
            await peer.answer()

    stop = asyncio.Event()
    async with raw_server(hang_third) as server:
        report = await check.run(server.url(), requests=100, concurrency=1, stop=stop)
    assert (report.requests, report.failed, report.unfinished) == (2, 0, 1)
    assert report.notes[0] == "requests cut off at the end: 1"


async def test_failures_have_their_time() -> None:
    """Each failed request is listed with when and how it failed."""

    async def fail_second(peer: Peer) -> None:
        while await peer.request():
            await peer.answer("503 Busy" if len(server.heads) == 2 else "200 OK")

    async with raw_server(fail_second) as server:
        report = await check.run(server.url(), requests=4, concurrency=1, rate=50)
    assert [(f.error, f.status) for f in report.failures] == [("http_503", 503)]
    assert report.failures[0].at == pytest.approx(0.02, abs=0.003)


async def test_options_are_in_the_report() -> None:
    """The report says what it was run with, and no value of a header: that may be a secret."""
    async with raw_server(well_behaved) as server:
        report = await check.run(
            server.url(), requests=2, concurrency=1, rate=90, token=TOKEN, method="POST", headers=(("X-Key", "hush"),)
        )
    assert report.options == {
        "urls": [server.url()],
        "shares": [1.0],
        "requests": 2,
        "duration": None,
        "concurrency": 1,
        "rate": 90,
        "workers": 1,
        "method": "POST",
        "headers": ["X-Key"],
        "body_bytes": 0,
        "timeout": 10.0,
        "keepalive": True,
        "http_version": "1.1",
        "verify_tls": True,
        "sni": None,
        "server_from": "header:X-Proxyctl-Server",
        "keys": None,
        "key_by": None,
    }
    assert report.first_byte.total == 2
    assert (report.first_byte_ms["max"] or 0) <= (report.latency_ms["max"] or 0)


async def test_bad_input_is_refused_before_sending() -> None:
    """What cannot be sent is a usage error."""
    with pytest.raises(UsageError):
        await check.run("ftp://127.0.0.1/")
    with pytest.raises(UsageError):
        await check.run("http://127.0.0.1/", concurrency=0)
