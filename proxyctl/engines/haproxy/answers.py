"""Reads HAProxy's answers to `show info` and `show servers state`, and its log. Asks nothing.

The columns and words are those of its management guide, section 9. Next: `sockets`.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable

from proxyctl.core.model import Server
from proxyctl.engines.inside_gateway import last_line
from proxyctl.engines.loaded import read_revision

_MOST_ALERTS = 3
_PLACE = r"(?:config : )?(?:parsing |Binding )?(?:\[(?P<place>[^]]+:\d+)\] ?:? ?)?"
_ALERT = re.compile(rf"\[ALERT\]\s+\(\d+\) : {_PLACE}(?P<text>.*)")
_SUMMARY = re.compile(r"(Error\(s\) found in|Fatal errors found in|Some protocols failed|Loading failure).*")
_REMARK = re.compile(r"\[\d\]: (.*)")
# server-t.h, SRV_ADMF_*. Not 0x04 (`disabled` in the file), which stays set after `set server … state ready`.
_MAINTENANCE = 0x01 | 0x02 | 0x20  # forced, inherited, no address
_DRAIN = 0x08 | 0x10


class NoAnswer(Exception):
    """HAProxy gives no answer on the socket, or an unknown one; the message says which."""


@dataclasses.dataclass(frozen=True, slots=True)
class Info:
    """The fields of a worker's `show info`; `maxconn` 0 where it names none."""

    pid: int
    revision: str
    topology: str
    stopping: bool
    connections: int = 0
    maxconn: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """One server in `show servers state`."""

    pool: str
    name: str
    address: str
    port: int
    weight: int
    up: bool
    maintenance: bool
    drain: bool

    @property
    def leftover(self) -> bool:
        """Whether the server was removed and only waits to be deleted.

        A removed server is in maintenance with a weight; a server of a sticky pool that drains is in maintenance with
        weight 0. So HAProxy's own list tells them apart, even after a restart of proxyctl.
        """
        return self.maintenance and self.weight != 0


def remarks(answer: str) -> list[str]:
    """Return the remarks of an answer: each line that is not empty, without its severity."""
    return [m[1] if (m := _REMARK.fullmatch(line)) else line for line in answer.splitlines() if line.strip()]


def read_info(text: str) -> Info:
    """Read the answer to `show info`; raise NoAnswer when it is none."""
    fields = dict(line.partition(": ")[::2] for line in text.splitlines())
    if not fields.get("Pid", "").isdecimal():
        raise NoAnswer(f"not an answer of a worker: {text.strip()[:80]!r}")
    revision, topology = read_revision(fields.get("description", "")) or ("", "")
    return Info(
        pid=int(fields["Pid"]),
        revision=revision,
        topology=topology,
        stopping=fields.get("Stopping", "0") != "0",
        connections=_number(fields.get("CurrConns", "")),
        maxconn=_number(fields.get("Maxconn", "")),
    )


def _number(text: str) -> int:
    return int(text) if text.isdecimal() else 0


def read_rows(text: str) -> list[Row]:
    """Read the answer to `show servers state`; raise NoAnswer when it is none."""
    _, hash_sign, table = text.partition("# be_id ")
    if not hash_sign:
        raise NoAnswer(f"not a list of servers: {text.strip()[:80]!r}")
    header, *lines = ("be_id " + table).splitlines()
    names = header.split()
    found = []
    for line in lines:
        row = dict(zip(names, line.split(), strict=False))
        if "srv_port" in row:
            admin = int(row["srv_admin_state"])
            found.append(
                Row(
                    pool=row["be_name"],
                    name=row["srv_name"],
                    address=row["srv_addr"],
                    port=int(row["srv_port"]),
                    weight=int(row["srv_uweight"]),
                    up=row["srv_op_state"] != "0",
                    maintenance=bool(admin & _MAINTENANCE),
                    drain=bool(admin & _DRAIN),
                )
            )
    return found


def servers_in_use(rows: Iterable[Row]) -> tuple[tuple[str, Server], ...]:
    """Return the (pool, server) pairs in use, without removed servers that wait in maintenance."""
    return tuple(
        (r.pool, Server(r.name, "", r.address, r.port, weight=r.weight, draining=r.weight == 0 or r.drain))
        for r in rows
        if not r.leftover
    )


def alerts(output: str, *, newest_first: bool = False) -> str:
    """Return HAProxy's own errors in one line, each with file name and line number, or an empty string."""
    found = []
    for match in _ALERT.finditer(output):
        place = (match["place"] or "").rpartition("/")[2]
        found.append(f"{place}: {match['text'].strip()}" if place else match["text"].strip())
    found = list(dict.fromkeys([f for f in found if not _SUMMARY.match(f)] or found))
    shown = found[:-_MOST_ALERTS:-1] if newest_first else found[:_MOST_ALERTS]
    more = f" (and {len(found) - len(shown)} more)" if len(found) > len(shown) and not newest_first else ""
    return "; ".join(shown) + more


def newest(log: str) -> str:
    """Return the newest errors in a log; without errors its last line."""
    return alerts(log, newest_first=True) or last_line(log) or "its log is empty"
