"""HAProxy's statistics, as CSV from its own page on a unix socket.

`requests` fetches the page, the `csv` module reads it: a check's message is quoted and may have commas. Called by
`engine`.
"""

from __future__ import annotations

import csv
from pathlib import Path

import requests

from proxyctl.core.model import ServerCount
from proxyctl.gateway import unix

ANSWER = 5
"""Seconds; the page takes 0.3 ms, with 10,000 servers 75 ms."""

_SERVER = "2"  # the `type` column; others are frontends and backends


def counts(socket: Path) -> tuple[ServerCount, ...]:
    """Return requests and health of every server, sorted; empty when HAProxy does not answer."""
    if not socket.is_socket():
        return ()
    try:
        with unix.session(socket, ANSWER) as session:
            answer = session.get(f"{unix.URL}/;csv", timeout=ANSWER)
            answer.raise_for_status()
    except requests.RequestException:
        return ()
    return read(answer.text)


def read(text: str) -> tuple[ServerCount, ...]:
    """Return the counts in the CSV; `stot` counts a server's requests since the configuration was loaded."""
    table = csv.DictReader(text.removeprefix("# ").splitlines())
    found = [
        ServerCount(pool=row["pxname"], server=row["svname"], requests=int(row["stot"] or 0), up=_up(row["status"]))
        for row in table
        if row["type"] == _SERVER
    ]
    return tuple(sorted(found, key=lambda c: (c.pool, c.server)))


def _up(status: str) -> bool | None:
    """Return whether a status (`UP 1/3`, `DOWN`, `DRAIN`, `MAINT`, `no check` …) is up; None without a check."""
    if status == "no check":
        return None
    return not status.startswith(("DOWN", "MAINT"))
