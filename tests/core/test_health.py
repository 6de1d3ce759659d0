"""`proxyctl.core.health`: when a checked server is up, and which answers pass."""

from __future__ import annotations

import pytest

from proxyctl.core.health import Vitals, accepts, judge


@pytest.mark.parametrize(
    ("results", "states"),
    [
        ("", ""),
        ("1", "U"),  # one success is enough at first
        ("0001", "dddU"),  # however many failed before it
        ("1000", "UUUd"),  # `fall` failures in a row
        ("1001000", "UUUUUUd"),  # a success between them starts the count again
        ("100011", "UUUddU"),  # once it was up, it needs `rise` successes
        ("100010111", "UUUddddUU"),  # and a failure between them starts that count again
    ],
)
def test_rise_and_fall(results: str, states: str) -> None:
    """A server follows its results with rise 2 and fall 3."""
    vitals, seen = Vitals(), ""
    for result in results:
        vitals = judge(vitals, passed=result == "1", rise=2, fall=3)
        seen += "U" if vitals.up else "d"
    assert seen == states


def test_a_state_confirmed_forgets_what_spoke_against_it() -> None:
    """A result that agrees with the state clears the streak."""
    assert judge(Vitals(up=True, streak=2, proven=True), passed=True, rise=2, fall=3).streak == 0
    assert judge(Vitals(streak=1, proven=True), passed=False, rise=2, fall=3).streak == 0


@pytest.mark.parametrize(
    ("wanted", "status", "passes"),
    [
        ("2xx,3xx", 204, True),
        ("2xx,3xx", 302, True),
        ("2xx,3xx", 404, False),
        ("200,204", 204, True),
        ("200, 204", 204, True),
        ("200,204", 201, False),
        ("5xx", 503, True),
    ],
)
def test_accepts(wanted: str, status: int, passes: bool) -> None:
    """Codes and classes of codes, separated by commas."""
    assert accepts(wanted, status) is passes
