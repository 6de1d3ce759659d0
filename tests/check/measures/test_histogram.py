"""Times, counted."""

from __future__ import annotations

import random

import pytest
from hdrh.histogram import HdrHistogram

from proxyctl.check.measures.histogram import Histogram
from proxyctl.errors import UsageError


def counted(*seconds: float) -> Histogram:
    """Return a histogram of these times."""
    histogram = Histogram()
    for value in seconds:
        histogram.add(value)
    return histogram


def test_percentiles() -> None:
    """Percentiles are exact to three digits, the maximum to the microsecond."""
    figures = counted(*(ms / 1000 for ms in range(1, 1001))).figures()
    assert figures == {
        "p50": pytest.approx(500, rel=1e-3),
        "p90": pytest.approx(900, rel=1e-3),
        "p99": pytest.approx(990, rel=1e-3),
        "p99.9": pytest.approx(999, rel=1e-3),
        "max": 1000.0,
    }


def test_hdr() -> None:
    """What is written is the HDR histogram that HdrHistogram itself makes of the same times."""
    chance = random.Random(1)
    times = [chance.lognormvariate(-6, 2) for _ in range(5000)]
    hdr = HdrHistogram(1, 3_600_000_000, 3)
    for value in times:
        hdr.record_value(max(1, round(value * 1e6)))
    mine = counted(*times)
    theirs = HdrHistogram.decode(mine.encode())
    for percent in (0.1, 10, 50, 90, 99, 99.9, 100):
        assert theirs.get_value_at_percentile(percent) == hdr.get_value_at_percentile(percent)
        assert mine.percentile_ms(percent) == pytest.approx(hdr.get_value_at_percentile(percent) / 1000, rel=1e-3)


def test_there_and_back() -> None:
    """A histogram that was encoded and decoded is the same."""
    histogram = counted(0.0, 0.001, 0.0234567, 2.5, 86_400.0)
    assert Histogram.decode(histogram.encode(), histogram.longest_us / 1000) == histogram
    assert Histogram.decode(histogram.encode()).figures()["p50"] == histogram.figures()["p50"]
    assert Histogram.decode(Histogram().encode(), None).figures() == Histogram().figures()


def test_merge() -> None:
    """Two histograms merged are the one of all their times."""
    left, right = counted(0.001, 0.002), counted(0.002, 0.5)
    left.merge(right)
    assert left == counted(0.001, 0.002, 0.002, 0.5)
    assert left.total == 4
    assert left != right
    assert "Histogram of 4" in repr(left)


@pytest.mark.parametrize(("latency", "shown"), [(0.0, 0.001), (86_400.0, 3_600_000)])
def test_out_of_range(latency: float, shown: float) -> None:
    """A time beyond the range is counted at its end, not dropped."""
    assert counted(latency).figures()["max"] == pytest.approx(shown, rel=1e-3)


def test_nothing() -> None:
    """Without a time there are no percentiles."""
    assert set(Histogram().figures().values()) == {None}


@pytest.mark.parametrize("text", ["", "abc", "HISTFAAAA", "HISTFAAAABx42pNpmSzMwMDAxAABzFCaEUoz2X+AsAA6jQKx"])
def test_what_is_no_histogram(text: str) -> None:
    """Other text is refused."""
    with pytest.raises(UsageError, match="is not an encoded HDR histogram"):
        Histogram.decode(text)
