"""From a report to paths: nothing is lost, nothing is invented."""

from __future__ import annotations

import dataclasses
import itertools
import re

import pytest

from proxyctl.check.load.sample import Sample
from proxyctl.check.reports.page import spread, timechart
from proxyctl.check.reports.page.bursts import bursts
from proxyctl.check.reports.page.timechart import Panel
from proxyctl.core.status import Event
from tests.check.report_values import STARTED_AT, report_of, served
from tests.check.reports.page import worlds


def drawn(panel: Panel) -> dict[str, str]:
    """Return the paths of a panel by what they are."""
    return {one.name: one.path for one in panel.drawn}


@pytest.mark.parametrize("most", [10, 120, 300])
@pytest.mark.parametrize("make", [worlds.usual, worlds.short, worlds.long, worlds.refused])
def test_bins(most: int, make: worlds.World) -> None:
    """All requests are in a bin, and bins follow each other from the start to the end."""
    report = make()
    found = timechart.bins(report, most)
    assert len(found) <= most
    assert sum(one.requests for one in found) == report.requests
    assert sum(one.errors for one in found) == report.failed
    assert found[0].at == 0
    for one, following in itertools.pairwise(found):
        assert one.at + one.seconds == pytest.approx(following.at)
    assert found[-1].at + found[-1].seconds == pytest.approx(report.seconds)


def test_a_rest_is_no_rush() -> None:
    """What is left at the end, less than half a slice, counts with the slice before: its rate is not made up."""
    report = report_of([Sample(i / 100, 0.001) for i in range(101)])
    assert len(report.timeline) == 11
    rates = [one.requests / one.seconds for one in timechart.bins(report, 100)]
    assert len(rates) == 10
    assert max(rates) < 115


def test_panels() -> None:
    """Each server has its band, requests that no server is named for have one, percentiles have lines, errors bars."""
    chart = timechart.timechart(worlds.usual())
    assert chart
    assert list(drawn(chart.requests)) == ["web1", "web2", "web3", "server unknown"]
    assert chart.styles == {"web1": "s0", "web2": "s1", "web3": "s2"}
    assert list(drawn(chart.latency)) == ["max", "p99", "p50"]
    assert chart.latency.log
    assert chart.errors
    assert chart.unnamed
    assert len(chart.events) == 6


def test_many_servers() -> None:
    """More servers than colours are bands in two tints, and each has a small drawing of its own."""
    chart = timechart.timechart(worlds.long())
    assert chart
    assert {one.style for one in chart.requests.drawn} == {"many0", "many1", "unnamed"}
    assert chart.styles == {}
    assert len(chart.sparks) == 30


def test_good_and_even() -> None:
    """Without errors there is no panel for them; latency that hardly differs has a linear axis from 0."""
    chart = timechart.timechart(served({"web1": 500}))
    assert chart
    assert chart.errors is None
    assert not chart.latency.log
    assert chart.latency.ticks[0].text == "0 ms"
    assert not chart.unnamed


def test_hover_tells_the_figures() -> None:
    """Each column tells when it is, and what was then."""
    report = served({"web1": 500}, Sample(0.55, 0.001, "reset"))
    chart = timechart.timechart(report)
    assert chart
    texts = [hover.text for hover in chart.hover]
    assert texts[5] == "0.50 to 0.60 s\n520 requests/s\nweb1: 510/s\nlongest 2 ms\nerrors: 1"
    assert sum(hover.width for hover in chart.hover) == pytest.approx(100, abs=0.1)


def test_one_error_among_thousands_shows() -> None:
    """However many others there are, a single error is two pixels high."""
    many = [Sample(0.05, 0.001, "reset")] * 5000
    chart = timechart.timechart(served({"web1": 500}, *many, Sample(0.95, 0.001, "reset")))
    assert chart
    assert chart.errors
    assert re.findall(r"V(\d+)H", chart.errors.drawn[0].path)[-1] == str(timechart.ERRORS_HEIGHT - 2)


def test_nothing_to_draw() -> None:
    """Without a request there is no chart, and without a good one no latency."""
    nothing = report_of([])
    assert timechart.timechart(nothing) is None
    assert spread.spreadchart(nothing) is None
    refused = worlds.refused()
    chart = timechart.timechart(refused)
    assert chart
    assert chart.latency.drawn == ()
    assert spread.spreadchart(refused) is None


def test_the_slice_that_is_left() -> None:
    """The maximum of the last, short slice is not lost; its percentiles, of too few, are not drawn."""
    samples = [Sample(i / 100, 0.001) for i in range(100)]
    chart = timechart.timechart(report_of([*samples, Sample(0.95, 0.06)]))
    assert chart
    paths = drawn(chart.latency)
    top = min(float(y) for y in re.findall(r"V([\d.]+)", paths["max"]))
    assert top < timechart.LATENCY_HEIGHT / 4
    assert "V" not in paths["p50"]


def test_spread() -> None:
    """All good requests are in a bar, from the fastest to the slowest; percentiles are marked in order."""
    report = worlds.usual()
    chart = spread.spreadchart(report)
    assert chart
    assert 20 < chart.bars.count("Z") <= 73
    assert [mark.label.text for mark in chart.marks] == ["p50", "p90", "p99", "p99.9", "max"]
    assert sorted(mark.x for mark in chart.marks) == [mark.x for mark in chart.marks]
    assert chart.outline
    assert chart.y_ticks[0].text == "1"


def test_spread_of_one_value() -> None:
    """One request, and many that took equally long, have a bar too; without a first byte there is no outline."""
    for count in (1, 5000):
        chart = spread.spreadchart(report_of([Sample(i / 5000, 0.002) for i in range(count)]))
        assert chart
        assert chart.bars.count("Z") == 1
        assert chart.outline == ""


def test_bursts() -> None:
    """Failures alike within a second of each other are one row, with the events near any of them."""
    failures = [
        Sample(0.1, 0.1, "http_503", 503, "web1"),
        Sample(0.2, 0.4, "http_503", 503, "web1"),
        Sample(0.3, 0.0, "reset"),
        Sample(3.0, 0.0, "http_503", 503, "web1"),
    ]
    log = [Event(STARTED_AT + at, "drain", f"at {at}") for at in (0.5, 1.5)]
    report = report_of([*failures, Sample(3.5, 0.001)]).with_events(log)
    found = [(b.kind, b.server, b.count, round(b.first, 3), round(b.last, 3), b.longest) for b in bursts(report)]
    assert found == [
        ("http_503", "web1", 2, 0.2, 0.6, 0.4),
        ("reset", None, 1, 0.3, 0.3, 0.0),
        ("http_503", "web1", 1, 3.0, 3.0, 0.0),
    ]
    assert [sorted(b.events) for b in bursts(report)] == [[0, 1], [0], []]
    assert bursts(dataclasses.replace(report, failures=())) == []
