"""What the labs read out of `proxyctl check --json`."""

import json
from typing import Any, cast

import pytest

from proxyctl.labs.at import At, Differs
from proxyctl.labs.checks import balance
from proxyctl.labs.scene import Scene

AT = At(cast("Scene", None))  # judging needs no scene


def out(*verdicts: tuple[str, bool]) -> str:
    """A report as it is printed, with the line that follows a failed one."""
    report: dict[str, Any] = {
        "servers": {"b": {"requests": 20}, "a": {"requests": 10}, "idle": {"requests": 0}},
        "verdicts": [
            {"name": name, "ok": ok, "value": 1, "expected": "== 0", "detail": "why"} for name, ok in verdicts
        ],
    }
    return json.dumps(report, indent=2) + "\nproxyctl: 1 of 2 expectations failed"


def test_counts_are_in_order_and_without_idle_servers() -> None:
    """Also where a line about failures follows the JSON."""
    assert balance.served(out()) == {"a": 10, "b": 20}
    assert balance.counts(out()) == "a 10, b 20"


def test_good_verdicts_become_rows() -> None:
    """A stall is none of a lab's business."""
    output = out(("errors", True), ("balance", True), ("stalls", False))
    assert balance.judged(AT, output, "balance") == [("errors", "✔"), ("balance", "✔")]


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        (out(("errors", False)), "verdict: errors 1, == 0; why"),
        (out(("errors", True), ("spread", False)), "verdict: spread 1, == 0; why"),
        (out(("errors", True)), "no verdict on balance"),
        (out(("balance", True)), "no verdict on errors"),
    ],
)
def test_a_bad_verdict_and_a_missing_one_are_told(output: str, reason: str) -> None:
    """Whatever was not judged has not been proven."""
    with pytest.raises(Differs) as failed:
        balance.judged(AT, output, "balance")
    assert failed.value.reason.en == reason


def test_what_uniq_counted() -> None:
    """A name that grep cut out keeps its quote until here."""
    assert balance.tally('      4 item1"\n      8 item3"') == {"item1": 4, "item3": 8}
