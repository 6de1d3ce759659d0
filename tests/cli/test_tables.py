"""What a status looks like: at 80 columns, in a pipe, fitted into a screen. No name is cut anywhere."""

from __future__ import annotations

import dataclasses
import io
import unicodedata

import pytest
from rich.console import Console

from proxyctl.cli import tables
from proxyctl.core.model import Problem
from proxyctl.core.status import Status
from tests.statuses import pool, server, status

LONG = "a-container-with-a-name-of-sixty-three-letters-as-docker-takes1"
BAD = Problem("web9", "proxyctl.port", '"http" is not accepted: a whole number from 1 to 65535', "error", code="P104")
ODD = Problem("web8", "", "exposes 22 and 8080: served is 8080", "warning", code="P203")


def drawn(found: Status, width: int = 80, height: int | None = None) -> list[str]:
    """Return the lines on a terminal, without colours."""
    screen = io.StringIO()
    console = Console(file=screen, width=width, height=24, force_terminal=True, color_system=None, highlight=False)
    console.print(tables.on_terminal(found, console, height=height))
    return [line.rstrip() for line in screen.getvalue().splitlines()]


def some() -> Status:
    """Return a status with a bit of everything."""
    down = server(LONG, state="down", reason="refused")
    return status(
        pool("shop", server("shop-web-1", requests=1234), down, host="shop.example"),
        pool("spare", server("spare1", backup=True), path="/spare", listen=8443),
        dataclasses.replace(pool("empty", host="empty.example"), servers=()),
        problems=(BAD, ODD),
    )


def test_at_80_columns() -> None:
    """Problems first; each pool with its routes on a line of their own; a long name has its own line, and is whole."""
    assert drawn(some()) == [
        "web: haproxy 3.2.26, generation 1 (rev1), listed 0 s ago",
        '✘ P104 web9 proxyctl.port: "http" is not accepted: a whole number from 1 to',
        "65535",
        "! P203 web8: exposes 22 and 8080: served is 8080",
        "  SERVER      ADDRESS      STATE    WEIGHT  REQS",
        "shop  shop.example/",
        "  shop-web-1  10.0.0.1:80  up            1  1234",
        f"  {LONG}",
        "              10.0.0.1:80  down          1     -",
        "    refused",
        "spare  *:8443/spare",
        "  spare1      10.0.0.1:80  up     backup 1     -",
        "empty  empty.example/",
        "  no server: answers 503",
    ]


def test_in_a_pipe() -> None:
    """One line a server, columns of single words that awk can split, no box, nothing wrapped; the note comes last."""
    lines = tables.in_pipe(some()).splitlines()
    assert lines[:6] == [
        "web: haproxy 3.2.26, generation 1 (rev1), listed 0 s ago",
        'error P104 web9 proxyctl.port: "http" is not accepted: a whole number from 1 to 65535',
        "warning P203 web8: exposes 22 and 8080: served is 8080",
        "POOL   ROUTES",
        "shop   shop.example/",
        "spare  *:8443/spare",
    ]
    assert [line.split()[:6] for line in lines[7:]] == [
        ["POOL", "SERVER", "ADDRESS", "STATE", "WEIGHT", "REQS"],
        ["shop", "shop-web-1", "10.0.0.1:80", "up", "1", "1234"],
        ["shop", LONG, "10.0.0.1:80", "down", "1", "-"],
        ["spare", "spare1", "10.0.0.1:80", "up", "1", "-"],
        ["empty", "-", "-", "-", "-", "-"],
    ]
    notes = [line.split(maxsplit=6)[6:] for line in lines[8:]]
    assert notes == [[], ["refused"], ["backup"], ["no server: answers 503"]]


@pytest.mark.parametrize("width", [20, 40, 79, 80, 81, 120, 300])
def test_no_name_is_cut_at_any_width(width: int) -> None:
    """Whole names at every width that has room for them, and no line is wider than the terminal."""
    lines = drawn(some(), width)
    assert all(len(line) <= width for line in lines)
    together = "".join(line.strip() for line in lines)
    for name in ("shop-web-1", LONG, "spare1", "shop.example/", "no server: answers 503".replace(" ", "")):
        assert name in together.replace(" ", "")
    assert "…" not in together


def test_a_long_list_of_hosts_breaks_between_hosts() -> None:
    """Forty hosts of 30 letters: the lines end after a comma, and every host is whole."""
    hosts = [f"a-shop-with-a-long-name-{n:02}.example" for n in range(40)]
    many = pool("shop")
    many = dataclasses.replace(many, routes=tuple(dataclasses.replace(many.routes[0], host=host) for host in hosts))
    lines = drawn(status(many))
    assert all(any(f"{host}/" in line for line in lines) for host in hosts)
    (routes,) = (line for line in tables.in_pipe(status(many)).splitlines() if line.startswith("shop  a-"))
    assert routes.split()[1].split(",") == [f"{host}/" for host in hosts]


def test_two_hundred_servers_have_two_hundred_lines_in_a_pipe() -> None:
    """And on a terminal, where nobody asked for less."""
    many = status(pool("web", *(server(f"web-{n:03}", requests=n) for n in range(200))))
    assert sum(" web-" in line for line in tables.in_pipe(many).splitlines()) == 200
    assert sum("  web-" in line for line in drawn(many)) == 200


@pytest.mark.parametrize("height", [8, 23])
def test_a_live_view_fits_the_screen_and_says_what_it_leaves_out(height: int) -> None:
    """Two hundred servers and fifty problems: problems first, then servers, each cut told with the whole number."""
    problems = tuple(Problem(f"bad{n}", "proxyctl.port", "wrong", "error", code="P104") for n in range(50))
    many = status(pool("web", *(server(f"web-{n:03}") for n in range(200))), problems=problems)
    lines = drawn(many, height=height)
    assert len(lines) <= height
    told = [line for line in lines if "more lines: `proxyctl status` has them all" in line]
    assert len(told) == 2
    left_out = sum(int(line.split()[1]) for line in told)
    assert left_out + len(lines) - len(told) == len(drawn(many))
    assert "✘ P104 bad0" in lines[1]


def test_hostile_text_is_shown_and_obeyed_by_no_terminal() -> None:
    """Escape sequences, a change of direction, markup of our own library, line breaks: all as plain text."""
    evil = "\x1b]0;title\x07\u202e[red]x[/red]\n\t"
    problems = (Problem(f"web{evil}", f"label{evil}", f"reason {evil}", code="P104"),)
    down = server(f"name{evil}", state="down", reason=evil)
    found = status(pool(f"pool{evil}", down, host=f"host{evil}"), problems=problems)
    for text in ("\n".join(drawn(found)), tables.in_pipe(found)):
        assert not any(unicodedata.category(c) in {"Cc", "Cf"} for c in text.replace("\n", ""))
        assert "\\x1b]0;title\\x07\\u202e[red]x[/red]\\n\\t" in text
    assert sum("name" in line for line in tables.in_pipe(found).splitlines()) == 1


def test_wide_characters_keep_the_columns_in_line() -> None:
    """A problem may quote any alphabet; two cells a letter are two cells."""
    found = status(pool("web", server("상점-웹", requests=1), server("web2", requests=2)))
    first, second = drawn(found)[-2:]
    assert first.index("10.0.0.1") + 3 == second.index("10.0.0.1")


def test_without_pools_and_stale() -> None:
    """A fresh gateway says that nobody is there; a stale one says so before anything else of it."""
    assert drawn(status())[-1] == tables.in_pipe(status()).splitlines()[-1] == "no labelled container yet"
    old = dataclasses.replace(status(), stale_reason="Docker does not answer", elsewhere=tuple("abcdefg"))
    for lines in (drawn(old), tables.in_pipe(old).splitlines()):
        assert lines[1] == "STALE: Docker does not answer; the pools stay as they are"
        assert lines[-1] == "labelled, and on networks that no gateway serves: a, b, c, d, e and 2 more"
