"""What `watch --verbose` logs of what it did and when: the steps of one join, and how long applies took.

Reads only what was logged after it was made.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from pathlib import Path

STEPS = ("event", "inspect", "DNS", "probe", "plan", "apply", "confirm")
"""What one join goes through, in this order; `probe` waits for the server itself, mostly."""

_APPLY = {"haproxy": ("runtime",), "nginx": ("stage", "check", "switch", "answers")}
_CONFIRM = {"haproxy": ("stage", "check", "switch"), "nginx": ("retires",)}
PARTS = ("runtime", "stage", "check", "switch", "answers", "retires")
"""The parts of `apply` and `confirm`, as a pass logs them."""

_FIELD = re.compile(r'(\w+)=(?:"((?:[^"\\]|\\.)*)"|(\S*))')
_KINDS = ("joined", "drains", "left")


class Log:
    """The log file of one `watch`, from its present end on."""

    def __init__(self, path: Path, engine: str) -> None:
        self._path = path
        self._engine = engine
        self._from = path.stat().st_size

    def join(self, server: str, started: float) -> dict[str, float]:
        """Return the milliseconds that each of STEPS and PARTS took of a server's join; empty until it is confirmed.

        `started` is the time of the start event (seconds since the epoch). Steps follow each other without a gap:
        what comes between two logged ones, such as the wait for the next pass, belongs to the later one.
        """
        at: dict[str, float] = {}
        lines = self._lines()
        for number, line in enumerate(lines):
            event, now = line["event"], dt.datetime.fromisoformat(line["timestamp"]).timestamp()
            if event == "event" and "DNS" not in at:
                # The last one before its name is known: an inspect for the event before may have seen it run already.
                at["inspect"], at["event"] = now, now - float(line["inspect_ms"]) / 1000
            elif event == "woken" and line["reason"] == f"name {server}":
                at.setdefault("DNS", now)
            elif event == "probed" and line["server"] == server:
                at.setdefault("probe", now)
            elif event == "applied" and f"{server} joined" in line["changes"]:
                its = next((after for after in lines[number:] if after["event"] == "pass"), None)
                return _durations(at, its, self._engine, started) if its else {}
        return {}

    def drained(self, server: str) -> bool:
        """Whether a server's drain was applied and confirmed."""
        return any(f"{server} drains" in line["changes"] for line in self._lines() if line["event"] == "applied")

    def applies(self) -> dict[str, list[float]]:
        """Return the milliseconds of every apply by what changed and how, such as "joined, reload"."""
        found: dict[str, list[float]] = {}
        for line in self._lines():
            if line["event"] == "applied":
                kinds = [kind for kind in _KINDS if f" {kind} " in line["changes"]]
                found.setdefault(f"{' and '.join(kinds) or 'else'}, {line['how']}", []).append(float(line["ms"]))
        return dict(sorted(found.items()))

    def ways(self) -> dict[str, int]:
        """Return how many applies there were of each way: `reload`, `runtime`, `unchanged`."""
        ways = [line["how"] for line in self._lines() if line["event"] == "applied"]
        return {way: ways.count(way) for way in sorted(set(ways))}

    def _lines(self) -> list[dict[str, str]]:
        with self._path.open("rb") as file:
            file.seek(self._from)
            whole = file.read().rpartition(b"\n")[0].decode(errors="replace")
        read = ({k: quoted or plain for k, quoted, plain in _FIELD.findall(line)} for line in whole.splitlines())
        return [fields for fields in read if "timestamp" in fields and "event" in fields]


def _durations(at: Mapping[str, float], its: Mapping[str, str], engine: str, started: float) -> dict[str, float]:
    """Return the steps from their ends, and from the fields of the pass that carried the join out."""
    fields = {name.removesuffix("_ms"): float(ms) for name, ms in its.items() if name.endswith("_ms")}
    applied, confirmed = (sum(fields.get(p, 0.0) for p in way[engine]) for way in (_APPLY, _CONFIRM))
    end = dt.datetime.fromisoformat(its["timestamp"]).timestamp()
    ends = {**at, "confirm": end, "apply": end - confirmed / 1000, "plan": end - (confirmed + applied) / 1000}
    took, before = {}, started
    for step in STEPS:
        now = max(before, ends.get(step, before))
        took[step], before = (now - before) * 1000, now
    return took | {part: fields[part] for part in PARTS if part in fields}
