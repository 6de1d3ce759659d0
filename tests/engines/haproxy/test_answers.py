"""HAProxy's answers, as 2.6 and 3.2 gave them, and what is made of them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from proxyctl.core.model import ServerCount
from proxyctl.engines.haproxy import master, runtime, state, stats
from proxyctl.engines.haproxy.lines import ServerLine
from proxyctl.errors import RuntimeRefused

STATE = f"""\
1
# {state._COLUMNS}
2 web 1 up 10.0.0.2 2 0 3 1 290 1 0 2 0 0 0 0 - 80 - 0 0 - - 0
2 web 2 drained 10.0.0.3 0 1 0 1 0 1 0 0 14 0 0 0 - 81 - 0 0 - - 0
2 web 3 removed 10.0.0.4 0 1 1 1 0 1 0 0 2 0 0 0 - 80 - 0 0 - - 0
2 web 4 down 10.0.0.5 0 0 1 1 0 1 0 0 2 0 0 0 - 80 - 0 0 - - 0

"""


@contextlib.asynccontextmanager
async def answering(path: Path, answer: bytes) -> AsyncIterator[None]:
    """Listen on a socket and give one answer to whatever is asked."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(answer)
        writer.close()

    server = await asyncio.start_unix_server(serve, str(path))
    try:
        yield
    finally:
        server.close()
        await server.wait_closed()


def test_rows_tell_the_removed_from_the_drained() -> None:
    """In maintenance with weight 0: drained. With another weight: removed, and waiting to be deleted."""
    rows = {r.name: r for r in runtime.read_rows(STATE)}
    assert {n: (r.weight, r.up, r.maintenance, r.leftover) for n, r in rows.items()} == {
        "up": (3, True, False, False),
        "drained": (0, False, True, False),
        "removed": (1, False, True, True),
        "down": (1, False, False, False),
    }
    assert (rows["drained"].address, rows["drained"].port) == ("10.0.0.3", 81)


@pytest.mark.parametrize("text", ["", "Can't find backend.\n\n", "1\n"])
def test_what_is_no_list_is_no_answer(text: str) -> None:
    """An unknown pool is not an empty pool."""
    with pytest.raises(runtime.NoAnswer, match="not a list of servers"):
        runtime.read_rows(text)


def test_info_has_revision_and_topology() -> None:
    """They come from the description, which users may have replaced by their own."""
    text = "Name: HAProxy\nPid: 8\nStopping: 1\ndescription: proxyctl revision=12ab topology=34cd\n"
    assert runtime.read_info(text) == runtime.Info(8, "12ab", "34cd", stopping=True)
    assert runtime.read_info("Pid: 8\n") == runtime.Info(8, "", "", stopping=False)
    with pytest.raises(runtime.NoAnswer):
        runtime.read_info("Can't connect to the target CLI!\n")


@pytest.mark.parametrize(
    ("answer", "surprise"),
    [
        (b"\n[6]: New server registered.\n\n\n\n\n", ""),
        (b"\n[6]: New server registered.\n", ""),
        (b"\n[3]: Already exists a server with the same name in backend.\n\n", "Already exists"),
        (b"\n[6]: New server registered.\n\n[3]: No such server.\n\n", "No such server"),
        (b"", "'nothing'"),
        (b"\n[6]: New server registered. Not quite.\n", "Not quite"),
    ],
)
async def test_answers_are_matched_exactly(answer: bytes, surprise: str, tmp_path: Path) -> None:
    """Nothing more, nothing less and nothing else than what is expected is a success."""
    path = tmp_path / "admin.sock"
    async with answering(path, answer):
        telling = runtime.tell(path, ("add server a/b 1.2.3.4:80", r"New server registered\."), ("enable", ""))
        if surprise:
            with pytest.raises(RuntimeRefused, match=surprise):
                await telling
        else:
            await telling


async def test_nobody_there_is_a_refusal(tmp_path: Path) -> None:
    """A socket that is gone, or that nobody accepts on, refuses the change and says why."""
    with pytest.raises(RuntimeRefused, match="No such file"):
        await runtime.tell(tmp_path / "none.sock", ("x", ""))


async def test_a_long_path_is_no_obstacle(tmp_path: Path) -> None:
    """Socket addresses hold 108 bytes; a state folder may lie deeper."""
    folder = tmp_path / ("deep" * 30)
    folder.mkdir()
    short = tmp_path / "s"
    async with answering(short, b"hello"):
        short.rename(folder / "admin.sock")
        assert await runtime.ask(folder / "admin.sock", "show info") == "hello"


ALERTS = """\
[NOTICE]   (1) : haproxy version is 2.6.12-1+deb12u4
[ALERT]    (1) : config : parsing [/proxyctl/generations/2/haproxy.cfg:123] : unknown keyword 'x' in 'backend' section
[ALERT]    (12) : Binding [/proxyctl/current/haproxy.cfg:57] for frontend http:80: cannot bind socket (in use)
[ALERT]    (1) : config : Error(s) found in configuration file : /proxyctl/generations/2-ab/haproxy.cfg
[ALERT]    (1) : config : Fatal errors found in configuration.
"""


def test_alerts_become_one_line_without_folders() -> None:
    """File and line stay, the generation's folder and HAProxy's summary of it all go."""
    assert master.alerts(ALERTS) == (
        "haproxy.cfg:123: unknown keyword 'x' in 'backend' section; "
        "haproxy.cfg:57: for frontend http:80: cannot bind socket (in use)"
    )
    assert master.alerts("[ALERT]    (1) : config : Fatal errors found in configuration.\n") == (
        "Fatal errors found in configuration."
    )
    assert master.alerts("[WARNING] (1) : so what\n") == ""
    assert master.newest("exec failed\n\n") == "exec failed"
    assert master.alerts("".join(f"[ALERT] (1) : e{i}\n" for i in range(5))) == "e0; e1; e2 (and 2 more)"


CSV = """\
# pxname,svname,stot,status,last_chk,type
http:80,FRONTEND,9,OPEN,,0
web,b,3,DOWN 1/2,"Down, ""for"" now",2
web,a,5,UP 1/3,,2
web,c,,no check,,2
web,d,7,DRAIN,,2
web,e,7,MAINT,,2
web,BACKEND,9,UP,,1

"""


def test_statistics_survive_commas_and_quotes() -> None:
    """A check's message is a quoted field; no later column moves because of it."""
    assert stats.read(CSV) == (
        ServerCount("web", "a", 5, up=True),
        ServerCount("web", "b", 3, up=False),
        ServerCount("web", "c", 0, up=None),
        ServerCount("web", "d", 7, up=True),
        ServerCount("web", "e", 7, up=False),
    )


def test_no_statistics_where_nobody_answers(tmp_path: Path) -> None:
    """A proxy that is down has no counts."""
    assert stats.counts(tmp_path / "none.sock") == ()


def test_only_checked_servers_that_nobody_knows_start_down(tmp_path: Path) -> None:
    """Those with a check that has not passed are written; known, unchecked and disabled ones are not."""
    servers = {
        "web": {
            "new": ServerLine("new", "10.0.0.2", 80, ("weight", "3", "check", "port", "81")),
            "known": ServerLine("known", "10.0.0.3", 80, ("check",)),
            "moved": ServerLine("moved", "10.0.0.4", 80, ("ssl", "check")),
            "plain": ServerLine("plain", "10.0.0.5", 80, ()),
            "off": ServerLine("off", "10.0.0.6", 80, ("check", "disabled")),
        }
    }
    state.write(tmp_path, servers, frozenset({("web", "known", "10.0.0.3", 80), ("web", "moved", "10.0.0.9", 80)}))
    rows = (tmp_path / state.FILE).read_text().splitlines()[2:]
    assert [r.split()[3] for r in rows] == ["new", "moved"]
    assert rows[0] == "1 web 1 new 10.0.0.2 0 0 3 3 0 1 0 0 6 0 0 0 - 80 - 0 81 - - 0"
    state.write(tmp_path, servers, state.known(servers))
    assert len((tmp_path / state.FILE).read_text().splitlines()) == 2
