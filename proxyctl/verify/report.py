"""What a check found: counts, shares, latency, verdicts, as values, as JSON and as thresholds see them."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any, Final

from proxyctl.core.verdict import Threshold, Verdict, balance, number, shares
from proxyctl.edges.load.sample import REFUSED, Sample
from proxyctl.verify.expected import Expected

NO_ERRORS: Final = Threshold("errors", "==", 0)

_ALWAYS_LISTED: Final = ("refused", "reset", "timeout", "http_502", "http_503", "http_504")
_LISTED_FAILURES: Final = 1000


@dataclasses.dataclass(frozen=True, slots=True)
class Report:
    """One check. `latency_ms` is that of good requests; `servers` are requests by who served them.

    `unfinished` requests were cut off when the check was ended early and count nowhere else. `notes` say
    what could not be judged and why.
    """

    url: str
    started_at: float
    seconds: float
    requests: int
    failed: int
    errors: Mapping[str, int]
    latency_ms: Mapping[str, float | None]
    servers: Mapping[str, int]
    failures: tuple[Sample, ...] = ()
    unfinished: int = 0
    expected: Expected | None = None
    verdicts: tuple[Verdict, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether every verdict is good."""
        return all(verdict.ok for verdict in self.verdicts)

    @property
    def rate(self) -> float:
        """Requests per second, failed ones too."""
        return self.requests / self.seconds if self.seconds > 0 else 0.0

    @property
    def nothing_answers(self) -> bool:
        """Whether every single request was refused."""
        return self.requests > 0 and self.errors.get(REFUSED) == self.requests

    def judged(self, expected: Expected | None = None, thresholds: Iterable[Threshold] = ()) -> Report:
        """Return it with verdicts: `thresholds`, and where they do not say otherwise, no errors and balance."""
        given = tuple(thresholds)
        notes = [f"requests cut off at the end: {self.unfinished}"] if self.unfinished else []
        verdicts = []
        if not any(t.metric == "errors" for t in given):
            verdicts.append(self._errors(NO_ERRORS))
        judged = self._balance(expected, notes)
        if judged and not any(t.metric == "balance.p" for t in given):
            verdicts.append(judged)
        verdicts += [self._judge(threshold, judged) for threshold in given]
        return dataclasses.replace(self, expected=expected, verdicts=tuple(verdicts), notes=tuple(notes))

    def figure(self, metric: str) -> float | None:
        """Return the figure that a threshold is about; None where it was not measured."""
        family, _, name = metric.partition(".")
        match family:
            case "errors" if name:
                return self.errors.get(name, 0)
            case "requests" if name:
                return self.servers.get(name, 0)
            case "share":
                named = sum(self.servers.values())
                return self.servers.get(name, 0) / named if named else None
            case "servers":
                return len(self.servers)
            case "error_rate":
                return self.failed / self.requests if self.requests else None
            case _:
                pass
        plain = {
            "requests": self.requests,
            "ok": self.requests - self.failed,
            "errors": self.failed,
            "rate": self.rate,
            "seconds": self.seconds,
        }
        return plain[metric] if metric in plain else self.latency_ms.get(metric)

    def to_json(self) -> dict[str, Any]:
        """Return the shape that LABELS.md promises, extended; stable."""
        wanted = shares(self.expected.weights) if self.expected and self.expected.weights else {}
        named = sum(self.servers.values())
        return {
            "url": self.url,
            "started_at": dt.datetime.fromtimestamp(self.started_at, dt.UTC).isoformat(),
            "requests": self.requests,
            "ok": self.requests - self.failed,
            "errors": dict.fromkeys(_ALWAYS_LISTED, 0) | dict(sorted(self.errors.items())),
            "unfinished": self.unfinished,
            "seconds": round(self.seconds, 3),
            "rate": round(self.rate, 1),
            "latency_ms": dict(self.latency_ms),
            "servers": {
                name: {
                    "requests": self.servers.get(name, 0),
                    "share": round(self.servers.get(name, 0) / named, 4) if named else 0.0,
                    "expected": round(wanted[name], 4) if name in wanted else None,
                }
                for name in sorted({*self.servers, *wanted})
            },
            "verdicts": [dataclasses.asdict(verdict) for verdict in self.verdicts],
            "notes": list(self.notes),
            "failures": [
                {"at": round(f.at, 4), "kind": f.error, "status": f.status, "server": f.server}
                for f in self.failures[:_LISTED_FAILURES]
            ],
        }

    def _errors(self, threshold: Threshold) -> Verdict:
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(self.errors.items()))
        verdict = threshold.judge(self.failed if self.requests else None)
        return dataclasses.replace(verdict, detail=kinds if self.requests else "no request ended")

    def _balance(self, expected: Expected | None, notes: list[str]) -> Verdict | None:
        if not self.servers:
            if self.requests > self.failed:
                notes.append("servers not named: no check token for this gateway, and no --server-from header:NAME")
        elif expected is None or expected.weights is None:
            notes.append(f"balance not judged: {expected.source if expected else 'no shares are expected'}")
        else:
            verdict = balance(self.servers, expected.weights)
            return dataclasses.replace(verdict, detail=f"{verdict.detail}; by {expected.source}")
        return None

    def _judge(self, threshold: Threshold, judged: Verdict | None) -> Verdict:
        if threshold.metric == "errors":
            return self._errors(threshold)
        if threshold.metric == "balance.p":
            verdict = threshold.judge(judged.value if judged else None)
            return dataclasses.replace(verdict, detail=judged.detail if judged else verdict.detail)
        return threshold.judge(self.figure(threshold.metric))


def failed_line(report: Report) -> str:
    """Return one line that says which verdicts failed, and by how much."""
    if report.nothing_answers:
        return f"nothing answers at {report.url}: all {report.requests} requests were refused"
    return "; ".join(
        f"{v.name} is {'unknown' if v.value is None else number(v.value)}, expected {v.expected}"
        + (f" ({v.detail})" if v.detail else "")
        for v in report.verdicts
        if not v.ok
    )
