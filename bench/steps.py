"""What `watch --verbose` says that it did and when: the steps of one join, and how long applies took.

Reads only what was logged after it was made.
"""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

EVENT, RESOLVED, ANSWERS, APPLIED = "event taken", "name resolved", "server answers", "applied and confirmed"
STEPS = (EVENT, RESOLVED, ANSWERS, APPLIED)

_FIELD = re.compile(r'(\w+)=(?:"((?:[^"\\]|\\.)*)"|(\S*))')
_KINDS = ("joined", "drains", "left")


class Log:
    """The log file of one `watch`, from its present end on."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._from = path.stat().st_size

    def join(self, server: str) -> dict[str, float]:
        """Return when each step of a server's join was logged (seconds since the epoch); empty until all were."""
        steps: dict[str, float] = {}
        for line in self._lines():
            reason, changes = line.get("reason", ""), line.get("changes", "")
            at = dt.datetime.fromisoformat(line["timestamp"]).timestamp()
            if reason.startswith(("create ", "connect ", "start ")) and RESOLVED not in steps:
                steps[EVENT] = at  # the last one before its name: servers come one by one, and an inspect may be late
            elif reason == f"name {server}":
                steps.setdefault(RESOLVED, at)
            elif reason == f"{server} answers":
                steps.setdefault(ANSWERS, at)
            elif f"{server} joined" in changes:
                steps[APPLIED] = at
                return steps
        return {}

    def applies(self) -> dict[str, list[float]]:
        """Return the milliseconds of every apply by what changed and how, such as "joined, reload"."""
        found: dict[str, list[float]] = {}
        for line in self._lines():
            if line.get("event") == "applied":
                kinds = [kind for kind in _KINDS if f" {kind} " in line["changes"]]
                found.setdefault(f"{' and '.join(kinds) or 'else'}, {line['how']}", []).append(float(line["ms"]))
        return dict(sorted(found.items()))

    def _lines(self) -> list[dict[str, str]]:
        with self._path.open("rb") as file:
            file.seek(self._from)
            whole = file.read().rpartition(b"\n")[0].decode(errors="replace")
        read = ({k: quoted or plain for k, quoted, plain in _FIELD.findall(line)} for line in whole.splitlines())
        return [fields for fields in read if "timestamp" in fields]
