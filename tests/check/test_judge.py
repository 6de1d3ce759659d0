"""From a report to verdicts."""

from __future__ import annotations

import dataclasses

import pytest

from proxyctl.check.expected import BY_USER, Expected
from proxyctl.check.judge import judge
from proxyctl.check.load.sample import Sample
from proxyctl.check.report import Generator, Report, failed_line
from proxyctl.check.verdicts.stalls import Gap
from proxyctl.check.verdicts.threshold import parse_threshold
from proxyctl.core.status import Event
from tests.check.report_values import report_of, served

GOOD = served({"web1": 2000, "web2": 1000})
BAD = served({"web1": 1999, "web2": 1000}, Sample(0.5, 0.1, "reset"), Sample(0.75, 0.1, "http_500", 500, "web1"))
WEIGHTS = Expected({"web1": 2, "web2": 1}, "the user")


def verdicts(report: Report, expected: Expected | None = None, *expect: str) -> dict[str, bool]:
    """Return what was judged, and how."""
    judged = judge(report, expected, map(parse_threshold, expect))
    return {verdict.name: verdict.ok for verdict in judged.verdicts}


def test_default_verdicts() -> None:
    """Without a word no error is allowed, and the balance must be right where it is known."""
    assert verdicts(GOOD, WEIGHTS) == {"errors": True, "balance": True, "stalls": True}
    assert verdicts(BAD, Expected({"web1": 1, "web2": 1}, "x")) == {
        "errors": False,
        "balance": False,
        "faulty_server": True,
        "stalls": True,
    }
    assert verdicts(GOOD) == {"errors": True, "stalls": True}


def test_balance_is_not_guessed() -> None:
    """Where nobody says which shares are right, or who served, the report says so and judges nothing."""
    assert judge(GOOD).notes == ("balance not judged: no shares are expected",)
    assert judge(GOOD, Expected(None, "it is leastconn")).notes == ("balance not judged: it is leastconn",)
    assert judge(report_of([Sample(0.0, 0.1)]), WEIGHTS).notes[0].startswith("servers not named: ")
    assert judge(report_of([Sample(0.0, 0.1, "refused")]), WEIGHTS).notes == ()


def test_weights_that_were_asked_for_are_not_passed_in_silence() -> None:
    """Where the user expects weights and no answer names its server, the balance fails and says why."""
    silent = dataclasses.replace(report_of([Sample(0.0, 0.1)]), options={"server_from": "header:X-Nope"})
    report = judge(silent, Expected({"web1": 2, "web2": 1}, BY_USER))
    assert [(v.name, v.detail) for v in report.verdicts if not v.ok] == [
        ("balance", "no answer has one by --server-from header:X-Nope")
    ]
    assert judge(silent, WEIGHTS).ok


def test_judging_again_replaces_the_verdicts() -> None:
    """A second judgement takes the place of the first, notes included."""
    assert judge(judge(GOOD), WEIGHTS) == judge(GOOD, WEIGHTS)


def test_thresholds_replace_defaults() -> None:
    """A threshold on errors or balance takes the place of the one that is always there."""
    assert verdicts(BAD, WEIGHTS, "errors<=2")["errors"]
    assert verdicts(GOOD, WEIGHTS, "balance.p>0.5") == {"errors": True, "stalls": True, "balance.p": True}
    assert verdicts(GOOD, None, "balance.p>0.5", "stalls<=2") == {"errors": True, "balance.p": False, "stalls": True}
    assert verdicts(GOOD, WEIGHTS, "faulty_server.p>1e-9")["faulty_server.p"]


def test_nothing_sent_is_not_good() -> None:
    """A check in which no request ended proves nothing, and fails."""
    nothing = judge(dataclasses.replace(report_of([]), unfinished=2))
    assert not nothing.ok
    assert nothing.rate == 0.0
    assert nothing.notes == ("requests cut off at the end: 2",)
    assert failed_line(nothing) == "errors is unknown, expected == 0 (no request ended)"


def keyed(owners: str, *, by: str) -> Report:
    """Return a report of keys that met these servers, one letter for each request of the 60 keys."""
    samples = [Sample(i / 100, 0.002, None, 200, name, 0.001, i % 60) for i, name in enumerate(owners)]
    return dataclasses.replace(report_of(samples), options={"key_by": by, "rate": 1.0})


ALIKE = {"a": 1.0, "b": 1.0, "c": 1.0}


def test_keys_that_the_algorithm_goes_by() -> None:
    """Keys are judged where the algorithm goes by them, or where it is not known."""
    right, torn = keyed("abc" * 40, by="uri"), keyed("abc" * 20 + "bca" * 20, by="uri")
    for balance in ("uri", None):
        expected = Expected(ALIKE, "x", balance)
        assert verdicts(right, expected) == {"errors": True, "consistent": True, "spread": True}
        assert verdicts(torn, expected)["consistent"] is False
    assert verdicts(torn, Expected(ALIKE, "x", "roundrobin")) == {"errors": True, "balance": True}
    assert (
        verdicts(keyed("abc" * 20 + "bca" * 20, by="cookie"), Expected(ALIKE, "x", "roundrobin"))["consistent"] is False
    )


def test_keys_that_the_algorithm_does_not_see() -> None:
    """Paths are one key to a hash of the source: that all met one server is right, and no spread is asked of them."""
    report = judge(keyed("a" * 120, by="uri"), Expected(ALIKE, "x", "source"))
    assert {v.name: v.ok for v in report.verdicts} == {"errors": True, "consistent": True}
    assert report.notes == ("spread over servers not judged: keys by uri are one to an algorithm by source",)


def test_backups() -> None:
    """A backup that served while others were up is a verdict of its own."""
    expected = Expected({"web1": 2, "web2": 1, "spare": 0}, "x", "roundrobin", ("spare",))
    assert verdicts(GOOD, expected)["backup"]
    assert not verdicts(served({"web1": 200, "web2": 100, "spare": 1}), expected)["backup"]


def test_the_test_fits_the_algorithm() -> None:
    """Least connections, rings and exact round robins have tests of their own; a failure takes the exactness away."""

    def how(report: Report, *, by_ring: bool = False, **changes: object) -> tuple[str, str]:
        expected = dataclasses.replace(WEIGHTS, **changes)  # type: ignore[arg-type]
        judged = judge(report, expected, by_ring=by_ring)
        found = next(v for v in judged.verdicts if v.name in {"balance", "leastconn"})
        return found.name, found.expected

    assert how(GOOD) == ("balance", "p > 1e-4")
    assert how(GOOD, balance="roundrobin", cycles=1) == ("balance", "within 1 cycle")
    assert how(BAD, balance="roundrobin", cycles=1) == ("balance", "p > 1e-4")
    assert how(GOOD, balance="random", cycles=1) == ("balance", "p > 1e-4")
    assert how(GOOD, balance="random", by_ring=True) == ("balance", "<= 1")
    assert how(GOOD, balance="leastconn")[0] == "leastconn"


def test_generator_that_was_the_limit() -> None:
    """A load that came near the generator's own ceiling says so, and so do requests that had no connection."""
    busy = dataclasses.replace(GOOD, generator=Generator(busy=0.95, late=0.004))
    assert (
        judge(busy, WEIGHTS)
        .notes[0]
        .startswith("the generator was the limit, the proxy may do more: a process was busy 95%")
    )
    waited = dataclasses.replace(GOOD, generator=Generator(waited=1200))
    assert judge(waited, WEIGHTS).notes[0].endswith("in their latency: 1,200; more --concurrency")


def test_excused_stall_is_told() -> None:
    """A window that is not blamed on the proxy is a note, a verdict where the machine was quiet."""
    silent = dataclasses.replace(GOOD, gaps=(Gap(0.4, 0.2, 10),))
    assert not verdicts(silent, WEIGHTS)["stalls"]
    busy = dataclasses.replace(silent, generator=Generator(deaf=((0.1, 0.16),)))
    assert verdicts(busy, WEIGHTS)["stalls"]
    assert "nothing ended for 200 ms at 0.40 s" in judge(busy, WEIGHTS).notes[0]


def test_figures_of_servers_and_first_byte() -> None:
    """Thresholds reach the first byte, and each server's own figures."""
    expect = [
        "ttfb.p99<1.5ms",
        "server.web1.p50<3ms",
        "server.web1.ttfb.max<2",
        "server.web2.errors==0",
        "server.web2.requests==1000",
    ]
    assert all(verdicts(GOOD, WEIGHTS, *expect).values())
    assert not verdicts(GOOD, WEIGHTS, "server.web9.p99<5")["server.web9.p99"]


@pytest.mark.parametrize(("at", "judged"), [(-0.5, True), (0.5, False), (1.5, True)])
def test_a_pool_that_changed_meanwhile_is_not_judged(at: float, judged: bool) -> None:
    """Also where it is as before at the end: a server left and came back. Just before and after do not count."""
    uneven = served({"web1": 900, "web2": 100}, seconds=1.0)
    report = uneven.with_events([Event(uneven.started_at + at, "leave", "web2 left pool web")])
    expected = Expected({"web1": 1, "web2": 1}, "the weights of pool web", pool="web")
    found = judge(report, expected)
    assert any(v.name == "balance" for v in found.verdicts) == judged
    told = "balance not judged: the pool changed during the check: web2 left pool web"
    assert (told in found.notes) != judged
    by_user = judge(report, dataclasses.replace(expected, source=BY_USER))
    assert any(v.name == "balance" for v in by_user.verdicts)
