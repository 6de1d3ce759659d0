"""The load that runs beside something else."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from proxyctl.check.load.served import ServerFrom
from proxyctl.check.steady import SteadyLoad
from tests.backend.backends import EchoProcess, echo_process


@pytest.fixture(scope="module")
def echo() -> Iterator[EchoProcess]:
    """Run a server in a process of its own."""
    with echo_process("--name", "web1") as running:
        yield running


def test_a_caller_who_blocks_does_not_stall_it(echo: EchoProcess) -> None:
    """Requests go out at their rate while the caller does something that blocks."""
    with SteadyLoad(echo.url(), rate=200, server_from=ServerFrom("header", "X-Served-By")) as load:
        load.wait(20)
        before, began = load.requests, time.monotonic()
        time.sleep(0.5)
        during, slept = load.requests - before, time.monotonic() - began
    report = load.report()
    assert 50 <= during <= 200 * slept + 40  # what the machine held up comes later
    assert report.ok
    assert report.servers == {"web1": report.requests}
    assert report.unfinished == 0


@pytest.mark.parametrize(("keepalive", "method"), [(False, "POST"), (True, "GET")])
async def test_async_block(echo: EchoProcess, keepalive: bool, method: str) -> None:
    """It works in an async block too, with new connections or kept ones."""
    async with SteadyLoad(echo.url(), rate=300, keepalive=keepalive, method=method, body=b"x") as load:
        load.wait(30)
    assert load.report().requests >= 30
    assert load.report().failed == 0


def test_every_loss_is_counted() -> None:
    """When the server dies each request from then on is a failure with its time, and none is sent again."""
    with echo_process("--on-term", "abrupt") as dying, SteadyLoad(dying.url(), rate=200) as load:
        load.wait(20)
        assert load.report().ok
        alive = time.time()
        dying.end()
        died = time.time()
        load.wait(20)
    report = load.report()
    assert not report.ok
    assert set(report.errors) <= {"refused", "reset"}
    assert report.failed >= 15
    assert alive - 0.5 < report.started_at + report.failures[0].at < died + 0.2


def test_slow_answers_at_the_end_count(echo: EchoProcess) -> None:
    """Requests that take longer than the block are in the report."""
    with SteadyLoad(echo.url("/delay/0.5"), rate=20) as load:
        time.sleep(0.6)
    report = load.report()
    assert (report.failed, report.unfinished) == (0, 0)
    assert report.requests >= 3
    assert (report.latency_ms["p50"] or 0) >= 500


def test_wait_has_a_deadline(echo: EchoProcess) -> None:
    """Waiting for requests that do not come ends with what was awaited."""
    with (
        SteadyLoad(echo.url(), rate=0.01) as load,
        pytest.raises(TimeoutError, match=r"of 50 requests had not ended after 0\.1 s"),
    ):
        load.wait(50, timeout=0.1)


def test_report_without_start() -> None:
    """A load that was never started has a report that is not good."""
    load = SteadyLoad("http://127.0.0.1:1/", rate=1)
    assert not load.stop().ok
