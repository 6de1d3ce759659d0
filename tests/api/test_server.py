"""`proxyctl.api.server`: what a monitor hears and how a request for a change is refused, through the real socket."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Unpack

import aiohttp
import pytest
from rich.console import Console

from proxyctl.api import client as control
from proxyctl.api.address import listen
from proxyctl.api.port import Changes, Maintained, Overridden, Pinned, Released
from proxyctl.api.server import Api, serve
from proxyctl.cli import tables
from proxyctl.core import codes
from proxyctl.core.model import Problem
from proxyctl.core.model.findings import Severity
from proxyctl.core.status import Event, Status
from proxyctl.errors import ProxyctlError
from tests import statuses

EVENTS = (Event(1.5, "join", "web1 joined", 7), Event(2.5, "leave", "web1 left", 8))


class MemoryWatch:
    """Implements `api.port.Overriding` and `Rollback`: notes what was asked, and does it or raises `fails`."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.fails: Exception | None = None
        self.now: Status = statuses.status(statuses.pool("web"))

    async def status(self) -> Status:
        """Return what the test has set."""
        return self.now

    def _note(self, *asked: Any) -> None:
        self.asked.append(asked)
        if self.fails:
            raise self.fails

    async def override(self, server: str, **changes: Unpack[Changes]) -> Overridden:
        """Do it in one pool, while another waits."""
        self._note(server, changes)
        return Overridden(server, ("web",), ("api",), draining=True, changes=changes)

    async def finished(self, server: str) -> bool:
        """Something runs on the busy one."""
        self._note(server)
        return server != "busy1"

    async def maintain(self, pool: str, *, on: bool) -> Maintained:
        """Do it."""
        self._note(pool, on)
        return Maintained(pool, on)

    async def pin(self, asked: int | None) -> Pinned:
        """Pin it."""
        self._note(asked)
        return Pinned(asked or 4, "now")

    async def release(self) -> Released:
        """Release 4."""
        self._note("release")
        return Released(4)


@pytest.fixture
async def watch(tmp_path: Path) -> AsyncIterator[MemoryWatch]:
    """A watch in memory that answers at this test's control.sock."""
    made = MemoryWatch()
    api = Api(
        status=made.status,
        events=lambda: EVENTS,
        settings=lambda: {"label_prefix": "proxyctl"},
        overriding=made,
        rollback=made,
    )
    (runner,) = await serve(api, control=tmp_path / control.SOCKET, tcp=listen(None, named=False))
    yield made
    await runner.cleanup()


async def ask(folder: Path, path: str, post: dict[str, Any] | None = None) -> dict[str, Any]:
    """Ask in a thread, as a verb does in a process of its own."""
    return await asyncio.to_thread(control.ask, folder, path, post=post)


@pytest.mark.parametrize("reason", [None, "Docker was listed 200 s ago, and should be every 60 s", "ping: refused"])
async def test_health_and_status_agree_on_what_is_stale(reason: str | None, watch: MemoryWatch, tmp_path: Path) -> None:
    """Both say whether and why; people read the same."""
    watch.now = dataclasses.replace(watch.now, stale_reason=reason)
    health = await ask(tmp_path, "/healthz")
    shown = await ask(tmp_path, "/api/v1/status")
    assert health == {
        "ok": reason is None,
        "synced_seconds_ago": 0.5,
        "events_connected": True,
        "stale_reason": reason,
        "problems": [],
    }
    assert (shown["stale"], shown["stale_reason"]) == (reason is not None, reason)
    console = Console(width=80)
    with console.capture() as drawn:
        console.print(tables.on_terminal(await asyncio.to_thread(control.status, tmp_path), console))
    text = " ".join(drawn.get().split())
    assert ("STALE" in text, (reason or "") in text) == (reason is not None, True)


@pytest.mark.parametrize(("reason", "code"), [(None, 200), ("ping: refused", 503)])
async def test_a_monitor_needs_the_code_alone(
    reason: str | None, code: int, watch: MemoryWatch, tmp_path: Path
) -> None:
    """`/healthz` answers 200 while what `watch` knows is fresh and its gateway is well, else 503."""
    watch.now = dataclasses.replace(watch.now, stale_reason=reason)
    connector = aiohttp.UnixConnector(str(tmp_path / control.SOCKET))
    async with aiohttp.ClientSession(connector=connector) as session, session.get("http://control/healthz") as answer:
        assert answer.status == code


@pytest.mark.parametrize(
    ("code", "severity", "ok"),
    [
        (codes.NO_ROAD, "error", False),
        (codes.NO_DNS, "error", False),
        (codes.NEAR_LIMIT, "warning", True),
        (codes.OTHER_IMAGE, "warning", True),
        (codes.BAD_VALUE, "error", True),
    ],
)
async def test_health_tells_the_problems_of_status(
    code: str, severity: Severity, ok: bool, watch: MemoryWatch, tmp_path: Path
) -> None:
    """It is red where the whole gateway is concerned; one container's mistake makes nobody else's site red."""
    watch.now = dataclasses.replace(watch.now, problems=(Problem("", "", "why", severity, code=code),))
    connector = aiohttp.UnixConnector(str(tmp_path / control.SOCKET))
    async with aiohttp.ClientSession(connector=connector) as session, session.get("http://control/healthz") as answer:
        health = await answer.json()
    assert (answer.status, health["ok"]) == (200 if ok else 503, ok)
    assert health["problems"] == (await ask(tmp_path, "/api/v1/status"))["problems"]
    assert health["problems"][0]["code"] == code


async def test_events_have_ids(watch: MemoryWatch, tmp_path: Path) -> None:
    """Each event is told with its id, and the client gives what the journal gave."""
    shown = await ask(tmp_path, "/api/v1/events")
    assert shown["events"][0] == {"id": 7, "at": 1.5, "kind": "join", "text": "web1 joined"}
    assert await asyncio.to_thread(control.events, tmp_path) == EVENTS


async def test_the_client_gives_what_operators_are_answered(watch: MemoryWatch, tmp_path: Path) -> None:
    """Every request for a change reaches the watch as it was meant, and its answer comes back whole."""
    changes: Changes = {"drain": False, "weight": None}
    answer = await asyncio.to_thread(control.override, tmp_path, "web 1", **changes)
    assert answer == Overridden("web 1", ("web",), ("api",), draining=True, changes=changes)
    assert await asyncio.to_thread(control.finished, tmp_path, "web 1")
    assert not await asyncio.to_thread(control.finished, tmp_path, "busy1")
    assert await asyncio.to_thread(control.maintain, tmp_path, "web", on=True) == Maintained("web", maintenance=True)
    assert await asyncio.to_thread(control.pin, tmp_path, None) == Pinned(4, "now")
    assert await asyncio.to_thread(control.pin, tmp_path, 3) == Pinned(3, "now")
    assert await asyncio.to_thread(control.release, tmp_path) == Released(4)
    assert watch.asked == [("web 1", changes), ("web 1",), ("busy1",), ("web", True), (None,), (3,), ("release",)]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("servers/web1", {}),
        ("servers/web1", {"drain": "yes"}),
        ("servers/web1", {"weight": 257}),
        ("servers/web1", {"weight": True}),
        ("servers/web1", {"drain": True, "kill": True}),
        ("pools/web", {"maintenance": "on"}),
        ("pools/web", {"maintenance": True, "drain": True}),
        ("rollback", {"generation": "last"}),
        ("rollback", {"release": False}),
    ],
)
async def test_a_body_that_says_something_else_changes_nothing(
    path: str, body: dict[str, Any], watch: MemoryWatch, tmp_path: Path
) -> None:
    """It is refused with what is accepted, before anything is asked of the watch."""
    with pytest.raises(ProxyctlError, match=r"accepted is|drain is true or false"):
        await ask(tmp_path, f"/api/v1/{path}", body)
    assert watch.asked == []


@pytest.mark.parametrize(
    ("fails", "said"),
    [
        (ProxyctlError("no server is named web9"), "no server is named web9"),
        (OSError("No space left on device"), "the state folder cannot be written, nothing was done: No space"),
    ],
)
async def test_a_change_that_fails_is_answered_with_the_reason(
    fails: Exception, said: str, watch: MemoryWatch, tmp_path: Path
) -> None:
    """The reason reaches the person who asked."""
    watch.fails = fails
    with pytest.raises(ProxyctlError, match=said):
        await ask(tmp_path, "/api/v1/servers/web9", {"drain": True})


async def test_the_public_listener_only_reads_and_refuses_foreign_hosts(
    watch: MemoryWatch, tmp_path: Path, unused_tcp_port: int
) -> None:
    """No operator's route is there, and a page of another name cannot read through a browser."""
    api = Api(status=watch.status, events=lambda: EVENTS, settings=dict, overriding=watch, rollback=watch)
    (tmp_path / "two").mkdir()
    tcp = listen(("127.0.0.1", unused_tcp_port), named=True)
    runners = await serve(api, control=tmp_path / "two" / control.SOCKET, tcp=tcp)
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", unused_tcp_port)
        for request, status in (
            ("GET /healthz HTTP/1.1\r\nHost: localhost", 200),
            ("GET /healthz HTTP/1.1\r\nHost: evil.example", 403),
            ("GET /api/v1/settings HTTP/1.1\r\nHost: localhost", 404),
            ("POST /api/v1/rollback HTTP/1.1\r\nHost: localhost", 404),
        ):
            writer.write(f"{request}\r\nContent-Length: 0\r\n\r\n".encode())
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            assert head.startswith(f"HTTP/1.1 {status} "), (request, head)
            length = next(line for line in head.splitlines() if line.lower().startswith("content-length"))
            await reader.readexactly(int(length.partition(":")[2]))
        writer.close()
        await writer.wait_closed()
    finally:
        for runner in runners:
            await runner.cleanup()
    assert watch.asked == []
