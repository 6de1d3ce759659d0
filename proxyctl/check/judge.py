"""From a report without verdicts to one with them: what is always judged, and what `--expect` asks for."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from proxyctl.check.events import concerns
from proxyctl.check.expected import BY_USER, Expected
from proxyctl.check.load.served import ServerFrom
from proxyctl.check.report import Report
from proxyctl.check.verdicts import balance, consistency, stalls
from proxyctl.check.verdicts.statistics import goodness_of_fit
from proxyctl.check.verdicts.threshold import Threshold, per_server
from proxyctl.check.verdicts.verdict import Verdict
from proxyctl.core.model import BY_KEY

NO_ERRORS: Final = Threshold("errors", "==", 0)

_WITH_P: Final = ("balance", "faulty_server")  # a threshold on these is about the p-value, NAME.p
_LONG_ENOUGH: Final = 1.0  # seconds; in a shorter load no stall is looked for
_ONE_KEY: Final = 0  # of every request in a load without --keys


def judge(
    report: Report,
    expected: Expected | None = None,
    thresholds: Iterable[Threshold] = (),
    also: Iterable[Verdict] = (),
    *,
    by_ring: bool = False,
) -> Report:
    """Return the report with verdicts: those of every check, those in `also`, and one for each threshold.

    A threshold takes the place of the verdict on the same figure. Verdicts and notes that the report had before are
    dropped.
    `by_ring` says that the proxy's algorithm picks points of a hash ring, which allows uneven shares.
    """
    given = tuple(thresholds)
    notes = [*_notes(report)]
    distribution = _distribution(report, expected, notes, by_ring=by_ring)
    always = {v.name: v for v in (_errors(report, NO_ERRORS), *distribution, *_rest(report))}
    replaced = {t.metric.removesuffix(".p") for t in given}
    verdicts = [verdict for name, verdict in always.items() if name not in replaced]
    verdicts += [*also, *(_threshold(report, threshold, always, expected) for threshold in given)]
    return dataclasses.replace(report, expected=expected, verdicts=tuple(verdicts), notes=tuple(notes))


def _notes(report: Report) -> Iterator[str]:
    generator = report.generator
    if report.unfinished:
        yield f"requests cut off at the end: {report.unfinished}"
    if generator.was_the_limit:
        yield (
            f"the generator was the limit, the proxy may do more: a process was busy {generator.busy:.0%} of the time "
            f"and late by {generator.late * 1000:.0f} ms (p99); more --workers, or another machine"
        )
    if excused := report.excused:
        listed = ", ".join(f"{gap.seconds * 1000:.0f} ms at {gap.at:.2f} s" for gap in excused)
        yield f"nothing ended for {listed}, but this machine held up the generator too: the proxy is not blamed"
    if generator.waited and not generator.was_the_limit:
        yield (
            "requests that had no free connection when they were due, and have that wait in their latency: "
            f"{generator.waited:,}; more --concurrency"
        )


def _errors(report: Report, threshold: Threshold) -> Verdict:
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(report.errors.items()))
    verdict = threshold.judge(report.failed if report.requests else None)
    return dataclasses.replace(verdict, detail=kinds if report.requests else "no request ended")


def _distribution(report: Report, expected: Expected | None, notes: list[str], *, by_ring: bool) -> Iterator[Verdict]:
    """Judge how much each server served, by the test that fits the algorithm."""
    if not report.servers:
        if report.requests > report.failed:
            unnamed = _unnamed(report)
            notes.append(f"servers not named: {unnamed}")
            if expected is not None and expected.source == BY_USER:  # weights that the user gave must not pass unjudged
                yield Verdict("balance", ok=False, value=None, expected="servers with names", detail=unnamed)
        return
    if moved := _moved(report, expected):
        notes.append(f"balance not judged: the pool changed during the check: {moved}")
        return
    keyed, by_key = _keyed(report, expected), expected is not None and expected.balance in BY_KEY
    if keyed or by_key:
        yield from _by_key(report, expected, notes)
    if expected is None or expected.weights is None:
        if not keyed:
            notes.append(f"balance not judged: {expected.source if expected else 'no shares are expected'}")
        return
    if expected.backups:
        yield balance.backup(report.servers, expected.backups)
    if keyed or by_key:
        return
    verdict = _by_weight(report, expected, expected.weights, by_ring=by_ring)
    yield dataclasses.replace(verdict, detail=f"{verdict.detail}; by {expected.source}")


def _moved(report: Report, expected: Expected | None) -> str:
    """Return what happened to the pool while requests were sent; empty where the user says who is due how much."""
    if expected is None or expected.source == BY_USER or not expected.pool:
        return ""
    ended = report.started_at + report.seconds
    found = (e.text for e in report.events if report.started_at <= e.at <= ended and concerns(e, expected.pool))
    return next(found, "")


def _unnamed(report: Report) -> str:
    """Return why no answer named its server."""
    where = report.options.get("server_from")
    if where in {None, str(ServerFrom())}:
        return "no check token for this gateway, and no --server-from"
    return f"no answer has one by --server-from {where}"


def _by_weight(report: Report, expected: Expected, weights: Mapping[str, float], *, by_ring: bool) -> Verdict:
    if expected.balance == "leastconn":
        return balance.leastconn(report.work, weights, report.seconds)
    if by_ring:
        return balance.ring_balance(report.servers, weights)
    if _is_exact(report, expected):
        return balance.exact_balance(report.servers, weights, expected.cycles or 1)
    return balance.balance(report.servers, weights)


def _keyed(report: Report, expected: Expected | None) -> bool:
    """Whether requests had keys by which this algorithm chooses; an algorithm by weight or load ignores the path."""
    kind = str(report.options.get("key_by")).partition(":")[0]
    sees = kind in {"cookie", "header"} or expected is None or expected.balance in {None, *BY_KEY}
    return bool(report.by_key) and sees


def _by_key(report: Report, expected: Expected | None, notes: list[str]) -> Iterator[Verdict]:
    """Judge that one key always met one server; in a load without --keys all requests have the same key."""
    by_key = report.by_key or {_ONE_KEY: report.servers}
    yield consistency.consistent(by_key)
    weights, kind = expected.weights if expected else None, report.options.get("key_by")
    if kind in BY_KEY and expected is not None and expected.balance in BY_KEY and kind != expected.balance:
        notes.append(f"spread over servers not judged: keys by {kind} are one to an algorithm by {expected.balance}")
        return
    verdict = consistency.spread(consistency.owners(by_key), weights or dict.fromkeys(report.servers, 1.0))
    if verdict:
        yield verdict
    else:
        meant = consistency.MEANT_PER_SERVER
        notes.append(f"spread over servers not judged: it takes --keys, {meant} for each server")


def _is_exact(report: Report, expected: Expected) -> bool:
    """Whether a round robin alone chose the servers; a failed request may have been tried on another server."""
    undisturbed = expected.cycles is not None and expected.balance in {None, "roundrobin"} and not report.failed
    return undisturbed and expected.weights is not None and balance.can_be_exact(expected.weights)


def _rest(report: Report) -> Iterator[Verdict]:
    failed = {name: served.failed for name, served in report.by_server.items()}
    if verdict := balance.faulty_server(report.servers, failed):
        yield verdict
    if report.seconds >= _LONG_ENOUGH and report.rate * stalls.LEAST >= stalls.DUE:
        yield stalls.stalls_verdict(report.stalls)


def _threshold(
    report: Report, threshold: Threshold, always: Mapping[str, Verdict], expected: Expected | None
) -> Verdict:
    name = threshold.metric.removesuffix(".p")
    if name == "errors":
        return _errors(report, threshold)
    if name == "stalls":
        return threshold.judge(len(report.stalls))
    found = always.get(name)
    if name in _WITH_P:
        value = found.value if found else None
        if name == "balance" and found and expected and expected.weights:
            value = goodness_of_fit(report.servers, expected.weights)
        if name == "faulty_server" and found is None and report.servers:
            value = 1.0  # no server failed
        verdict = threshold.judge(value)
        return dataclasses.replace(verdict, detail=found.detail if found else verdict.detail)
    if found is not None:
        verdict = threshold.judge(found.value)
        return dataclasses.replace(verdict, detail=found.detail)
    if server := per_server(threshold.metric):
        return threshold.judge(report.server_figure(*server))
    return threshold.judge(report.figure(threshold.metric))
