"""A report as JSON and back. The shape is a contract: LABELS.md promises the first keys, docs/check.md all of them.

What may change without a new `SCHEMA`: a key is added. What may not: a key goes, or means something else.
"""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

from proxyctl.check.expected import Expected
from proxyctl.check.load.sample import Sample
from proxyctl.check.measures.histogram import Histogram
from proxyctl.check.measures.tally import Served
from proxyctl.check.measures.timeline import Block, Slice
from proxyctl.check.report import Generator, Report
from proxyctl.check.verdicts.stalls import Gap
from proxyctl.check.verdicts.verdict import Verdict, shares
from proxyctl.core.status import Event
from proxyctl.errors import UsageError

SCHEMA: Final = 1

_ALWAYS_LISTED: Final = ("refused", "reset", "timeout", "http_502", "http_503", "http_504")
_LISTED_FAILURES: Final = 1000


def to_json(report: Report) -> dict[str, Any]:
    """Return a report as the JSON of docs/check.md."""
    return {
        "schema": SCHEMA,
        "url": report.url,
        "started_at": iso(report.started_at),
        "requests": report.requests,
        "ok": report.requests - report.failed,
        "errors": dict.fromkeys(_ALWAYS_LISTED, 0) | dict(sorted(report.errors.items())),
        "unfinished": report.unfinished,
        "seconds": round(report.seconds, 3),
        "rate": round(report.rate, 1),
        "latency_ms": report.latency_ms,
        "first_byte_ms": report.first_byte_ms,
        "servers": _servers(report),
        "urls": [{"url": url, "requests": count, "errors": bad} for url, count, bad in report.by_url],
        "keys": {str(key): dict(sorted(served.items())) for key, served in sorted(report.by_key.items())},
        "verdicts": [dataclasses.asdict(verdict) for verdict in report.verdicts],
        "notes": list(report.notes),
        "failures": [_failure(report, f) for f in report.failures[:_LISTED_FAILURES]],
        "events": [{"at": iso(e.at), "kind": e.kind, "text": e.text} for e in report.events],
        "expected": _plain(report.expected) if report.expected else None,
        "options": dict(report.options),
        "machine": dict(report.machine),
        "generator": _plain(report.generator) | {"was_the_limit": report.generator.was_the_limit},
        "gaps": [dataclasses.asdict(gap) for gap in report.gaps],
        "timeline": {
            "slice_seconds": report.slice_seconds,
            "slices": [dataclasses.asdict(piece) for piece in report.timeline],
            "blocks": [
                {"at": block.at, "latency_us": {str(us): n for us, n in block.latency.items()}}
                for block in report.blocks
            ],
        },
        "histogram": {"latency": report.latency.encode(), "first_byte": report.first_byte.encode()},
    }


def from_json(document: Mapping[str, Any]) -> Report:
    """Return the report that `to_json` wrote; raise UsageError."""
    try:
        if document["schema"] != SCHEMA:
            raise UsageError(f"its schema is {document['schema']!r}; this proxyctl reads {SCHEMA}")
        histogram = document["histogram"]
        return Report(
            url=document["url"],
            started_at=_unix(document["started_at"]),
            seconds=document["seconds"],
            requests=document["requests"],
            errors={kind: count for kind, count in document["errors"].items() if count},
            latency=Histogram.decode(histogram["latency"], document["latency_ms"]["max"]),
            first_byte=Histogram.decode(histogram["first_byte"], document["first_byte_ms"]["max"]),
            by_server={n: _served(s) for n, s in document["servers"].items() if s["requests"]},
            by_url=tuple((u["url"], u["requests"], u["errors"]) for u in document["urls"]),
            by_key={int(key): served for key, served in document["keys"].items()},
            slice_seconds=document["timeline"]["slice_seconds"],
            timeline=tuple(Slice(**piece) for piece in document["timeline"]["slices"]),
            blocks=tuple(_block(block) for block in document["timeline"]["blocks"]),
            failures=tuple(_sample(f, [u["url"] for u in document["urls"]]) for f in document["failures"]),
            events=tuple(Event(_unix(e["at"]), e["kind"], e["text"]) for e in document["events"]),
            unfinished=document["unfinished"],
            generator=_generator(document["generator"]),
            gaps=tuple(Gap(**gap) for gap in document["gaps"]),
            options=document["options"],
            machine=document["machine"],
            expected=_expected(document["expected"]) if document["expected"] else None,
            verdicts=tuple(Verdict(**v) for v in document["verdicts"]),
            notes=tuple(document["notes"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as exc:
        raise UsageError(f"it is not a report of `proxyctl check --json` ({type(exc).__name__}: {exc})") from exc


def _servers(report: Report) -> dict[str, Any]:
    due_shares = shares(report.expected.weights) if report.expected and report.expected.weights else {}
    named = sum(report.servers.values())
    found = {}
    for name in sorted({*report.servers, *due_shares}):
        served = report.by_server.get(name, Served())
        found[name] = {
            "requests": served.requests,
            "share": round(served.requests / named, 4) if named else 0.0,
            "expected": round(due_shares[name], 4) if name in due_shares else None,
            "errors": dict(sorted(served.errors.items())),
            "latency_ms": served.latency.figures(),
            "first_byte_ms": served.first_byte.figures(),
            "histogram": {"latency": served.latency.encode(), "first_byte": served.first_byte.encode()},
        }
    return found


def _served(entry: Mapping[str, Any]) -> Served:
    served = Served()
    served.requests = entry["requests"]
    served.errors = collections.Counter(entry["errors"])
    served.latency = Histogram.decode(entry["histogram"]["latency"], entry["latency_ms"]["max"])
    served.first_byte = Histogram.decode(entry["histogram"]["first_byte"], entry["first_byte_ms"]["max"])
    return served


def _plain(value: Expected | Generator) -> dict[str, Any]:
    return {key: list(v) if isinstance(v, tuple) else v for key, v in dataclasses.asdict(value).items()}


def _expected(entry: Mapping[str, Any]) -> Expected:
    return Expected(**{**entry, "backups": tuple(entry["backups"])})


def _generator(entry: Mapping[str, Any]) -> Generator:
    figures = {key: value for key, value in entry.items() if key != "was_the_limit"}
    return Generator(**{**figures, "deaf": tuple((begin, end) for begin, end in entry["deaf"])})


def _failure(report: Report, failure: Sample) -> dict[str, Any]:
    return {
        "at": round(failure.at, 4),
        "time": iso(report.started_at + failure.at),
        "seconds": round(failure.latency, 4),
        "kind": failure.error,
        "status": failure.status,
        "server": failure.server,
        "url": report.by_url[failure.target][0] if report.by_url else report.url,
        "events": list(report.near(failure)),
    }


def _sample(entry: Mapping[str, Any], urls: list[str]) -> Sample:
    target = urls.index(entry["url"])
    return Sample(entry["at"], entry["seconds"], entry["kind"], entry["status"], entry["server"], target=target)


def _block(entry: Mapping[str, Any]) -> Block:
    return Block(entry["at"], {int(us): count for us, count in entry["latency_us"].items()})


def iso(unix: float) -> str:
    """Write a Unix time as ISO 8601 in UTC."""
    return dt.datetime.fromtimestamp(unix, dt.UTC).isoformat()


def _unix(iso: str) -> float:
    return dt.datetime.fromisoformat(iso).timestamp()
