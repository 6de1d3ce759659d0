"""Nothing is lost: constant-rate load by a client that never retries, while things happen. Both engines."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from proxyctl import verify
from proxyctl.verify.report import Report
from tests.docker.watching import Watch, eventually

pytestmark = pytest.mark.docker

RATE = 150.0  # requests a second: enough to hit every gap of a few milliseconds several times over


async def under_load(
    watch: Watch, event: Callable[[], None], *, method: str, keepalive: bool, path: str = ""
) -> Report:
    """Send load, let `event` happen in the middle of it, and return what the load saw."""
    stop = asyncio.Event()
    load = asyncio.create_task(
        verify.run(
            watch.url + path,
            duration=60,
            rate=RATE,
            concurrency=50,
            method=method,
            body=b"x" * 100 if method == "POST" else b"",
            keepalive=keepalive,
            stop=stop,
        )
    )
    await asyncio.sleep(0.5)
    await asyncio.to_thread(event)
    await asyncio.sleep(0.5)
    stop.set()
    return await load


def assert_nothing_lost(report: Report) -> None:
    """Fail with what was lost, and when."""
    assert report.requests > RATE * 0.8
    assert report.failed == 0, f"{report.errors}: {report.failures[:5]}"


@pytest.mark.parametrize("keepalive", [True, False], ids=["keepalive", "close"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_join_stop_and_template_change_lose_nothing(
    watch: Watch, tmp_path: Path, method: str, *, keepalive: bool
) -> None:
    """A container joins, a graceful one is stopped, a template changes, another joins: 0 failed requests."""
    folder = tmp_path / "templates"
    folder.mkdir()
    name = {"haproxy": "_pool.cfg.j2", "nginx": "_upstream.conf.j2"}[watch.engine]
    text = (Path("templates") / watch.engine / name).read_text()
    (folder / name).write_text(text)
    watch.start("--templates", str(folder))
    for n in (1, 2, 3):
        watch.run(f"web{n}", labels={"pool": "web"})
    watch.until(web1="up", web2="up", web3="up")

    def event() -> None:
        watch.run("web4", labels={"pool": "web"})
        watch.until(web1="up", web2="up", web3="up", web4="up")
        watch.container("web1").stop()
        watch.until(web2="up", web3="up", web4="up")
        (folder / name).write_text(text + "\n# changed\n")
        eventually(lambda: "# changed" in watch.applied_text(), "the changed template")
        watch.container("web1").start()
        watch.until(web1="up", web2="up", web3="up", web4="up")

    assert_nothing_lost(asyncio.run(under_load(watch, event, method=method, keepalive=keepalive)))


def test_ten_reloads_in_a_row_lose_nothing(watch: Watch, tmp_path: Path) -> None:
    """Each template change is a reload; keep-alive clients never notice. The settings that do it are FACTS.md's."""
    folder = tmp_path / "templates"
    folder.mkdir()
    name = {"haproxy": "_pool.cfg.j2", "nginx": "_upstream.conf.j2"}[watch.engine]
    text = (Path("templates") / watch.engine / name).read_text()
    (folder / name).write_text(text)
    watch.start("--templates", str(folder))
    watch.run("web1", labels={"pool": "web"})
    watch.until(web1="up")

    def event() -> None:
        for n in range(10):
            (folder / name).write_text(f"{text}\n# change {n}\n")
            eventually(lambda n=n: f"# change {n}\n" in watch.applied_text(), f"change {n}")  # type: ignore[misc]
            time.sleep(0.2)  # the load must meet each generation

    assert_nothing_lost(asyncio.run(under_load(watch, event, method="POST", keepalive=True)))


def test_a_restart_of_proxyctl_loses_nothing(watch: Watch) -> None:
    """SIGTERM and a new start, twice: the data plane does not notice."""
    watch.start()
    watch.run("web1", labels={"pool": "web"})
    watch.until(web1="up")

    def event() -> None:
        for _ in range(2):
            watch.stop()
            watch.start()
            watch.until(web1="up")

    assert_nothing_lost(asyncio.run(under_load(watch, event, method="POST", keepalive=True)))


@pytest.mark.parametrize("how", ["kill", "abrupt stop"])
def test_an_abrupt_end_loses_no_idempotent_request(watch: Watch, how: str) -> None:
    """A server that dies in the middle costs GET nothing: what it had not answered is sent to another."""
    watch.start()
    for n in (1, 2, 3):
        watch.run(f"web{n}", labels={"pool": "web"}, environment={"ECHO_ON_TERM": "abrupt"})
    watch.until(web1="up", web2="up", web3="up")

    def event() -> None:
        if how == "kill":
            watch.container("web1").kill()
        else:
            watch.container("web1").stop()
        watch.until(web2="up", web3="up")

    assert_nothing_lost(asyncio.run(under_load(watch, event, method="GET", keepalive=True)))
