"""A crooked proxy is caught, a right one passes: whole checks of real proxies."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import pytest

from proxyctl.check.expected import Expected
from proxyctl.check.judge import judge
from proxyctl.check.load.request import Pace, Request
from proxyctl.check.load.served import ServerFrom
from proxyctl.check.load.shots import KeyBy
from proxyctl.check.plan import Plan
from proxyctl.check.report import Report
from proxyctl.check.run import carry_out
from proxyctl.check.verdicts.threshold import parse_threshold
from tests.check.crooked import STALL_SECONDS, Proxy

ALIKE = {"web1": 1, "web2": 1, "web3": 1}
THREE_TO_ONE = {"web1": 3, "web2": 1}


async def check(
    proxy: Proxy,
    weights: Mapping[str, float] | None,
    *,
    keys: KeyBy | None = None,
    cycles: int | None = 1,
    expect: Sequence[str] = (),
    **pace: Any,
) -> Report:
    """Check a proxy that says that it has these weights."""
    async with proxy.running() as server:
        request = Request(server.url(), server_from=ServerFrom("header", "X-Served-By"))
        report = await carry_out(Plan((request,), Pace(**pace), key_by=keys, keys=60 if keys else 0))
    balance = None if proxy.balance == "cookie" else proxy.balance
    expected = Expected(weights, "the test", balance, cycles=cycles)
    return judge(report, expected, map(parse_threshold, expect))


async def until_undisturbed(run: Callable[[], Awaitable[Report]], right: Callable[[Report], bool]) -> Report:
    """Return the first report that is right, or that of a run that the machine did not hold up; five runs at most.

    Proxy and generator share one loop: where the report says that it was held up, so was the proxy.
    """
    for _ in range(5):
        report = await run()
        if right(report) or not (report.generator.deaf or report.generator.was_the_limit):
            break
    return report


def bad(report: Report) -> set[str]:
    """Return the names of the verdicts that are not good."""
    return {verdict.name for verdict in report.verdicts if not verdict.ok}


RIGHT = [
    pytest.param(Proxy(ALIKE), {"requests": 900}, None, id="round robin"),
    pytest.param(Proxy(THREE_TO_ONE), {"requests": 901, "concurrency": 3}, None, id="round robin, 3 to 1"),
    pytest.param(Proxy(THREE_TO_ONE, "random"), {"requests": 900}, None, id="random"),
    pytest.param(
        Proxy(ALIKE, "leastconn", {"web1": 0.001, "web2": 0.001, "web3": 0.01}),
        {"requests": 1500, "concurrency": 24},
        None,
        id="leastconn with a slow server",
    ),
    pytest.param(Proxy(ALIKE, "uri"), {"requests": 600}, KeyBy("uri"), id="uri"),
    pytest.param(Proxy(ALIKE, "cookie"), {"requests": 600}, KeyBy("cookie"), id="cookie"),
    pytest.param(Proxy(ALIKE), {"duration": 1.2, "rate": 300.0}, None, id="at a constant rate"),
]


@pytest.mark.parametrize(("proxy", "pace", "keys"), RIGHT)
async def test_right_proxy_passes(proxy: Proxy, pace: dict[str, Any], keys: KeyBy | None) -> None:
    """A proxy that does what it says passes, by every algorithm."""
    report = await until_undisturbed(
        lambda: check(dataclasses.replace(proxy), proxy.weights, keys=keys, **pace), lambda report: report.ok
    )
    assert report.ok, report.verdicts
    assert {"errors"} < {verdict.name for verdict in report.verdicts}


@pytest.mark.parametrize(
    ("proxy", "pace", "keys", "caught"),
    [
        pytest.param(Proxy({"web1": 1, "web2": 3}), {"requests": 300}, None, "balance", id="weights swapped"),
        pytest.param(Proxy({"web1": 31, "web2": 10}), {"requests": 820}, None, "balance", id="weights a little off"),
        pytest.param(Proxy({"web1": 1, "web2": 0}), {"requests": 300}, None, "balance", id="one starved"),
        pytest.param(
            Proxy({"web1": 1, "web2": 3}, "random"), {"requests": 300}, None, "balance", id="random, weights swapped"
        ),
    ],
)
async def test_wrong_weights_are_caught(proxy: Proxy, pace: dict[str, Any], keys: KeyBy | None, caught: str) -> None:
    """A proxy that says 3 to 1 and does something else is caught."""
    assert bad(await check(dataclasses.replace(proxy), THREE_TO_ONE, keys=keys, **pace)) == {caught}


async def test_slow_server_that_gets_its_turn_is_caught() -> None:
    """A proxy that says leastconn and takes turns is caught by its slow server."""

    async def run() -> Report:
        proxy = Proxy(ALIKE, delays={"web1": 0.001, "web2": 0.001, "web3": 0.1})
        async with proxy.running() as server:
            request = Request(server.url(), server_from=ServerFrom("header", "X-Served-By"))
            report = await carry_out(Plan((request,), Pace(600, concurrency=24)))
        return judge(report, Expected(ALIKE, "the test", "leastconn"))

    report = await until_undisturbed(run, lambda report: bad(report) == {"leastconn"})
    assert bad(report) == {"leastconn"}, (report.verdicts, report.generator)


async def test_broken_stickiness_is_caught() -> None:
    """A proxy that forgets one cookie in 50 is caught, and so is a uri hash that takes turns."""
    assert bad(await check(Proxy(ALIKE, "cookie", forgetful=50), ALIKE, keys=KeyBy("cookie"), requests=1000)) == {
        "consistent"
    }
    proxy = Proxy(ALIKE)
    async with proxy.running() as server:
        request = Request(server.url(), server_from=ServerFrom("header", "X-Served-By"))
        report = await carry_out(Plan((request,), Pace(300), key_by=KeyBy("uri"), keys=60))
    assert bad(judge(report, Expected(ALIKE, "the test", "uri"))) == {"consistent"}


async def test_server_that_fails_1_in_500_is_caught() -> None:
    """Its failures are seen without a word; where some are allowed, the server is still told from the others."""
    report = await check(Proxy(ALIKE, fails={"web2": 500}), ALIKE, requests=1600)
    assert bad(report) == {"errors"}
    assert report.errors == {"http_502": 1}
    report = await check(Proxy(ALIKE, fails={"web2": 50}), ALIKE, requests=2400, expect=["error_rate<2%"])
    assert bad(report) == {"errors", "faulty_server"}
    verdict = next(v for v in report.verdicts if v.name == "faulty_server")
    assert verdict.detail == "web2 failed 16 of 800 requests, the others 0 of 1600"


@pytest.mark.parametrize(
    "pace",
    [
        pytest.param({"rate": 400.0, "concurrency": 200}, id="at a constant rate"),
        pytest.param({"concurrency": 4}, id="in a closed loop"),
    ],
)
async def test_stall_is_caught(pace: dict[str, Any]) -> None:
    """A stall of 400 ms is seen with its time, at a constant rate and in a closed loop."""

    def right(report: Report) -> bool:
        at, long = [gap.at for gap in report.stalls], [gap.seconds for gap in report.stalls]
        seen = at == pytest.approx([0.7, 1.4], abs=0.15) and long == pytest.approx([STALL_SECONDS] * 2, abs=0.15)
        return seen and bad(report) == {"stalls"}

    report = await until_undisturbed(lambda: check(Proxy(ALIKE, stall_every=0.7), ALIKE, duration=1.9, **pace), right)
    assert right(report), (report.verdicts, report.gaps, report.generator)


async def test_several_processes() -> None:
    """A proxy of several processes is a cycle off for each, and passes where so many are expected."""
    proxy = Proxy({"web1": 5, "web2": 5}, processes=4)
    report = await check(proxy, {"web1": 5, "web2": 5}, cycles=4, requests=505, concurrency=8)
    assert report.ok, report.verdicts
    assert next(v for v in report.verdicts if v.name == "balance").expected == "within 4 cycles"
