"""Loads that several processes send as one."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Iterator

import pytest

from proxyctl.check import workers
from proxyctl.check.load.loop import new_event_loop
from proxyctl.check.load.request import Pace, Request
from proxyctl.check.load.served import ServerFrom
from proxyctl.check.load.shots import KeyBy
from proxyctl.check.measures.tally import Progress
from proxyctl.check.plan import Plan
from proxyctl.check.report import Report
from proxyctl.check.run import carry_out
from proxyctl.errors import ProxyctlError, UsageError
from tests.backend.backends import EchoProcess, Peer, echo_process, raw_server
from tests.check.crooked import Proxy


@pytest.fixture(scope="module")
def echo() -> Iterator[EchoProcess]:
    """Run a server in a process of its own."""
    with echo_process("--name", "web1") as running:
        yield running


def plan(url: str, pace: Pace, *, count: int = 2, keys: int = 0) -> Plan:
    """Return a plan for several workers."""
    request = Request(url, server_from=ServerFrom("header", "X-Served-By"))
    return Plan((request,), pace, workers=count, key_by=KeyBy("uri") if keys else None, keys=keys)


async def test_merged_report(echo: EchoProcess) -> None:
    """Requests are divided exactly, and what the processes counted is one report."""
    seen: list[Progress] = []
    report = await carry_out(plan(echo.url(), Pace(requests=301, concurrency=5)), seen.append)
    assert (report.requests, report.failed, report.servers) == (301, 0, {"web1": 301})
    assert report.latency.total == report.by_server["web1"].latency.total == 301
    assert sum(piece.requests for piece in report.timeline) == 301
    assert report.generator.workers == 2


def test_large_tallies_come_whole() -> None:
    """What a process has counted may be larger than what a pipe holds, in the event loop that the load runs in."""

    async def busy(peer: Peer) -> None:
        while await peer.request():
            await peer.answer("503 Busy")

    async def run() -> Report:
        async with raw_server(busy) as server:
            return await carry_out(plan(server.url(), Pace(requests=5000, concurrency=20)))

    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        report = runner.run(run())
    assert report.errors == {"http_503": 5000}
    assert len(report.failures) == 5000


async def test_rate_is_shared() -> None:
    """An open loop of two processes sends at the rate of both, each in the gaps of the other."""
    proxy = Proxy({"web1": 1, "web2": 1})
    seen: list[Progress] = []
    async with proxy.running() as server:
        report = await carry_out(plan(server.url(), Pace(duration=0.6, rate=200, concurrency=20)), seen.append)
    assert report.requests == 120
    assert report.servers == {"web1": 60, "web2": 60}
    assert seen[-1].requests <= 120
    assert any(progress.requests > 0 for progress in seen)


async def test_keys_are_divided() -> None:
    """Each key is played by one process, and all are played."""
    async with Proxy({"web1": 1, "web2": 1}, "uri").running() as server:
        report = await carry_out(plan(server.url(), Pace(requests=200, concurrency=4), keys=21))
    assert sorted(report.by_key) == list(range(21))
    assert sum(sum(served.values()) for served in report.by_key.values()) == 200


async def test_stop(echo: EchoProcess) -> None:
    """Stopped early, the report is whole: what every process has done until then."""
    stop = asyncio.Event()

    def show(progress: Progress) -> None:
        if progress.requests > 20:
            stop.set()

    began = time.monotonic()
    report = await carry_out(plan(echo.url(), Pace(duration=60, rate=200)), show, stop)
    assert time.monotonic() - began < 20
    assert report.requests > 20
    assert report.failed == report.unfinished == 0


async def test_worker_that_dies(echo: EchoProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that is killed ends the check with a line that says so, and the others with it."""
    started: list[workers._Worker] = []
    real = workers._Worker.__init__

    def remember(self: workers._Worker, *arguments: object) -> None:
        real(self, *arguments)  # type: ignore[arg-type]
        started.append(self)

    monkeypatch.setattr(workers._Worker, "__init__", remember)

    def show(progress: Progress) -> None:
        os.kill(started[0]._process.pid, signal.SIGKILL)

    with pytest.raises(ProxyctlError, match="a worker process ended with -9 before its load did"):
        await carry_out(plan(echo.url(), Pace(duration=60)), show)
    assert [worker._process.poll() is not None for worker in started] == [True, True]


async def test_more_workers_than_work(echo: EchoProcess) -> None:
    """Three requests take no more than three processes, one connection no more than one."""
    three, one = Pace(requests=3, concurrency=9), Pace(requests=9, concurrency=1)
    assert [len(plan(echo.url(), pace, count=8).split()) for pace in (three, one)] == [3, 1]
    assert len(plan(echo.url(), Pace(), count=8, keys=2).split()) == 2


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"shares": (1.0,)}, "there are 2 URLs and 1 shares"),
        ({"shares": (1.0, 0.0)}, "a share is a number above 0"),
        ({"shares": (1.0, float("nan"))}, "a share is a number above 0"),
        ({"workers": 0}, "0 workers are not between 1 and 64"),
        ({"key_by": KeyBy("uri")}, "--key-by uri needs --keys N"),
        ({"key_by": KeyBy("source"), "keys": 9}, "keys by source are addresses 127.0.x.y"),
    ],
)
def test_refused_plans(options: dict[str, object], reason: str) -> None:
    """What cannot be done is refused before anything is sent."""
    with pytest.raises(UsageError, match=reason):
        Plan((Request("http://a/"), Request("http://b/")), Pace(), **options)  # type: ignore[arg-type]


def test_passwords_are_not_told() -> None:
    """The report shows a URL without its password."""
    assert Plan((Request("http://me:secret@a/x"),), Pace()).options()["urls"] == ["http://a/x"]
