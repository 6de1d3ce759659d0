"""HAProxy's statistics, as CSV from its own page on a unix socket.

`requests` fetches the page, the `csv` module reads it: a check's message is quoted and may have commas. Called by
`engine`.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path

import requests

from proxyctl.core.model import ServerCount
from proxyctl.errors import printable
from proxyctl.gateway import unix

ANSWER = 5
"""Seconds; the page takes 0.3 ms, with 10,000 servers 75 ms."""

_MOST_SAID = 100
_NOT_CHECKED = {"", "INI", "UNK"}
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
    table = csv.DictReader(io.StringIO(text.removeprefix("# "), newline=""))  # a quoted field may hold any line break
    found = [
        ServerCount(
            row["pxname"],
            row["svname"],
            int(row["stot"] or 0),
            _up(row["status"]),
            _reason(row),
            int(row.get("scur") or 0) + int(row.get("qcur") or 0),
        )
        for row in table
        if row.get("type") == _SERVER
    ]
    return tuple(sorted(found, key=lambda c: (c.pool, c.server)))


def _reason(row: Mapping[str, str]) -> str:
    """Return what the last check of a server that is down found, as `Layer7 wrong status (L7STS 503): Unavailable`.

    What the server itself said comes last, cut short.
    """
    status = (row.get("check_status") or "").removeprefix("* ")  # a star: another check is under way
    if not row["status"].startswith("DOWN") or status in _NOT_CHECKED:
        return ""
    code, said = row.get("check_code") or "", printable((row.get("last_chk") or "")[:_MOST_SAID])
    kind = row.get("check_desc") or "check failed"
    return f"{kind} ({' '.join(filter(None, (status, code)))})" + (f": {said}" if said else "")


def _up(status: str) -> bool | None:
    """Return whether a status (`UP 1/3`, `DOWN`, `DRAIN`, `MAINT`, `no check` …) is up; None without a check."""
    if status == "no check":
        return None
    return not status.startswith(("DOWN", "MAINT"))
