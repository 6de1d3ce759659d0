"""From a report without verdicts to one with them: what is always judged, and what `--expect` asks for."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Final

from proxyctl.core.verdict import Threshold, Verdict, balance
from proxyctl.verify.expected import Expected
from proxyctl.verify.report import Report

NO_ERRORS: Final = Threshold("errors", "==", 0)


def judge(report: Report, expected: Expected | None = None, thresholds: Iterable[Threshold] = ()) -> Report:
    """Return it with verdicts: `thresholds`, and where they do not say otherwise, no errors and balance.

    A second judgement takes the place of the first.
    """
    given = tuple(thresholds)
    notes = [f"requests cut off at the end: {report.unfinished}"] if report.unfinished else []
    verdicts = []
    if not any(t.metric == "errors" for t in given):
        verdicts.append(_errors(report, NO_ERRORS))
    judged = _balance(report, expected, notes)
    if judged and not any(t.metric == "balance.p" for t in given):
        verdicts.append(judged)
    verdicts += [_threshold(report, threshold, judged) for threshold in given]
    return dataclasses.replace(report, expected=expected, verdicts=tuple(verdicts), notes=tuple(notes))


def _errors(report: Report, threshold: Threshold) -> Verdict:
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(report.errors.items()))
    verdict = threshold.judge(report.failed if report.requests else None)
    return dataclasses.replace(verdict, detail=kinds if report.requests else "no request ended")


def _balance(report: Report, expected: Expected | None, notes: list[str]) -> Verdict | None:
    if not report.servers:
        if report.requests > report.failed:
            notes.append("servers not named: no check token for this gateway, and no --server-from header:NAME")
    elif expected is None or expected.weights is None:
        notes.append(f"balance not judged: {expected.source if expected else 'no shares are expected'}")
    else:
        verdict = balance(report.servers, expected.weights)
        return dataclasses.replace(verdict, detail=f"{verdict.detail}; by {expected.source}")
    return None


def _threshold(report: Report, threshold: Threshold, judged: Verdict | None) -> Verdict:
    if threshold.metric == "errors":
        return _errors(report, threshold)
    if threshold.metric == "balance.p":
        verdict = threshold.judge(judged.value if judged else None)
        return dataclasses.replace(verdict, detail=judged.detail if judged else verdict.detail)
    return threshold.judge(report.figure(threshold.metric))
